import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fields } from "../wire/amqp091/method.ts";
import { lab } from "./testing/lab.ts";
import type { WireClient } from "./testing/wire-client.ts";

const limits = { timeout: 60_000 };

type Closed = Fields<"channel.close">;

async function channelClosed(client: WireClient, code: number, says: RegExp): Promise<Closed> {
  const closed = await client.hear("channel.close");
  assert.equal(closed.replyCode, code, closed.replyText);
  assert.match(closed.replyText, says);
  return closed;
}

async function connectionClosed(client: WireClient, code: number, says: RegExp): Promise<void> {
  const { replyCode, replyText } = await client.hear("connection.close");
  assert.equal(replyCode, code, replyText);
  assert.match(replyText, says);
  client.say(0, "connection.close-ok", {});
  assert.equal(await client.next(), undefined);
}

const ack = (client: WireClient, deliveryTag: number, multiple: boolean = false): void =>
  client.say(1, "basic.ack", { deliveryTag, multiple });

test(
  "what goes wrong in a channel closes it alone, and nothing more of it counts until the client knows",
  limits,
  async () => {
    await using subject = await lab();
    await using client = await subject.client();
    await client.declare(1, "q");
    client.say(1, "basic.get", { ticket: 0, queue: "none", noAck: false });
    const { classId, methodId } = await channelClosed(
      client,
      404,
      /^NOT_FOUND - no queue 'none' in vhost '\/'$/,
    );
    assert.deepEqual([classId, methodId], [60, 70]);
    client.publish(1, { routingKey: "q" }, "lost");
    ack(client, 77);
    client.say(1, "channel.close-ok", {});
    await client.channel(1);
    assert.equal((await client.declare(1, "q")).messageCount, 0);
  },
);

test(
  "what is settled after its channel was closed is of no account, and everything else an error",
  limits,
  async () => {
    await using subject = await lab();
    await using client = await subject.client();
    client.say(5, "basic.ack", { deliveryTag: 1, multiple: false });
    client.say(5, "basic.nack", { deliveryTag: 1, multiple: true, requeue: true });
    await client.quiet();
    client.say(5, "tx.select", {});
    await connectionClosed(client, 504, /^CHANNEL_ERROR - expected 'channel.open'$/);
  },
);

test(
  "frames that are none, or come where none are expected, end the connection",
  limits,
  async () => {
    await using subject = await lab();
    const frame = (type: number, channel: number, payload: number[]): Buffer =>
      Buffer.from([type, 0, channel, 0, 0, 0, payload.length, ...payload, 206]);
    const cases = [
      [frame(8, 1, []), 505, /heartbeat on channel 1/],
      [frame(9, 0, []), 501, /a frame of type 9/],
      [Buffer.from([1, 0, 1, 0x7f, 0, 0, 0]), 501, /are allowed/],
      [Buffer.from([8, 0, 0, 0, 0, 0, 0, 1]), 501, /does not end where it says/],
      [frame(3, 1, [1, 2]), 505, /a content body came where none was expected/],
      [frame(1, 1, [0, 60, 0, 40, 0, 0, 9]), 502, /it ends within a value/],
      [frame(1, 1, [0, 60, 0, 40, 0, 0, 0, 0]), 502, /it ends within a value/],
      [frame(1, 1, [0, 99, 0, 1]), 503, /unknown method \{99,1\}/],
      [frame(1, 0, [0, 20, 0, 10, 0]), 503, /channel\.open on channel 0/],
      [frame(1, 1, [0, 20, 0, 10, 0]), 504, /second 'channel.open' seen/],
    ] as const;
    for (const [bytes, code, says] of cases) {
      await using client = await subject.client();
      client.raw(bytes);
      await connectionClosed(client, code, says);
    }
  },
);

test(
  "a message is confirmed when it is safe, many by one, and returned before that",
  limits,
  async () => {
    await using subject = await lab({ storage: { commits: "manual" } });
    await using client = await subject.client();
    client.say(1, "queue.declare", {
      ...{ ticket: 0, queue: "q", passive: false, durable: true, exclusive: false },
      ...{ autoDelete: false, nowait: true, arguments: {} },
    });
    await client.confirms(1);
    for (let i = 0; i < 3; i++) client.publish(1, { routingKey: "q" }, `${i}`, { deliveryMode: 2 });
    client.publish(1, { routingKey: "none", mandatory: true }, "back", { messageId: "m" });
    const returned = await client.heard("basic.return");
    assert.deepEqual(returned.fields, {
      ...{ replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: "none" },
    });
    assert.deepEqual([returned.properties, String(returned.body)], [{ messageId: "m" }, "back"]);
    await client.quiet();
    while (subject.storage.commit());
    assert.deepEqual(await client.hear("basic.ack"), { deliveryTag: 4, multiple: true });
    client.publish(1, { routingKey: "none" }, "nowhere");
    assert.deepEqual(await client.hear("basic.ack"), { deliveryTag: 5, multiple: false });
  },
);

test("a message that finds no place is refused, in its turn", limits, async () => {
  await using subject = await lab();
  await using client = await subject.client();
  await client.declare(1, "q", {
    arguments: { "x-max-length": 1, "x-overflow": "reject-publish" },
  });
  await client.confirms(1);
  client.publish(1, { routingKey: "q" }, "1");
  assert.deepEqual(await client.hear("basic.ack"), { deliveryTag: 1, multiple: false });
  client.publish(1, { routingKey: "q" }, "2");
  assert.deepEqual(await client.hear("basic.nack"), {
    deliveryTag: 2,
    multiple: false,
    requeue: false,
  });
});

test(
  "what a transaction has asked for happens with its commit, at once and when it is safe, or never",
  limits,
  async () => {
    await using subject = await lab();
    await using client = await subject.client();
    await client.declare(1, "q");
    client.publish(1, { routingKey: "q" }, "first");
    client.say(1, "basic.get", { ticket: 0, queue: "q", noAck: false });
    const { deliveryTag } = await client.hear("basic.get-ok");
    client.say(1, "tx.select", {});
    await client.hear("tx.select-ok");
    client.publish(1, { routingKey: "q" }, "second");
    ack(client, deliveryTag);
    client.say(1, "tx.rollback", {});
    await client.hear("tx.rollback-ok");
    const queue = subject.node.host("/").queue("q")!;
    assert.deepEqual([queue.ready, queue.unsettled], [0, 1]);
    client.publish(1, { routingKey: "q" }, "second");
    ack(client, deliveryTag);
    await client.quiet();
    assert.deepEqual([queue.ready, queue.unsettled], [0, 1]);
    client.say(1, "tx.commit", {});
    await client.hear("tx.commit-ok");
    assert.deepEqual([queue.ready, queue.unsettled], [1, 0]);
    client.say(1, "confirm.select", { nowait: false });
    await channelClosed(client, 406, /cannot switch from tx to confirm mode/);
  },
);

test("each consumer has its own prefetch, and the channel one for all", limits, async () => {
  await using subject = await lab();
  await using client = await subject.client();
  await client.declare(1, "q");
  for (let i = 0; i < 6; i++) client.publish(1, { routingKey: "q" }, `${i}`);
  await client.qos(1, 2);
  await client.consume(1, "q", { consumerTag: "a" });
  for (let i = 0; i < 2; i++) await client.hear("basic.deliver");
  await client.quiet();
  await client.qos(1, 3, true);
  await client.consume(1, "q", { consumerTag: "b" });
  assert.equal((await client.hear("basic.deliver")).consumerTag, "b");
  await client.quiet();
  ack(client, 0, true);
  for (let i = 0; i < 3; i++) await client.hear("basic.deliver");
  await client.quiet();
});

test("who cancels keeps what it has not settled until it does, or leaves", limits, async () => {
  await using subject = await lab();
  await using client = await subject.client();
  await client.declare(1, "q");
  for (let i = 0; i < 3; i++) client.publish(1, { routingKey: "q" }, `${i}`);
  await client.qos(1, 2);
  await client.consume(1, "q", { consumerTag: "a" });
  for (let i = 0; i < 2; i++) await client.hear("basic.deliver");
  client.say(1, "basic.cancel", { consumerTag: "a", nowait: false });
  await client.hear("basic.cancel-ok");
  const queue = subject.node.host("/").queue("q")!;
  assert.deepEqual([queue.ready, queue.unsettled, queue.consumers.length], [1, 2, 0]);
  ack(client, 1);
  await client.quiet();
  assert.deepEqual([queue.ready, queue.unsettled], [1, 1]);
  client.say(1, "channel.close", { replyCode: 200, replyText: "", classId: 0, methodId: 0 });
  await client.hear("channel.close-ok");
  assert.deepEqual([queue.ready, queue.unsettled], [2, 0]);
  await client.channel(1);
  await client.consume(1, "q");
  const again = await client.heard("basic.deliver");
  assert.equal((again.fields as Fields<"basic.deliver">).redelivered, true);
  assert.equal(String(again.body), "1");
});

test("a tag that nobody knows closes the channel, and what it had goes back", limits, async () => {
  await using subject = await lab();
  await using client = await subject.client();
  await client.declare(1, "q");
  client.publish(1, { routingKey: "q" }, "m");
  await client.consume(1, "q");
  await client.hear("basic.deliver");
  ack(client, 5);
  await channelClosed(client, 406, /^PRECONDITION_FAILED - unknown delivery tag 5$/);
  assert.equal(subject.node.host("/").queue("q")!.ready, 1);
});

test("an exclusive queue is one connection's alone, and gone with it", limits, async () => {
  await using subject = await lab();
  await using owner = await subject.client();
  await owner.declare(1, "q", { exclusive: true });
  await using other = await subject.client();
  other.say(1, "queue.declare", {
    ...{ ticket: 0, queue: "q", passive: true, durable: false, exclusive: false },
    ...{ autoDelete: false, nowait: false, arguments: {} },
  });
  await channelClosed(
    other,
    405,
    /^RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '\/'/,
  );
  owner.say(0, "connection.close", { replyCode: 200, replyText: "", classId: 0, methodId: 0 });
  await owner.hear("connection.close-ok");
  assert.equal(subject.node.host("/").queue("q"), undefined);
});

test("a queue that is declared otherwise is refused with what differs", limits, async () => {
  await using subject = await lab();
  await using client = await subject.client();
  const cases = [
    [
      { durable: true },
      /inequivalent arg 'durable' for queue 'q' in vhost '\/': received 'true' but current is 'false'/,
    ],
    [{ autoDelete: true }, /inequivalent arg 'auto_delete'/],
    [
      { arguments: { "x-message-ttl": 5 } },
      /inequivalent arg 'x-message-ttl' for queue 'q' in vhost '\/': received the value '5' of type 'signedint' but current is none/,
    ],
    [{ queue: "amq.mine" }, /queue name 'amq.mine' contains reserved prefix 'amq.\*'/],
  ] as const;
  await client.declare(1, "q");
  await client.declare(1, "q", { arguments: { "x-queue-type": "classic" } });
  for (const [more, says] of cases) {
    const flags = { passive: false, durable: false, exclusive: false, autoDelete: false };
    const fields = { ticket: 0, queue: "q", ...flags, nowait: false, arguments: {}, ...more };
    client.say(1, "queue.declare", fields);
    await channelClosed(client, "queue" in more ? 403 : 406, says);
    client.say(1, "channel.close-ok", {});
    await client.channel(1);
  }
});

test("answers come directly to who has asked", limits, async () => {
  await using subject = await lab();
  await using asker = await subject.client();
  const asking = await asker.consume(1, "amq.rabbitmq.reply-to", { noAck: true });
  await using server = await subject.client();
  await server.declare(1, "rpc");
  asker.publish(1, { routingKey: "rpc" }, "?", {
    replyTo: "amq.rabbitmq.reply-to",
    correlationId: "7",
  });
  await server.consume(1, "rpc", { noAck: true });
  const question = await server.heard("basic.deliver");
  const { replyTo, correlationId } = question.properties!;
  assert.match(replyTo!, /^amq\.rabbitmq\.reply-to\..{20,}/);
  await server.declare(1, replyTo!, { passive: true });
  server.publish(1, { routingKey: replyTo! }, "!", { correlationId });
  const answer = await asker.heard("basic.deliver");
  assert.deepEqual([answer.properties, String(answer.body)], [{ correlationId: "7" }, "!"]);
  asker.say(1, "basic.cancel", { consumerTag: asking, nowait: false });
  await asker.hear("basic.cancel-ok");
  await asker.consume(1, "amq.rabbitmq.reply-to", { noAck: true });
  server.publish(1, { routingKey: "rpc" }, "?", { replyTo: "amq.rabbitmq.reply-to" });
  await channelClosed(server, 406, /fast reply consumer does not exist/);
  asker.say(0, "connection.close", { replyCode: 200, replyText: "", classId: 0, methodId: 0 });
  await asker.hear("connection.close-ok");
  assert.equal([...subject.node.host("/").queues()].length, 1);
});

test(
  "a stream is read from where its consumer says, with offsets, and only with a prefetch",
  limits,
  async () => {
    await using subject = await lab();
    await using client = await subject.client();
    await client.declare(1, "s", { durable: true, arguments: { "x-queue-type": "stream" } });
    for (let i = 0; i < 4; i++) client.publish(1, { routingKey: "s" }, `${i}`, { deliveryMode: 2 });
    await client.qos(1, 2);
    await client.consume(1, "s", { arguments: { "x-stream-offset": 1 } });
    const seen: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const { properties, body } = await client.heard("basic.deliver");
      seen.push([properties!.headers!["x-stream-offset"], String(body)]);
    }
    assert.deepEqual(seen, [
      [1, "1"],
      [2, "2"],
    ]);
    await client.quiet();
    ack(client, 1);
    assert.equal(String((await client.heard("basic.deliver")).body), "3");
    await client.channel(2);
    client.say(2, "basic.consume", {
      ...{ ticket: 0, queue: "s", consumerTag: "", noLocal: false, noAck: false, exclusive: false },
      ...{ nowait: false, arguments: {} },
    });
    await channelClosed(client, 406, /consumer prefetch count is not set for stream queue 's'/);
  },
);

test(
  "a consumer is told that its queue is gone, and a message with a delay waits",
  limits,
  async () => {
    await using subject = await lab();
    await using client = await subject.client();
    await client.declare(1, "q");
    client.publish(1, { routingKey: "q" }, "later", { headers: { "x-delay": 60_000 } });
    await client.consume(1, "q", { consumerTag: "c" });
    await client.quiet();
    assert.equal(subject.node.host("/").queue("q")!.held, 1);
    client.say(1, "queue.delete", {
      ticket: 0,
      queue: "q",
      ifUnused: false,
      ifEmpty: false,
      nowait: false,
    });
    const heard = [await client.next(), await client.next()].map((each) => each!.name).toSorted();
    assert.deepEqual(heard, ["basic.cancel", "queue.delete-ok"]);
  },
);

test("nobody does what he may not", limits, async () => {
  await using subject = await lab();
  const { access } = subject.node;
  await access.users.set("ann", { password: "p" }, []);
  access.permit({
    user: "ann",
    host: "/",
    configure: "^ann",
    write: "^in$|^ann|^amq\\.default$",
    read: "^ann",
  });
  await using client = await subject.client({ user: "ann", password: "p" });
  const cases: readonly (readonly [() => void, number, RegExp])[] = [
    [
      () =>
        client.say(1, "exchange.delete", {
          ticket: 0,
          exchange: "x",
          ifUnused: false,
          nowait: false,
        }),
      403,
      /^ACCESS_REFUSED - configure access to .*'x' in vhost '\/' refused for user 'ann'$/,
    ],
    [
      () => client.say(1, "basic.get", { ticket: 0, queue: "in", noAck: true }),
      403,
      /read access to queue 'in' in vhost '\/' refused for user 'ann'/,
    ],
    [
      () => client.publish(1, { exchange: "amq.topic" }),
      403,
      /write access to exchange 'amq.topic' in vhost '\/' refused for user 'ann'/,
    ],
    [
      () => client.publish(1, { routingKey: "ann" }, "", { userId: "bob" }),
      406,
      /user_id property set to 'bob' but authenticated user was 'ann'/,
    ],
  ];
  for (const [act, code, says] of cases) {
    act();
    await channelClosed(client, code, says);
    client.say(1, "channel.close-ok", {});
    await client.channel(1);
  }
});

test("a broker that is closed says so to all", limits, async () => {
  const subject = await lab();
  const client = await subject.client();
  const closed = subject.server.close();
  await connectionClosed(client, 320, /^CONNECTION_FORCED - the broker is shut down$/);
  await closed;
  await subject.node.close();
});

test(
  "what goes back because its channel was closed comes to another, and counts once",
  limits,
  async () => {
    await using subject = await lab();
    await using client = await subject.client();
    await client.declare(1, "q", { durable: true, arguments: { "x-queue-type": "quorum" } });
    for (const consumerTag of ["a", "b"]) await client.consume(1, "q", { consumerTag });
    for (let i = 0; i < 4; i++) client.publish(1, { routingKey: "q" }, `${i}`);
    for (let i = 0; i < 4; i++) await client.hear("basic.deliver");
    await using other = await subject.client();
    client.say(0, "connection.close", { replyCode: 200, replyText: "", classId: 0, methodId: 0 });
    await client.hear("connection.close-ok");
    await other.consume(1, "q");
    for (let i = 0; i < 4; i++) {
      const { properties, body } = await other.heard("basic.deliver");
      assert.deepEqual([properties!.headers!["x-delivery-count"], String(body)], [1, `${i}`]);
    }
  },
);

test(
  "when the disk fails all clients are told, and nothing more is confirmed",
  limits,
  async () => {
    await using subject = await lab({ storage: { commits: "manual" } });
    await using client = await subject.client();
    await client.confirms(1);
    client.say(1, "queue.declare", {
      ...{ ticket: 0, queue: "q", passive: false, durable: true, exclusive: false },
      ...{ autoDelete: false, nowait: true, arguments: {} },
    });
    client.publish(1, { routingKey: "q" }, "m", { deliveryMode: 2 });
    await client.quiet();
    subject.storage.fail("the disk is gone");
    await connectionClosed(client, 541, /^INTERNAL_ERROR - .*the disk is gone/);
  },
);
