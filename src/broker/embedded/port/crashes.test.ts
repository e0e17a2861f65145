// What goes through a channel and out of another one is there once and in its order, whenever the process dies.
import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../../base/alarm.ts";
import { isTrunklineError } from "../../../base/error.ts";
import { between, seededRandom } from "../../../base/random.ts";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import type { Delivery, Outgoing } from "../../broker.ts";
import { channel } from "../../channel.ts";
import { Lab, textOf } from "./testing/lab.ts";

const seeds = 25;
const count = 120;
const keys = 6;

const into = channel({ name: "into", shape: "queue", ordered: true, shards: 3 });
const out = channel({
  name: "out",
  shape: "topic",
  ordered: true,
  shards: 3,
  retentionMs: 3_600_000,
  guarantee: "exactly-once",
});

/** Publishes what has no receipt yet, in its order, some at a time. */
async function publish(lab: Lab, left: Outgoing[], random: () => number): Promise<void> {
  while (left.length > 0) {
    const some = left.slice(0, between(random, 1, 8));
    const outcomes = await lab.broker.publish(some);
    if (lab.dead || outcomes.some(isTrunklineError)) return;
    left.splice(0, some.length);
    await sleep(lab.env, between(random, 0, 3));
    if (lab.dead) return;
  }
}

/** Takes one message of a key after the other, and each leaves with what comes of it. */
async function work(lab: Lab, random: () => number): Promise<void> {
  const behind = new Map<string, Promise<void>>();
  const handle = async (delivery: Delivery): Promise<void> => {
    const { id, subject } = delivery.envelope;
    await sleep(lab.env, between(random, 0, 4));
    const text = textOf(delivery.envelope);
    await delivery.ack([lab.outgoing(out, text, { id: `${id}/out`, subject })]);
  };
  await lab.hear({ channel: into, prefetch: between(random, 1, 20) }, (delivery) => {
    const key = delivery.envelope.subject!;
    const before = behind.get(key) ?? Promise.resolve();
    behind.set(
      key,
      before.then(() => handle(delivery)).catch(() => undefined),
    );
  });
}

/** Waits until something is so, or for a minute: what is missing then is for the assertions. */
async function until(env: VirtualEnv, so: () => boolean | Promise<boolean>): Promise<void> {
  const late = env.now() + 60_000;
  while (!(await so()) && env.now() < late) await sleep(env, 10);
}

async function play(seed: number): Promise<void> {
  const random = seededRandom(seed, "crashes");
  const env = new VirtualEnv(seed);
  let lab = new Lab(between(random, 0, 1) === 0 ? "turn" : between(random, 1, 6), {}, env);
  await lab.broker.declare([into, out]);
  const left = Array.from({ length: count }, (_, index) =>
    lab.outgoing(into, String(index), { subject: `k${index % keys}` }),
  );
  for (let lives = between(random, 1, 5); lives > 0; lives--) {
    void publish(lab, left, random).catch(() => undefined);
    await work(lab, random);
    if (between(random, 0, 1) === 0)
      (await lab.hear({ channel: out, group: "sink", from: "first" })).consumer.pause();
    await sleep(env, between(random, 0, 60));
    lab = lab.crash({ torn: between(random, 0, 1) === 0 });
  }
  await using last = lab;
  await work(last, random);
  await publish(last, left, random);
  await until(env, async () => (await last.broker.lag(into, undefined)).waiting === 0);
  const sink = await last.hear({ channel: out, group: "sink", from: "first", prefetch: count });
  await until(env, () => sink.deliveries.length >= count);
  await sleep(env, 1_000);
  for (let key = 0; key < keys; key++) {
    const own = sink.deliveries.filter(({ envelope }) => envelope.subject === `k${key}`);
    const numbers = own.map(({ envelope }) => Number(textOf(envelope)));
    const expected = Array.from({ length: count / keys }, (_, index) => key + index * keys);
    deepEqual(numbers, expected, `seed ${seed}, key k${key}`);
  }
}

for (let seed = 1; seed <= seeds; seed++)
  test(`each message comes out once, in the order of its key (seed ${seed})`, () => play(seed));
