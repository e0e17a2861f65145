import { ByteWriter } from "../src/wire/amqp091/byte-writer.ts";
import {
  writeBodyFrame,
  writeContentHeader,
  writeHeartbeat,
  writeMethodFrame,
} from "../src/wire/amqp091/frame-writer.ts";
import type { MethodName } from "../src/wire/amqp091/method.ts";
import { methods, type FieldKind } from "../src/wire/amqp091/methods.ts";
import { writeProperties } from "../src/wire/amqp091/properties.ts";
import type { FieldValue, Table } from "../src/wire/amqp091/table.ts";
import type { Input } from "./target.ts";

/** What a client begins with, its password not always the right one. */
export function greeting(input: Input): Buffer[] {
  const writer = new ByteWriter();
  const password = input.once(30) ? "wrong" : "guest";
  writeMethodFrame(writer, 0, "connection.start-ok", {
    clientProperties: input.once(3) ? anyTable(input) : { capabilities: { "basic.nack": true } },
    mechanism: input.once(40) ? "AMQPLAIN" : "PLAIN",
    response: Buffer.from(`\0guest\0${password}`),
    locale: "en_US",
  });
  writeMethodFrame(writer, 0, "connection.tune-ok", {
    channelMax: input.once(60) ? input.between(0, 0xffff) : 0,
    frameMax: input.once(30) ? input.pick([1, 4_096, 5_000, 200_000]) : 131_072,
    heartbeat: input.once(20) ? 1 : 0,
  });
  const virtualHost = input.once(40) ? "none" : "/";
  writeMethodFrame(writer, 0, "connection.open", { virtualHost, capabilities: "", insist: false });
  writeMethodFrame(writer, 1, "channel.open", { outOfBand: "" });
  for (const queue of ["a", "b", "s"]) {
    const flags = { passive: false, exclusive: false, autoDelete: false, nowait: input.once(2) };
    const table =
      queue === "s" ? { "x-queue-type": "stream" } : input.once(3) ? anyTable(input) : {};
    const fields = { ticket: 0, queue, ...flags, durable: true, arguments: table };
    if (!input.once(5)) writeMethodFrame(writer, 1, "queue.declare", fields);
  }
  return [Buffer.from("AMQP\0\0\x09\x01", "latin1"), writer.copied()];
}

/** Frames that belong together, most of them such as clients send. */
export function someFrames(input: Input): Buffer {
  const writer = new ByteWriter();
  switch (input.between(0, 12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      publish(input, writer);
      break;
    case 4:
      if (input.once(3)) writeHeartbeat(writer);
      break;
    case 5:
    case 6:
      if (input.once(3)) anyMethod(input, writer, input.pick(settling));
      break;
    case 7:
      if (input.once(5)) anyMethod(input, writer, input.pick(all));
      break;
    case 8:
    case 9:
      anyMethod(input, writer, "basic.consume");
      break;
    default:
      anyMethod(input, writer, input.pick(usual));
  }
  return writer.copied();
}

/** What a client says when one of its channels was closed: it knows, and begins anew. */
export function opened(channel: number): Buffer {
  const writer = new ByteWriter();
  writeMethodFrame(writer, channel, "channel.close-ok", {});
  writeMethodFrame(writer, channel, "channel.open", { outOfBand: "" });
  return writer.copied();
}

/** The same with something broken. */
export function broken(input: Input, frames: Buffer): Buffer {
  const bytes = Buffer.from(frames);
  if (bytes.length === 0) return bytes;
  switch (input.between(0, 3)) {
    case 0:
      bytes[input.between(0, bytes.length - 1)] = input.between(0, 255);
      return bytes;
    case 1:
      bytes[input.between(0, Math.min(20, bytes.length - 1))]! ^= 1 << input.between(0, 7);
      return bytes;
    case 2:
      return bytes.subarray(0, input.between(0, bytes.length));
    default:
      return Buffer.concat([bytes, input.bytes(input.between(1, 20))]);
  }
}

const all = Object.keys(methods) as MethodName[];
const settling: readonly MethodName[] = [
  "basic.ack",
  "basic.nack",
  "basic.reject",
  "basic.recover",
];
const usual: readonly MethodName[] = [
  ...([
    "queue.declare",
    "queue.bind",
    "basic.consume",
    "basic.consume",
    "basic.get",
    "basic.cancel",
  ] as const),
  ...(["exchange.declare", "basic.qos", "confirm.select", "tx.select", "tx.commit"] as const),
  ...(["tx.rollback", "channel.close"] as const),
  ...(["queue.purge", "queue.delete", "exchange.bind", "queue.unbind"] as const),
];
const names = [
  "",
  "a",
  "b",
  "a",
  "b",
  "amq.topic",
  "amq.fanout",
  "amq.rabbitmq.reply-to",
  "s",
  "x\n",
];

function publish(input: Input, writer: ByteWriter): void {
  const channel = channelOf(input);
  anyMethod(input, writer, "basic.publish", channel);
  const body = input.bytes(input.once(10) ? input.between(0, 5_000) : input.between(0, 20));
  const declared = input.once(12) ? input.pick([0, 7, 2 ** 20, 2 ** 40, 2 ** 60]) : body.length;
  if (!input.once(15)) writeContentHeader(writer, channel, propertiesOf(input), declared);
  for (let from = 0; from < body.length;) {
    const to = Math.min(body.length, from + input.between(1, 4_000));
    writeBodyFrame(writer, input.once(50) ? channelOf(input) : channel, body, from, to);
    from = to;
  }
}

function propertiesOf(input: Input): Buffer {
  if (input.once(15)) return input.bytes(input.between(0, 20));
  const maybe = <T>(value: T): T | undefined => (input.once(3) ? value : undefined);
  return writeProperties({
    headers: maybe({
      ...anyTable(input),
      CC: input.once(9) ? "a" : ["a", "s"],
      BCC: ["b"],
      "x-delay": input.between(-5, 5),
    }),
    deliveryMode: maybe(input.between(0, 3)),
    priority: maybe(input.between(0, 255)),
    replyTo: maybe(input.pick(names)),
    expiration: maybe(input.once(9) ? input.pick(["-1", "x", ""]) : "5"),
    userId: input.once(12) ? "guest" : undefined,
  });
}

function anyMethod(
  input: Input,
  writer: ByteWriter,
  name: MethodName,
  channel: number = channelOf(input),
): void {
  const { fields } = methods[name];
  const said = Object.fromEntries(
    Object.entries(fields).map(([field, kind]) => {
      const likely = input.once(12) ? undefined : likelies[field];
      return [field, likely?.(input) ?? valueOf(input, kind)];
    }),
  );
  writeMethodFrame(writer, channel, name, said as never);
}

function channelOf(input: Input): number {
  if (input.once(200)) return input.between(0, 0xffff);
  return input.once(40) ? input.between(0, 3) : 1;
}

function valueOf(input: Input, kind: FieldKind): unknown {
  switch (kind) {
    case "bit":
      return input.once(4);
    case "octet":
      return input.between(0, 255);
    case "short":
      return input.once(10) ? input.between(0, 0xffff) : input.between(0, 4);
    case "long":
      return input.once(10) ? input.between(0, 0xffff_ffff) : 0;
    case "longlong":
    case "timestamp":
      return input.once(10) ? input.pick([2 ** 31, 2 ** 53, 2 ** 63]) : input.between(0, 9);
    case "shortstr":
      return input.pick(names);
    case "longstr":
      return input.bytes(input.between(0, 20));
    case "table":
      return input.once(2) ? {} : anyTable(input);
  }
}

/** What stands in fields when it is to lead somewhere. */
const likelies: Readonly<Record<string, (input: Input) => unknown>> = {
  exchange: (input) => input.pick(["", "", "", "amq.topic", "amq.fanout", "a"]),
  queue: (input) => input.pick(["a", "b", "s", ""]),
  routingKey: (input) => input.pick(["a", "b", "s", "a.b"]),
  destination: (input) => input.pick(["a", "amq.topic"]),
  source: (input) => input.pick(["a", "amq.fanout"]),
  type: (input) => input.pick(["direct", "fanout", "topic", "headers", "x-consistent-hash"]),
  consumerTag: (input) => input.pick(["", "t", "u"]),
  deliveryTag: (input) => input.between(1, 4),
  arguments: (input) => (input.once(2) ? {} : undefined),
  requeue: (input) => !input.once(4),
  prefetchSize: () => 0,
  immediate: () => false,
  exclusive: (input) => input.once(8),
};

const argumentNames = [
  ...["x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-overflow"],
  ...["x-dead-letter-exchange", "x-dead-letter-routing-key", "x-max-priority", "x-queue-type"],
  ...["x-single-active-consumer", "x-delivery-limit", "x-key-order", "x-shards", "x-level"],
  ...["x-stream-offset", "x-priority", "alternate-exchange", "x-match", "__proto__", "hash-header"],
];
const texts = [
  "",
  "a",
  "b",
  "quorum",
  "stream",
  "classic",
  "reject-publish",
  "all",
  "any",
  "memory",
  "1h",
];

function anyTable(input: Input, depth: number = 0): Table {
  const table: Record<string, FieldValue> = {};
  for (let left = input.between(0, 3); left > 0; left--) {
    const name = input.pick(argumentNames);
    if (name !== "__proto__") table[name] = anyValue(input, depth);
  }
  return table;
}

function anyValue(input: Input, depth: number): FieldValue {
  switch (input.between(0, 9)) {
    case 0:
      return input.once(2);
    case 1:
      return input.pick([-1, 0, 255, 2 ** 40, 0.5]);
    case 2:
      return 2n ** 62n;
    case 3:
      return depth < 5 ? anyTable(input, depth + 1) : null;
    case 4:
      return depth < 5 ? [anyValue(input, depth + 1), "b"] : null;
    case 5:
      return input.bytes(3);
    case 6:
    case 7:
      return input.between(1, 12);
    default:
      return input.pick(texts);
  }
}
