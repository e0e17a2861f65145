import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../base/alarm.ts";
import { systemError } from "../base/error.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Broker, Outgoing } from "../broker/broker.ts";
import { channel } from "../broker/channel.ts";
import { Publisher } from "./publisher.ts";

const orders = channel({ name: "orders", shape: "queue" });

function outgoing(id: string): Outgoing {
  const attributes = {};
  const data = new Uint8Array(0);
  const envelope = { id, type: "t", source: "/s", subject: undefined, time: 0, attributes, data };
  return { channel: orders, envelope: { ...envelope, contentType: "text/plain" } };
}

/** Answers as it is told; all else is of no concern here. */
function broker(publish: Broker["publish"]): Broker {
  return { address: "test:", publish } as unknown as Broker;
}

test("what is published in one turn leaves in one batch, and each has its own receipt", async () => {
  const env = new VirtualEnv();
  const batches: string[][] = [];
  const publisher = new Publisher(
    broker(async (messages) => {
      batches.push(messages.map(({ envelope }) => envelope.id));
      return messages.map(({ envelope }) =>
        envelope.id === "2"
          ? systemError("RESOURCE_EXHAUSTED", "full", { executed: "no" })
          : { enqueued: "stored", position: envelope.id },
      );
    }),
    env,
  );
  const sent = ["1", "2", "3"].map((id) => publisher.publish(outgoing(id), Infinity));
  const outcomes = Promise.allSettled(sent);
  await sleep(env, 1);
  deepEqual(batches, [["1", "2", "3"]]);
  deepEqual(
    (await outcomes).map((each) => (each.status === "fulfilled" ? each.value.position : "refused")),
    ["1", "refused", "3"],
  );
});

test("a receipt that does not come in time is maybe, and a message that has not left is not there", async () => {
  const env = new VirtualEnv();
  const publisher = new Publisher(
    broker(() => new Promise(() => {})),
    env,
  );
  const late = publisher.publish(outgoing("1"), env.now() + 100);
  const check = rejects(late, { code: "DEADLINE_EXCEEDED", executed: "maybe" });
  await sleep(env, 200);
  await check;
  const abort = new AbortController();
  abort.abort();
  await rejects(publisher.publish(outgoing("2"), Infinity, abort.signal), {
    code: "CANCELLED",
    executed: "no",
  });
  equal(publisher.outstanding, 0);
});

test("past the bound of messages on their way further ones are refused, executed no", async () => {
  const env = new VirtualEnv();
  const publisher = new Publisher(
    broker(() => new Promise(() => {})),
    env,
  );
  for (let i = 0; i < 10_000; i++) publisher.publish(outgoing(String(i)), Infinity).catch(() => {});
  await rejects(publisher.publish(outgoing("one more"), Infinity), {
    code: "RESOURCE_EXHAUSTED",
    executed: "no",
  });
});

test("what may or may not be there is published again under its id, before what was given after it", async () => {
  const env = new VirtualEnv();
  const batches: string[][] = [];
  const publisher = new Publisher(
    broker(async (messages) => {
      batches.push(messages.map(({ envelope }) => envelope.id));
      if (batches.length > 1) return messages.map(() => ({ enqueued: "stored" }));
      await sleep(env, 100);
      return messages.map(({ envelope }) =>
        envelope.id === "1"
          ? { enqueued: "stored" }
          : systemError("UNAVAILABLE", "the connection was lost", { executed: "maybe" }),
      );
    }),
    env,
  );
  const sent = ["1", "2", "3"].map((id) => publisher.publish(outgoing(id), env.now() + 60_000));
  await sleep(env, 110);
  sent.push(publisher.publish(outgoing("4"), env.now() + 60_000));
  const receipts = await Promise.all(sent);
  equal(receipts.length, 4);
  deepEqual(batches, [
    ["1", "2", "3"],
    ["2", "3", "4"],
  ]);
});
