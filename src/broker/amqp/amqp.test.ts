import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Connection } from "rabbitmq-client";

import { freePort, missing } from "../../../scripts/servers/for-tests.ts";
import {
  freeRabbitmqPorts,
  rabbitmqCertificate,
  rabbitmqTool,
} from "../../../scripts/servers/rabbitmq.ts";
import { rabbitmqUnderTest } from "../../../scripts/servers/rabbitmq-for-tests.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Broker, Delivery, Outgoing, Subscription } from "../broker.ts";
import { channel, type Channel } from "../channel.ts";
import { amqp, type AmqpOptions } from "./index.ts";

const ports = await freeRabbitmqPorts();
const server = rabbitmqUnderTest("rabbitmq", ports);
const env = realEnv();
const address = `amqp://it:it@127.0.0.1:${ports.amqp}`;

function open(options: AmqpOptions = {}, at = address): Promise<Broker> {
  return amqp(options).open(at, { name: "test", waitMs: 5_000 }, env);
}

let channels = 0;
function queue(terms: Partial<Channel> = {}): Channel {
  return channel({ shape: "queue", ...terms, name: `own.${channels++}` });
}

function message(to: Channel, text: string, more: Partial<Outgoing> = {}): Outgoing {
  return {
    channel: to,
    envelope: {
      id: uuidv7(env),
      type: "test.said",
      source: "/test",
      subject: undefined,
      time: Math.floor(env.wall()),
      contentType: "text/plain",
      attributes: {},
      data: Buffer.from(text),
    },
    ...more,
  };
}

/** Consumes, and gives the next so many deliveries when they are there. */
async function hearing(
  broker: Broker,
  terms: Partial<Subscription> & Pick<Subscription, "channel">,
  each: (delivery: Delivery) => void = (delivery) => void delivery.ack(),
): Promise<(count: number) => Promise<Delivery[]>> {
  const heard: Delivery[] = [];
  let look: () => void = () => {};
  await broker.consume({ group: undefined, prefetch: 100, ...terms }, (batch) => {
    for (const delivery of batch) {
      heard.push(delivery);
      each(delivery);
    }
    look();
  });
  return async (count) => {
    while (heard.length < count) await new Promise<void>((resolve) => (look = resolve));
    return heard;
  };
}

const texts = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ envelope }) => Buffer.from(envelope.data).toString());

async function refusal(of: Promise<unknown>): Promise<TrunklineError> {
  const outcome = await of.then(
    () => undefined,
    (error: unknown) => error,
  );
  ok(isTrunklineError(outcome));
  return outcome;
}

suite("RabbitMQ", { skip: missing(server) ?? false, timeout: 120_000 }, () => {
  let node: Running;
  before(async () => {
    node = await running(server);
  });
  after(() => node[Symbol.asyncDispose]());

  test("a wrong password, an unknown virtual host and a port where nobody is are told apart", async () => {
    const wrong = await refusal(open({}, `amqp://it:wrong@127.0.0.1:${ports.amqp}`));
    deepEqual([wrong.code, wrong.executed], ["UNAUTHENTICATED", "no"]);
    ok(!wrong.message.includes("wrong@"));
    equal((await refusal(open({}, `${address}/nowhere`))).code, "INVALID_ARGUMENT");
    const nobody = await refusal(open({}, `amqp://it:it@127.0.0.1:${await freePort()}`));
    deepEqual([nobody.code, nobody.executed], ["UNAVAILABLE", "no"]);
  });

  test("the hosts of an address are tried in turn", async () => {
    const hosts = `127.0.0.1:${await freePort()},127.0.0.1:${ports.amqp}`;
    await using broker = await open({}, `amqp://it:it@${hosts}`);
    equal(broker.address, `amqp://${hosts}`);
    deepEqual(await broker.declare([queue()]), []);
  });

  test("TLS is spoken with who has the right certificate, and with nobody else", async () => {
    const at = `amqps://it:it@127.0.0.1:${ports.amqps}`;
    equal((await refusal(open({}, at))).code, "UNAVAILABLE");
    const ca = rabbitmqCertificate(node.folder);
    await using broker = await open({ tls: { ca, servername: "localhost" } }, at);
    deepEqual(await broker.declare([queue()]), []);
  });

  test("what is there and differs is told by argument, declared and found", async () => {
    await using broker = await open();
    const first = queue({ retentionMs: 30_000 });
    await broker.declare([first]);
    deepEqual(await broker.declare([{ ...first, retentionMs: 60_000 }]), [
      {
        channel: first.name,
        what: `queue ${first.name}: x-message-ttl`,
        declared: "60000",
        found: "30000",
      },
    ]);
  });

  test("while the server is short of memory nothing is published, and then everything is", async () => {
    await using broker = await open({ blockedMs: 20_000 });
    const to = queue();
    await broker.declare([to]);
    await broker.publish([message(to, "before")]);
    // Watched on a connection of the test's own, which is told like all that publish.
    const watch = new Connection({ url: address });
    watch.on("error", () => {});
    const blocked = new Promise((resolve) => watch.once("connection.blocked", resolve));
    rabbitmqTool(node.folder, "rabbitmqctl", "set_vm_memory_high_watermark", "absolute", "1MB");
    try {
      await watch.onConnect();
      const nudge = await watch.acquire();
      void nudge.basicPublish({ routingKey: "nowhere" }, "nudge").catch(() => {});
      await blocked;
      let settled = false;
      const waiting = Promise.all([1, 2, 3].map((n) => broker.publish([message(to, `${n}`)])));
      void waiting.then(() => (settled = true));
      // A question and its answer: whatever could have been confirmed has been by then.
      await broker.lag(to, undefined);
      equal(settled, false);
      rabbitmqTool(node.folder, "rabbitmqctl", "set_vm_memory_high_watermark", "0.6");
      for (const [outcome] of await waiting) ok(!isTrunklineError(outcome));
    } finally {
      rabbitmqTool(node.folder, "rabbitmqctl", "set_vm_memory_high_watermark", "0.6");
      watch.unsafeDestroy();
    }
    const heard = await hearing(broker, { channel: to });
    deepEqual(texts(await heard(4)).toSorted(), ["1", "2", "3", "before"]);
  });

  test("a message that no queue takes is told of that message alone", async () => {
    await using broker = await open();
    const [there, missingQueue] = [queue(), queue()];
    await broker.declare([there]);
    const outcomes = await broker.publish([
      message(there, "a"),
      message(missingQueue, "b"),
      message(there, "c"),
    ]);
    deepEqual(
      outcomes.map((outcome) => (isTrunklineError(outcome) ? outcome.executed : outcome.enqueued)),
      ["stored", "no", "stored"],
    );
  });

  test("a full queue refuses", async () => {
    await using broker = await open();
    const small = queue({ lengthMax: 2, guarantee: "at-most-once" });
    await broker.declare([small]);
    const outcomes: string[] = [];
    for (let n = 0; n < 4; n++) {
      const [outcome] = await broker.publish([message(small, String(n))]);
      outcomes.push(isTrunklineError(outcome) ? outcome.code : outcome!.enqueued);
    }
    deepEqual(outcomes, ["accepted", "accepted", "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"]);
  });

  test("what others publish becomes an envelope of what can be known, and what is broken says so", async () => {
    await using broker = await open();
    const to = queue();
    await broker.declare([to]);
    const heard = await hearing(broker, { channel: to });
    const other = new Connection({ url: address });
    const on = await other.acquire();
    await on.confirmSelect();
    await on.basicPublish(
      {
        routingKey: to.name,
        messageId: "m1",
        type: "order",
        appId: "shop",
        headers: { color: "red" },
      },
      { total: 12 },
    );
    await on.basicPublish({ routingKey: to.name }, Buffer.from([1, 2, 255]));
    await on.basicPublish(
      {
        routingKey: to.name,
        headers: { "cloudEvents:specversion": "0.3", "cloudEvents:id": "old" },
      },
      Buffer.from("?"),
    );
    const [json, bare, broken] = await heard(3);
    await on.close();
    await other.close();
    const { data, time: _, ...rest } = json!.envelope;
    deepEqual(rest, {
      id: "m1",
      type: "order",
      source: "/shop",
      subject: undefined,
      contentType: "application/json",
      attributes: { color: "red" },
    });
    deepEqual(JSON.parse(Buffer.from(data).toString()), { total: 12 });
    deepEqual([...bare!.envelope.data], [1, 2, 255]);
    equal(bare!.envelope.type, to.name);
    match(broken!.malformed ?? "", /CloudEvents 0\.3/);
    equal(broken!.envelope.id, "old");
  });

  test("a topic exchange gives a group what it is bound for, and the stream of a topic all again", async () => {
    await using broker = await open();
    const topic = channel({
      name: `own.${channels++}`,
      shape: "topic",
      groups: ["eu", "all"],
      native: {
        amqp: {
          exchange: "topic",
          bindings: { eu: [{ routingKey: "order.eu.#" }] },
          stream: true,
        },
      },
    });
    await broker.declare([topic]);
    const [eu, all] = [
      await hearing(broker, { channel: topic, group: "eu" }),
      await hearing(broker, { channel: topic, group: "all" }),
    ];
    for (const type of ["order.us.placed", "order.eu.placed"]) {
      const { envelope } = message(topic, type);
      await broker.publish([{ channel: topic, envelope: { ...envelope, type } }]);
    }
    deepEqual(texts(await all(2)).toSorted(), ["order.eu.placed", "order.us.placed"]);
    deepEqual(texts(await eu(1)), ["order.eu.placed"]);
    for (const from of ["first", env.wall() - 60_000] as const) {
      const again = await hearing(broker, { channel: topic, from });
      deepEqual(texts(await again(2)), ["order.us.placed", "order.eu.placed"]);
    }
  });

  test("shards spread evenly over members that come and go, each shard at one of them", async () => {
    await using a = await open();
    await using b = await open();
    const ordered = queue({ ordered: true, shards: 6 });
    const both = Promise.withResolvers<void>();
    const one = await a.consume({ channel: ordered, group: undefined, prefetch: 10 }, () => {});
    equal(one.shards.length, 6);
    const revoked: string[] = [];
    await one.close();
    const left = await a.consume(
      {
        ...{ channel: ordered, group: undefined, prefetch: 10 },
        revoking: (shard) => {
          revoked.push(shard);
          return Promise.resolve();
        },
      },
      () => {},
    );
    let came = 0;
    const right = await b.consume(
      {
        ...{ channel: ordered, group: undefined, prefetch: 10 },
        assigned: () => {
          if (++came === 3) both.resolve();
        },
      },
      () => {},
    );
    await both.promise;
    equal(revoked.length, 3);
    equal(left.shards.length, 3);
    deepEqual(right.shards.toSorted(), revoked.toSorted());
  });

  test("of two exclusive members one has every shard, and the other after it", async () => {
    await using a = await open();
    await using b = await open();
    const terms = { channel: queue({ ordered: true, shards: 3 }), group: undefined, prefetch: 10 };
    const first = await a.consume({ ...terms, exclusive: true }, () => {});
    equal(first.shards.length, 3);
    const turn = Promise.withResolvers<void>();
    const assigned = (): void => {
      if (second.shards.length === 3) turn.resolve();
    };
    const second = await b.consume({ ...terms, exclusive: true, assigned }, () => {});
    equal(second.shards.length, 0);
    await first.close();
    await turn.promise;
  });

  test("what is held too long is given back, and what is still said of it is fenced", async () => {
    await using broker = await open({ holdMs: 500 });
    const to = queue();
    await broker.declare([to]);
    const heard = await hearing(broker, { channel: to }, (delivery) => {
      if (delivery.attempt > 1) void delivery.ack();
    });
    await broker.publish([message(to, "slow")]);
    const [first, second] = await heard(2);
    equal(second!.attempt, 2);
    equal((await refusal(first!.ack())).gate, "fenced");
  });

  test("what no topology keeps is refused by name", async () => {
    await using broker = await open();
    for (const [terms, says] of [
      [{ guarantee: "exactly-once" }, /transactions/],
      [{ compacted: true }, /compact/],
      [{ ordered: true, priorityMax: 5 }, /order/],
      [{ enqueued: "replicated" }, /replicas: 3/],
      [{ native: { amqp: { echange: "topic" } } }, /"echange"/],
    ] as const)
      await rejects(broker.declare([queue(terms)]), says);
  });
});
