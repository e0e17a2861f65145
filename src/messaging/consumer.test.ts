import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../base/alarm.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { timestamp } from "../base/timestamp.ts";
import { channel, type Channel } from "../broker/channel.ts";
import type { Envelope } from "../broker/envelope.ts";
import { memoryBroker } from "../broker/memory/index.ts";
import type { Broker, Delivery, Subscription } from "../broker/broker.ts";
import { MessageConsumer } from "./consumer.ts";
import { consumerTerms } from "./consumer-terms.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { noteOf } from "./failure-note.ts";
import type { ConsumeTerms } from "./on.ts";
import type { Outcome, Received } from "./work.ts";

const operation = {
  name: "orders.placed",
  kind: "event",
  contract: "orders",
  version: "1.0.0",
} as const;

function message(id: string, key: string, attributes: Record<string, string> = {}): Envelope {
  return {
    id,
    type: "orders.placed",
    source: "/test",
    subject: key,
    time: 0,
    contentType: "application/json",
    attributes,
    data: Buffer.from("{}"),
  };
}

/** Keeps what is given up in a list; nothing is blocked. */
class List implements DeadLetters {
  readonly letters: string[] = [];
  assigned = (): Promise<void> => Promise.resolve();
  blocks = (): boolean => false;
  bury: DeadLetters["bury"] = async (delivery, { last, attempts }) => {
    this.letters.push(`${delivery.envelope.id} ${last.why} after ${attempts}`);
    await delivery.ack();
  };
  handled = (): void => {};
  stopped = (): void => {};
  lost = (): void => {};
  blockedKeys = (): readonly string[] => [];
  close = (): Promise<void> => Promise.resolve();
}

class Scene {
  readonly env = new VirtualEnv();
  readonly broker: Broker = memoryBroker({}, this.env);
  readonly dead = new List();
  readonly channel: Channel;
  readonly #consumers: MessageConsumer[] = [];

  constructor(terms: Partial<Channel> = {}) {
    this.channel = channel({ name: "orders", shape: "queue", ordered: true, shards: 2, ...terms });
  }

  async consume(
    work: (received: Received) => Promise<Outcome> | Outcome,
    terms: ConsumeTerms = {},
    broker: Broker = this.broker,
  ): Promise<MessageConsumer> {
    const { channel: of, dead, env } = this;
    await broker.declare([of]);
    const consumer = new MessageConsumer({
      broker,
      channel: of,
      group: undefined,
      operation,
      terms: consumerTerms(terms, undefined, of.ordered),
      work: async (received) => work(received),
      ended: () => Promise.resolve(),
      dead,
      dataOf: () => undefined,
      env,
    });
    this.#consumers.push(consumer);
    await consumer.start();
    return consumer;
  }

  async publish(...envelopes: Envelope[]): Promise<void> {
    await this.broker.publish(envelopes.map((envelope) => ({ channel: this.channel, envelope })));
  }

  async passes(ms: number): Promise<void> {
    await sleep(this.env, ms);
  }
}

const done: Outcome = { kind: "done" };
const failed: Outcome = { kind: "retry", failure: noteOf(new Error("no luck")) };

test("what throws is tried again, the next of its key waits, and other keys go on", async () => {
  const scene = new Scene();
  const seen: string[] = [];
  await scene.consume(({ envelope, attempt }) => {
    seen.push(`${envelope.id}/${attempt}`);
    if (envelope.id === "a1" && attempt < 3) throw new Error("no luck");
    return done;
  });
  await scene.publish(message("a1", "a"), message("a2", "a"), message("b1", "b"));
  await scene.passes(1_000);
  deepEqual(
    seen.filter((each) => each.startsWith("a")),
    ["a1/1", "a1/2", "a1/3", "a2/1"],
  );
  equal(seen.indexOf("b1/1") < seen.indexOf("a1/2"), true);
  equal((await scene.broker.lag(scene.channel, undefined)).waiting, 0);
});

test("attempts come to an end with the dead letters, and the count of them", async () => {
  const scene = new Scene();
  let attempts = 0;
  await scene.consume(
    () => {
      attempts++;
      return failed;
    },
    { retry: { soon: 1, later: 2, base: "1s", cap: "2s" } },
  );
  await scene.publish(message("a1", "a"));
  await scene.passes(10_000);
  equal(attempts, 4);
  deepEqual(scene.dead.letters, ["a1 failed after 4"]);
});

test("a second delivery of what was handled has no second effect", async () => {
  const scene = new Scene();
  let effects = 0;
  const consumer = await scene.consume(() => {
    effects++;
    return done;
  });
  await scene.publish(message("a1", "a"));
  await scene.passes(10);
  await scene.publish(message("a1", "a"));
  await scene.passes(10);
  equal(effects, 1);
  equal(consumer.stats().duplicate, 1);
});

test("no more ids are remembered than were asked for", async () => {
  const scene = new Scene();
  const seen: string[] = [];
  await scene.consume(
    ({ envelope }) => {
      seen.push(envelope.id);
      return done;
    },
    { remembered: 2 },
  );
  for (const id of ["1", "2", "3", "1", "3"]) {
    await scene.publish(message(id, "a"));
    await scene.passes(10);
  }
  deepEqual(seen, ["1", "2", "3", "1"]);
});

test("what has expired while it waited is settled unseen", async () => {
  const scene = new Scene();
  const seen: string[] = [];
  await scene.consume(
    async ({ envelope }) => {
      seen.push(envelope.id);
      await sleep(scene.env, 5_000);
      return done;
    },
    { concurrency: 1, prefetch: 2 },
  );
  const expirytime = timestamp(scene.env.wall() + 1_000);
  await scene.publish(message("a1", "a"), message("a2", "a", { expirytime }));
  await scene.passes(20_000);
  deepEqual(seen, ["a1"]);
});

test("a handler that does not stop in twice its time counts as failed, and is not heard when it ends", async () => {
  const scene = new Scene();
  const ends: (() => void)[] = [];
  let aborted = 0;
  const consumer = await scene.consume(
    ({ attempt, signal }) => {
      signal.addEventListener("abort", () => aborted++);
      if (attempt > 1) return done;
      return new Promise<Outcome>((resolve) => ends.push(() => resolve(failed)));
    },
    { within: "1s" },
  );
  await scene.publish(message("a1", "a"));
  await scene.passes(5_000);
  for (const end of ends) end();
  await scene.passes(1_000);
  equal(aborted, 1);
  const { handled, retry, dead } = consumer.stats();
  deepEqual({ handled, retry, dead }, { handled: 1, retry: 1, dead: 0 });
});

test("a part that goes to another member is let go when what was begun has ended", async () => {
  const scene = new Scene({ shards: 1 });
  const order: string[] = [];
  const handle =
    (who: string) =>
    async ({ envelope }: Received): Promise<Outcome> => {
      order.push(`${who} begins ${envelope.id}`);
      await sleep(scene.env, 500);
      order.push(`${who} ends ${envelope.id}`);
      return done;
    };
  const first = await scene.consume(handle("first"), { concurrency: 1 });
  await scene.publish(message("a1", "a"), message("a2", "a"));
  await scene.passes(100);
  await scene.consume(handle("second"));
  void first.stop(10_000);
  await scene.passes(5_000);
  deepEqual(order, ["first begins a1", "first ends a1", "second begins a2", "second ends a2"]);
});

test("a member that joins begins with a part when what the one before it has begun there has ended", async () => {
  const scene = new Scene({ shards: 2 });
  const order: string[] = [];
  const handle =
    (who: string) =>
    async ({ envelope }: Received): Promise<Outcome> => {
      order.push(`${who} begins ${envelope.id}`);
      await sleep(scene.env, 500);
      order.push(`${who} ends ${envelope.id}`);
      return done;
    };
  await scene.consume(handle("first"), { concurrency: 8 });
  const keys = ["a", "b", "c", "d"]; // of both parts
  await scene.publish(...keys.flatMap((key) => [message(`${key}1`, key), message(`${key}2`, key)]));
  await sleep(scene.env, 100);
  await scene.consume(handle("second"), { concurrency: 8 });
  await sleep(scene.env, 10_000);
  const moved = keys.filter((key) => order.includes(`second begins ${key}2`));
  equal(moved.length > 0, true);
  for (const key of moved) {
    equal(order.includes(`second begins ${key}1`), false);
    equal(order.indexOf(`first ends ${key}1`) < order.indexOf(`second begins ${key}2`), true);
  }
});

/** A broker whose deliveries are the test's own. `ack`: of each, when it settles. */
function played(
  scene: Scene,
  ack: (id: string) => Promise<void> = () => Promise.resolve(),
): {
  readonly broker: Broker;
  deliver(...ids: string[]): void;
  readonly subscription: Subscription;
} {
  let subscription: Subscription | undefined;
  let heard: (batch: readonly Delivery[]) => void = () => {};
  const consumer = {
    shards: [],
    pause: () => {},
    resume: () => {},
    close: () => Promise.resolve(),
  };
  const broker: Broker = {
    ...scene.broker,
    capabilities: scene.broker.capabilities,
    declare: () => Promise.resolve([]),
    consume: (asked, deliver) => {
      [subscription, heard] = [asked, deliver];
      return Promise.resolve({ ...consumer, [Symbol.asyncDispose]: () => Promise.resolve() });
    },
  };
  const delivery = (id: string): Delivery => ({
    envelope: message(id, "a"),
    attempt: 1,
    redelivered: false,
    shard: "0",
    generation: 1,
    ack: () => ack(id),
    release: () => Promise.resolve(),
  });
  return {
    broker,
    deliver: (...ids) => heard(ids.map(delivery)),
    get subscription() {
      return subscription!;
    },
  };
}

test("what is on its way when its shard is given up is not begun before what was forgotten", async () => {
  const scene = new Scene();
  const play = played(scene);
  const seen: string[] = [];
  const first = Promise.withResolvers<Outcome>();
  await scene.consume(
    ({ envelope }) => {
      seen.push(envelope.id);
      return envelope.id === "a1" ? first.promise : done;
    },
    {},
    play.broker,
  );
  play.subscription.assigned!("0");
  await scene.passes(10);
  play.deliver("a1", "a2");
  await scene.passes(10);
  const given = play.subscription.revoking!("0");
  play.deliver("a3"); // it had left before
  first.resolve(done);
  await given;
  await scene.passes(10);
  deepEqual(seen, ["a1"]);
  play.subscription.assigned!("0");
  play.deliver("a2", "a3");
  await scene.passes(10);
  deepEqual(seen, ["a1", "a2", "a3"]);
});

test("what is given up waits until the one before it of its key is known to be settled", async () => {
  const scene = new Scene();
  const settled = Promise.withResolvers<void>();
  const play = played(scene, (id) => (id === "a1" ? settled.promise : Promise.resolve()));
  const malformed: Outcome = { kind: "dead", failure: noteOf(new Error("nobody can read it")) };
  await scene.consume(({ envelope }) => (envelope.id === "a1" ? done : malformed), {}, play.broker);
  play.subscription.assigned!("0");
  await scene.passes(10);
  play.deliver("a1", "a2");
  await scene.passes(10_000);
  deepEqual(
    scene.dead.letters,
    [],
    "were the ack lost, a1 would come again and find its key blocked",
  );
  settled.resolve();
  await scene.passes(10);
  deepEqual(scene.dead.letters, ["a2 failed after 1"]);
});
