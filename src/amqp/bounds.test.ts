import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader } from "../wire/amqp091/byte-reader.ts";
import { ByteWriter } from "../wire/amqp091/byte-writer.ts";
import { writeContentHeader, writeMethodFrame } from "../wire/amqp091/frame-writer.ts";
import { Content, contentScan } from "./content.ts";
import { lab } from "./testing/lab.ts";

const limits = { timeout: 60_000 };
const nothing = Buffer.from([0, 0]);

test("a message that is larger than is allowed is refused by its header", limits, async () => {
  await using subject = await lab({ messageBytesMax: 1_000 });
  await using client = await subject.client();
  await client.declare(1, "q");
  client.publish(1, { routingKey: "q" }, Buffer.alloc(1_000));
  const writer = new ByteWriter();
  const to = { exchange: "", routingKey: "q", mandatory: false, immediate: false };
  writeMethodFrame(writer, 1, "basic.publish", { ticket: 0, ...to });
  writeContentHeader(writer, 1, nothing, 1_001);
  client.raw(writer.copied());
  const { replyCode, replyText } = await client.hear("channel.close");
  assert.deepEqual(
    [replyCode, replyText],
    [406, "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000"],
  );
  assert.equal(subject.node.host("/").queue("q")!.ready, 1);
});

test("a body takes the memory of what has come of it, not of what it says", () => {
  const unfinished = { bytes: 0 };
  const content = new Content(1_000_000, unfinished, contentScan());
  const header = new ByteWriter();
  writeContentHeader(header, 1, nothing, 1_000_000);
  const frame = header.copied();
  assert.equal(content.begin(new ByteReader(frame, 7, frame.length - 1)), false);
  assert.equal(unfinished.bytes, 0);
  assert.equal(content.take(Buffer.alloc(100), 0, 100), false);
  assert.equal(unfinished.bytes, 100);
  content.drop();
  assert.equal(unfinished.bytes, 0);
  content.begin(new ByteReader(frame, 7, frame.length - 1));
  for (let i = 0; i < 9; i++) assert.equal(content.take(Buffer.alloc(100_000), 0, 100_000), false);
  assert.equal(content.take(Buffer.alloc(100_000, 1), 0, 100_000), true);
  assert.deepEqual([content.body.length, content.body.at(-1), unfinished.bytes], [1_000_000, 1, 0]);
  assert.throws(() => content.take(Buffer.alloc(1), 0, 1), /larger than its header says/);
});

test("a large message comes in frames of the size that was agreed on", limits, async () => {
  await using subject = await lab();
  await using publisher = await subject.client();
  await publisher.declare(1, "q");
  for (const frameMax of [4_096, 131_072, 0]) {
    await using client = await subject.client({ frameMax });
    const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index & 0xff));
    publisher.publish(1, { routingKey: "q" }, body);
    await client.consume(1, "q", { noAck: true, consumerTag: "c" });
    const heard = await client.heard("basic.deliver");
    assert.ok(heard.body!.equals(body));
    const most = (frameMax || 131_072) - 8;
    assert.equal(heard.parts, Math.ceil(body.length / most));
    client.say(1, "basic.cancel", { consumerTag: "c", nowait: false });
    await client.hear("basic.cancel-ok");
  }
});

test("publishers wait, and are told, while what they publish is not written", limits, async () => {
  await using subject = await lab({
    storage: { commits: "manual" },
    broker: { unwrittenBytesMax: 10_000, access: { cost: { logN: 4, r: 8, p: 1 } } },
  });
  await using publisher = await subject.client();
  await using other = await subject.client();
  publisher.say(1, "queue.declare", {
    ...{ ticket: 0, queue: "q", passive: false, durable: true, exclusive: false },
    ...{ autoDelete: false, nowait: true, arguments: {} },
  });
  publisher.publish(1, { routingKey: "q" }, Buffer.alloc(20_000), { deliveryMode: 2 });
  await publisher.quiet();
  publisher.publish(1, { routingKey: "q" }, "waits", { deliveryMode: 2 });
  assert.deepEqual(await publisher.hear("connection.blocked"), { reason: "low on memory" });
  // Who does not publish goes on, and what there is is consumed.
  await other.consume(1, "q", { noAck: true });
  assert.equal((await other.heard("basic.deliver")).body!.length, 20_000);
  await other.quiet();
  await other.quiet();
  while (subject.storage.commit());
  await publisher.hear("connection.unblocked");
  assert.equal(String((await other.heard("basic.deliver")).body), "waits");
});

test("to who does not read no more is delivered than a socket holds", limits, async () => {
  await using subject = await lab();
  await using publisher = await subject.client();
  await publisher.declare(1, "q");
  const body = Buffer.alloc(100_000);
  const count = 400;
  for (let i = 0; i < count; i++) publisher.publish(1, { routingKey: "q" }, body);
  await publisher.quiet();
  const queue = subject.node.host("/").queue("q")!;
  assert.equal(queue.ready, count);
  await using slow = await subject.client();
  await slow.consume(1, "q", { noAck: true, nowait: false, consumerTag: "slow" });
  slow.socket.pause();
  await publisher.quiet();
  assert.ok(queue.ready > count / 2, `${queue.ready} are left`);
  const [client] = [...subject.server.clients].slice(1);
  assert.ok(client!.outlet.unsentBytes < 1_000_000);
  slow.socket.resume();
  for (let i = 0; i < count; i++) await slow.heard("basic.deliver");
  assert.equal(queue.count, 0);
});

test(
  "a channel has no more consumers, and no more unsettled messages, than it may",
  limits,
  async () => {
    await using subject = await lab({ consumersMax: 2, unsettledMax: 3 });
    await using client = await subject.client();
    await client.declare(1, "q");
    for (let i = 0; i < 5; i++) client.publish(1, { routingKey: "q" }, `${i}`);
    await client.consume(1, "q");
    for (let i = 0; i < 3; i++) await client.hear("basic.deliver");
    await client.quiet();
    client.say(1, "basic.ack", { deliveryTag: 1, multiple: false });
    await client.hear("basic.deliver");
    await client.consume(1, "q");
    client.say(1, "basic.consume", {
      ...{ ticket: 0, queue: "q", consumerTag: "", noLocal: false, noAck: false, exclusive: false },
      ...{ nowait: false, arguments: {} },
    });
    assert.match((await client.hear("channel.close")).replyText, /has 2 consumers at most/);
  },
);

test("a transaction does not grow without end", limits, async () => {
  await using subject = await lab({ transactionBytesMax: 10_000 });
  await using client = await subject.client();
  client.say(1, "tx.select", {});
  await client.hear("tx.select-ok");
  for (let i = 0; i < 20; i++) client.publish(1, { routingKey: "q" }, Buffer.alloc(1_000));
  assert.match(
    (await client.hear("channel.close")).replyText,
    /a transaction of more than 10000 bytes/,
  );
});

test(
  "many who do not read take no more memory than all together may, and give it back",
  limits,
  async () => {
    await using subject = await lab({ memoryBytesHigh: 200_000 });
    await using publisher = await subject.client();
    const readers = await Promise.all(Array.from({ length: 4 }, () => subject.client()));
    for (const [index, reader] of readers.entries()) {
      await reader.declare(1, `q-${index}`);
      publisher.say(1, "queue.bind", {
        ...{ ticket: 0, queue: `q-${index}`, exchange: "amq.fanout", routingKey: "" },
        ...{ nowait: true, arguments: {} },
      });
    }
    const body = Buffer.alloc(20_000);
    for (let i = 0; i < 600; i++) publisher.publish(1, { exchange: "amq.fanout" }, body);
    await publisher.quiet();
    for (const [index, reader] of readers.entries()) {
      await reader.consume(1, `q-${index}`, { noAck: true });
      reader.socket.pause();
    }
    await publisher.quiet();
    const unsent = [...subject.server.clients].reduce(
      (sum, each) => sum + each.outlet.unsentBytes,
      0,
    );
    const queues = [...subject.node.host("/").queues()];
    assert.ok(queues.every(({ ready }) => ready > 0));
    assert.ok(unsent < 400_000, `${unsent} bytes are unsent`);
    for (const reader of readers) await reader[Symbol.asyncDispose]();
    await publisher.confirms(1);
    publisher.publish(1, { exchange: "amq.fanout" }, "goes on");
    // Until all is given back a publisher may have to wait.
    for (
      let heard = await publisher.next();
      heard?.name !== "basic.ack";
      heard = await publisher.next()
    )
      assert.match(heard!.name, /^connection\./);
  },
);
