import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import { channels } from "../../base/diagnostics.ts";
import { isTrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import type { Broker, Outgoing } from "../broker.ts";
import { channel } from "../channel.ts";
import { Hearing } from "../suite/stage.ts";
import { mmap } from "./index.ts";

const env = realEnv();
const skip = addonProblem() ?? false;
const orders = channel({ name: "orders", shape: "queue", ordered: true });

/** A path in a folder that is gone when the test is over. */
function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "shop");
}

async function opened(t: TestContext, address: string, waitMs: number = 10_000): Promise<Broker> {
  const broker = await mmap().open(address, { name: "test", waitMs }, env);
  t.after(() => broker.close());
  await broker.declare([orders]);
  return broker;
}

function saying(text: string): Outgoing {
  return {
    channel: orders,
    envelope: {
      id: text,
      type: "said",
      source: "/test",
      subject: undefined,
      time: 0,
      contentType: "text/plain",
      attributes: {},
      data: Buffer.from(text),
    },
  };
}

async function heard(broker: Broker, count: number, prefetch: number = 10): Promise<Hearing> {
  const hearing = new Hearing();
  hearing.consumer = await broker.consume(
    { channel: orders, group: undefined, prefetch },
    hearing.take,
  );
  await hearing.until(count);
  return hearing;
}

/** Another process that has opened the broker at `process.argv[1]`, and runs this. */
function elsewhere(t: TestContext, address: string, program: string): ChildProcess {
  const url = (path: string): string =>
    JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);
  const before = `
    const { mmap } = await import(${url("mmap.ts")});
    const { channel } = await import(${url("../channel.ts")});
    const { realEnv } = await import(${url("../../base/real-env.ts")});
    const broker = await mmap().open(process.argv[1], { name: "child" }, realEnv());
    const orders = channel({ name: "orders", shape: "queue", ordered: true });
    const saying = (text) => ({ channel: orders, envelope: { id: text, type: "said", source: "/test",
      subject: undefined, time: 0, contentType: "text/plain", attributes: {}, data: Buffer.from(text) } });
    await broker.declare([orders]);
  `;
  const args = [...process.execArgv, "--input-type=module", "-e", before + program, address];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

test(
  "who closes when he is told that the ring is lost has nothing of the next one",
  { skip },
  async (t) => {
    const path = place(t);
    const broker = await opened(t, `mmap:${path}`);
    const told = Promise.withResolvers<void>();
    const consumer = await broker.consume(
      { channel: orders, group: undefined, prefetch: 1 },
      () => {},
    );
    const listen = (event: unknown): void => {
      const { address, state } = event as { address: string; state: string };
      if (state !== "lost" || !address.startsWith(path)) return;
      void consumer.close();
      told.resolve();
    };
    channels.broker.subscribe(listen);
    t.after(() => channels.broker.unsubscribe(listen));
    rmSync(`${path}.orders`);
    await told.promise;
    equal(env.alarms, 0);
  },
);

test(
  "where the bell cannot be watched it is refused by name, and nothing stays open",
  { skip },
  async (t) => {
    const broker = await opened(t, `mmap:${place(t)}`);
    const watch = t.mock.method(addon()!, "watchStart", () => {
      throw Object.assign(new Error("uv_poll_init ENOSPC"), { code: "ENOSPC" });
    });
    const before = readdirSync("/proc/self/fd").length;
    await rejects(
      broker.consume({ channel: orders, group: undefined, prefetch: 1 }, () => {}),
      { code: "RESOURCE_EXHAUSTED", executed: "no" },
    );
    equal(readdirSync("/proc/self/fd").length, before);
    watch.mock.restore();
    await broker.publish([saying("a")]);
    await heard(broker, 1);
  },
);

test("what another process publishes is there after it has died", { skip }, async (t) => {
  const address = `mmap:${place(t)}`;
  const broker = await opened(t, address);
  const hearing = await heard(broker, 0);
  const texts = ["a", "b", "c"];
  const child = elsewhere(
    t,
    address,
    `await broker.publish(["a", "b", "c"].map(saying)); process.kill(process.pid, "SIGKILL");`,
  );
  await once(child, "exit");
  for (const delivery of await hearing.until(3)) await delivery.ack();
  deepEqual(hearing.texts, texts);
});

test(
  "whoever stands by gets what a killed consumer had not settled, counted, and nothing that it had",
  { skip },
  async (t) => {
    const address = `mmap:${place(t)}`;
    const broker = await opened(t, address);
    const outcomes = await broker.publish(["a", "b", "c", "d"].map(saying));
    ok(outcomes.every((each) => !isTrunklineError(each)));
    const child = elsewhere(
      t,
      address,
      `const has = [];
      await broker.consume({ channel: orders, group: undefined, prefetch: 2 }, (batch) => {
        has.push(...batch);
        // It has a and b, settles b, and gets c.
        if (has.length === 2) void has[1].ack();
        else if (has.length === 3) console.log("has some");
      });`,
    );
    await once(child.stdout!, "data");
    const hearing = await heard(broker, 0);
    deepEqual(hearing.texts, []);
    child.kill("SIGKILL");
    await hearing.until(3);
    deepEqual(
      hearing.deliveries.map(({ attempt }, index) => [hearing.texts[index], attempt]),
      [
        ["a", 2],
        ["c", 2],
        ["d", 1],
      ],
    );
    equal(hearing.deliveries[0]!.generation, 2);
  },
);

test(
  "who publishes into a full ring waits for its time, and then it is certain that nothing went",
  { skip },
  async (t) => {
    const broker = await opened(t, `mmap:${place(t)}?bytes=4096`, 50);
    const outcomes = await broker.publish(
      Array.from({ length: 100 }, (_, i) => saying(String(i).padStart(100))),
    );
    const written = outcomes.filter((each) => !isTrunklineError(each)).length;
    ok(written > 10 && written < 40, String(written));
    for (const refused of outcomes.slice(written)) {
      ok(isTrunklineError(refused));
      deepEqual([refused.code, refused.executed], ["RESOURCE_EXHAUSTED", "no"]);
    }
    const hearing = await heard(broker, written, 100);
    for (const each of hearing.deliveries) await each.ack();
    const more = await broker.publish([saying("more")]);
    ok(!isTrunklineError(more[0]), "what was settled is room again");
    await hearing.until(written + 1);
  },
);

test("what needs more than a ring is refused when it is declared", { skip }, async (t) => {
  const broker = await opened(t, `mmap:${place(t)}`);
  for (const more of [
    { guarantee: "exactly-once" as const },
    { compacted: true },
    { retentionMs: 1_000 },
    { priorityMax: 1 },
    { lengthMax: 10 },
    { enqueued: "replicated" as const },
  ])
    await rejects(broker.declare([{ ...orders, ...more }]), {
      code: "UNIMPLEMENTED",
      executed: "no",
      advice: /file:/,
    });
  await rejects(broker.declare([{ ...orders, shape: "topic" }]), { advice: /^send documents/ });
});

test(
  "receipts wait for the disk where the address asks for that, also when the ring begins anew",
  { skip },
  async (t) => {
    const broker = await opened(t, `mmap:${place(t)}?sync=disk&bytes=4096`);
    await broker.declare([{ ...orders, enqueued: "stored" }]);
    const hearing = await heard(broker, 0);
    // More than three laps of the ring: what is settled has to be known to the disk before its room is used again.
    for (let round = 0; round < 10; round++) {
      const outcomes = await broker.publish(
        Array.from({ length: 10 }, (_, i) => saying(String(round * 10 + i))),
      );
      for (const each of outcomes) deepEqual(each, { enqueued: "stored", position: "orders" });
      const deliveries = await hearing.until((round + 1) * 10);
      for (const each of deliveries.slice(round * 10)) await each.ack();
    }
    deepEqual(
      hearing.texts,
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
  },
);

test("an address says a path, and how large rings are and how safe", { skip }, async () => {
  const open = (address: string): Promise<Broker> => mmap().open(address, { name: "test" }, env);
  for (const wrong of [
    "mmap:",
    "mmap://host/ring",
    "mmap:./folder/",
    "mmap:./ring?bytes=5000",
    "mmap:./ring?bytes=2048",
    "mmap:./ring?bytes=536870912",
    "mmap:./ring?sync=yes",
    "mmap:./ring?sync=disk&sync=os",
    "mmap:./ring?size=4096",
  ])
    await rejects(open(wrong), { code: "INVALID_ARGUMENT", executed: "no" }, wrong);
  await using broker = await open("mmap:ring?sync=disk&bytes=65536");
  equal(broker.address, `mmap:${join(process.cwd(), "ring")}?bytes=65536&sync=disk`);
  equal(broker.capabilities.bytesMax, 16_368);
});
