import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import { isTrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import type { Broker, Outgoing } from "../broker.ts";
import { channel } from "../channel.ts";
import { Hearing } from "../suite/stage.ts";
import { mq } from "./index.ts";

const env = realEnv();
const skip = addonProblem() ?? false;
const orders = channel({ name: "orders", shape: "queue", guarantee: "at-most-once" });
let places = 0;

/** All queues of a user share 800 KiB, and other tests are under way. */
const bounds = "?messages=10&bytes=1000";

/** A broker of its own, whose queue is gone when the test is over. */
async function opened(
  t: TestContext,
  waitMs: number = 10_000,
): Promise<{ broker: Broker; place: string }> {
  const place = `/trunkline-test-${process.pid}-${++places}`;
  const broker = await mq().open(`mq:${place}${bounds}`, { name: "test", waitMs }, env);
  t.after(async () => {
    await broker.close();
    addon()!.queueRemove(`${place}.orders`);
  });
  await broker.declare([orders]);
  return { broker, place };
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

async function heard(broker: Broker, count: number): Promise<Hearing> {
  const hearing = new Hearing();
  hearing.consumer = await broker.consume(
    { channel: orders, group: undefined, prefetch: 10 },
    hearing.take,
  );
  await hearing.until(count);
  return hearing;
}

test("a killed consumer loses what it held, and nothing of what waited", { skip }, async (t) => {
  const { broker, place } = await opened(t);
  const url = (path: string): string =>
    JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);
  const program = `
    const { mq } = await import(${url("mq.ts")});
    const { channel } = await import(${url("../channel.ts")});
    const { realEnv } = await import(${url("../../base/real-env.ts")});
    const broker = await mq().open(process.argv[1], { name: "child" }, realEnv());
    const orders = channel({ name: "orders", shape: "queue", guarantee: "at-most-once" });
    await broker.consume({ channel: orders, group: undefined, prefetch: 2 }, () => console.log("has some"));
  `;
  const args = [...process.execArgv, "--input-type=module", "-e", program, `mq:${place}${bounds}`];
  const texts = ["a", "b", "c", "d"];
  const receipts = await broker.publish(texts.map(saying));
  ok(receipts.every((each) => !isTrunklineError(each)));
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  const hearing = await heard(broker, 2);
  deepEqual(hearing.texts, ["c", "d"]);
  for (const delivery of hearing.deliveries) equal(delivery.redelivered, false);
});

test(
  "who publishes into a full queue waits for its time, and then it is certain that nothing went",
  { skip },
  async (t) => {
    const { broker } = await opened(t, 50);
    const outcomes = await broker.publish(Array.from({ length: 12 }, (_, i) => saying(String(i))));
    const errors = outcomes.filter((each) => isTrunklineError(each));
    equal(errors.length, 2);
    for (const { code, executed } of errors)
      deepEqual([code, executed], ["RESOURCE_EXHAUSTED", "no"]);
    equal((await heard(broker, 10)).texts.length, 10);
  },
);

test("what others write into a queue is told as malformed, with what came", { skip }, async (t) => {
  const { broker, place } = await opened(t);
  const os = addon()!;
  const fd = os.queueOpen(`${place}.orders`, 1, false, 0, 0, 0);
  const wrong = [
    "hello",
    "TL\u0001\0\0\0\0\0\u0010\0{}",
    "TL\u0001\0\0\0\0\0\0\u0002{}",
    "TL\u0001\0\0\0\0\0\0\u0004null",
    "",
  ];
  for (const text of wrong) {
    const bytes = Buffer.from(text, "latin1");
    equal(os.queueSend(fd, bytes, 0, bytes.length, 0), 0);
  }
  os.descriptorClose(fd);
  const { deliveries } = await heard(broker, wrong.length);
  for (const [index, { envelope, malformed }] of deliveries.entries()) {
    ok(malformed !== undefined);
    equal(Buffer.from(envelope.data).toString("latin1"), wrong[index]);
  }
});

test("what needs more than a queue is refused when it is declared", { skip }, async (t) => {
  const { broker } = await opened(t);
  for (const more of [
    { ordered: true },
    { guarantee: "at-least-once" as const },
    { compacted: true },
    { retentionMs: 1_000 },
  ])
    await rejects(broker.declare([{ ...orders, ...more }]), {
      code: "UNIMPLEMENTED",
      executed: "no",
      advice: /file:/,
    });
  for (const [more, advice] of [
    [{ shape: "topic" }, /^send documents/],
    [{ guarantee: "at-least-once" }, /^declare delivery: "at-most-once"/],
  ] as const)
    await rejects(broker.declare([{ ...orders, ...more }]), { advice });
});
