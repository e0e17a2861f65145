import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import { isTrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import { addonProblem } from "../../os/addon.ts";
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
    const outcomes = await broker.publish(["a", "b", "c", "d", "e"].map(saying));
    ok(outcomes.every((each) => !isTrunklineError(each)));
    const child = elsewhere(
      t,
      address,
      `await broker.consume({ channel: orders, group: undefined, prefetch: 4 }, async (batch) => {
        // Of a, b, c and d the first and the third.
        if (batch.length < 4) return;
        await batch[0].ack();
        await batch[2].ack();
        console.log("has some");
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
        ["b", 2],
        ["d", 2],
        // Given to the one that died in the place of what it had settled, or not.
        ["e", hearing.deliveries[2]!.attempt],
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
    { enqueued: "stored" as const },
  ])
    await rejects(broker.declare([{ ...orders, ...more }]), {
      code: "UNIMPLEMENTED",
      executed: "no",
      advice: /file:/,
    });
});

test("receipts mean that the disk has it where the address asks for that", { skip }, async (t) => {
  const broker = await opened(t, `mmap:${place(t)}?sync=disk&bytes=4096`);
  await broker.declare([{ ...orders, enqueued: "stored" }]);
  const hearing = await heard(broker, 0);
  for (let round = 0; round < 5; round++) {
    // More than one lap of the ring in all: what is settled has to be synced before its room is used again.
    const outcomes = await broker.publish(
      Array.from({ length: 10 }, (_, i) => saying(`${round}.${i}`)),
    );
    for (const each of outcomes) deepEqual(each, { enqueued: "stored", position: "orders" });
    for (const each of await hearing.until(hearing.deliveries.length))
      await each.ack().catch(() => {});
    await hearing.until((round + 1) * 10);
    for (const each of hearing.deliveries) await each.ack().catch(() => {});
  }
  equal(new Set(hearing.texts).size, 50);
});
