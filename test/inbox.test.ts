// A message that ends its process (IN-5): by real processes, over SQLite and the broker in a folder.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { client } from "trunkline";
import { sqlite } from "trunkline/store/sqlite";
import { Post } from "./inbox/contract.ts";
import { fromSource } from "./program.ts";

const parcels = 24;
/** The deadly one comes in their middle. */
const deadlyAt = 5;
/** Far more processes than it may end. */
const livesMax = 12;

test(
  "IN-5: a message that kills its process is dead after it has done so four times, and those beside it are handled once",
  { timeout: 120_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "trunkline-inbox-"));
    const [messages, database] = [`file:${join(folder, "broker")}`, join(folder, "data.db")];
    await using store = sqlite(database);
    await store.migrate();
    await store.transaction(async ({ native }) =>
      native.exec("CREATE TABLE parcel (id TEXT NOT NULL, attempt INTEGER NOT NULL)"),
    );
    const rows = (): Promise<Record<string, unknown>[]> =>
      store.transaction(async ({ native }) => native.prepare("SELECT * FROM parcel").all());
    {
      await using post = client(Post, messages, { instance: "sender" });
      for (let number = 0; number < parcels; number++)
        await post.parcel({ id: `p-${number}`, deadly: number === deadlyAt });

      const outcomes: { outcome: string; reason?: string }[] = [];
      let kills = 0;
      const settled = async (): Promise<boolean> =>
        outcomes.some(({ outcome }) => outcome === "dead") && (await rows()).length === parcels - 1;
      for (let lives = 0; lives < livesMax && !(await settled()); lives++) {
        const consumer = fork(
          join(import.meta.dirname, "inbox/consumer.ts"),
          [messages, database],
          {
            execArgv: fromSource,
          },
        );
        const exited = once(consumer, "exit");
        const calm = Promise.withResolvers<void>();
        consumer.on("message", (told) => {
          outcomes.push(told as { outcome: string });
          void settled().then((yes) => yes && calm.resolve());
        });
        await Promise.race([exited, calm.promise]);
        if (consumer.signalCode === "SIGKILL") kills++;
        else consumer.kill("SIGKILL");
        await exited;
      }
      equal(kills, 4);
      const dead = outcomes.filter(({ outcome }) => outcome === "dead");
      equal(dead.length, 1);
      match(dead[0]!.reason!, /attempts at it have begun and not ended: it ends its process/);
    }
    const handled = (await rows()).map(({ id }) => String(id));
    const expected = Array.from({ length: parcels }, (_, number) => `p-${number}`);
    deepEqual(handled.toSorted(), expected.filter((_, number) => number !== deadlyAt).toSorted());
    // Some of them were under way when it happened.
    ok((await rows()).some(({ attempt }) => Number(attempt) > 1));
    await store.close();
    await rm(folder, { recursive: true });
  },
);
