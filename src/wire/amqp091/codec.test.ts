import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as fc from "fast-check";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { FrameReader } from "./frame-reader.ts";
import {
  writeBodyFrame,
  writeContentHeader,
  writeDeliver,
  writeMethodFrame,
} from "./frame-writer.ts";
import { tableDepthMax } from "./limits.ts";
import { readFields, methodName, type MethodName } from "./method.ts";
import { methods } from "./methods.ts";
import {
  readProperties,
  reviseHeaders,
  reviseProperties,
  writeProperties,
  type Properties,
} from "./properties.ts";
import { PropertyScan } from "./property-scan.ts";
import { readTable, writeTable, type FieldValue, type Table } from "./table.ts";

/*
 * Goal: what is written is read back, and is what amqplib writes and reads; no bytes whatever make a reader look past its end or fail in
 * another way than with INVALID_ARGUMENT; frames come out whole however a socket cuts them.
 */

interface Theirs {
  encodeTable(buffer: Buffer, table: unknown, at: number): number;
  decodeFields(bytes: Buffer): Record<string, unknown>;
}

interface TheirMethods {
  encodeMethod(id: number, channel: number, fields: unknown): Buffer;
  decode(id: number, bytes: Buffer): Record<string, unknown>;
  encodeProperties(id: number, channel: number, size: number, fields: unknown): Buffer;
}

const inAmqplib = createRequire(createRequire(import.meta.url).resolve("amqplib"));
const theirs = inAmqplib("./lib/codec.js") as Theirs;
const theirMethods = inAmqplib("./lib/defs.js") as TheirMethods;

const written = (write: (writer: ByteWriter) => void): Buffer => {
  const writer = new ByteWriter(Buffer.allocUnsafe(1));
  write(writer);
  return writer.copied();
};
const tableBytes = (table: Table): Buffer => written((writer) => writeTable(writer, table));
const readBack = (bytes: Buffer): Table => readTable(new ByteReader(bytes));

const malformed = { code: "INVALID_ARGUMENT", executed: "no" };
const name = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => text.isWellFormed());
const text = fc.string({ unit: "grapheme", maxLength: 60 });
const shortText = text.filter((each) => Buffer.byteLength(each) <= 255);

const plain = fc.oneof(
  text,
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.constant(null),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 0, max: 8_000_000_000 }).map((seconds) => new Date(seconds * 1_000)),
);
const value = fc.letrec<{ value: FieldValue; table: Table; array: FieldValue[] }>((tie) => ({
  value: fc.oneof({ depthSize: "small", withCrossShrink: true }, plain, tie("table"), tie("array")),
  table: fc.dictionary(name, tie("value"), { maxKeys: 6, noNullPrototype: true }),
  array: fc.array(tie("value"), { maxLength: 6 }),
}));

test("a table that is written is read back", () => {
  fc.assert(
    fc.property(value.table, (table) => {
      assert.deepEqual(readBack(tableBytes(table)), table);
    }),
  );
});

test("amqplib reads what we write, and we what it writes", () => {
  const table = {
    text: "grüße",
    yes: true,
    no: false,
    small: 7,
    negative: -70_000,
    large: 2 ** 40,
    half: 0.5,
    nothing: null,
    list: [1, "two", [3]],
    inner: { deep: { deeper: "x" } },
    bytes: Buffer.from([0, 255]),
  };
  assert.deepEqual(theirs.decodeFields(tableBytes(table).subarray(4)), table);
  const buffer = Buffer.alloc(2_000);
  const size = theirs.encodeTable(buffer, table, 0);
  assert.deepEqual(readBack(buffer.subarray(0, size)), table);
});

test("every type that amqplib can name is read", () => {
  const typed = (type: string, said: unknown): unknown => ({ "!": type, value: said });
  const buffer = Buffer.alloc(2_000);
  const size = theirs.encodeTable(
    buffer,
    {
      int8: typed("int8", -1),
      uint8: typed("uint8", 255),
      int16: typed("int16", -300),
      uint16: typed("uint16", 65_535),
      int32: typed("int32", -70_000),
      uint32: typed("uint32", 4_000_000_000),
      int64: typed("int64", -5),
      float: typed("float", 1.5),
      double: typed("double", 0.1),
      timestamp: typed("timestamp", 1_000_000_000),
      decimal: typed("decimal", { places: 2, digits: 314 }),
    },
    0,
  );
  assert.deepEqual(readBack(buffer.subarray(0, size)), {
    int8: -1,
    uint8: 255,
    int16: -300,
    uint16: 65_535,
    int32: -70_000,
    uint32: 4_000_000_000,
    int64: -5,
    float: 1.5,
    double: 0.1,
    timestamp: new Date(1_000_000_000_000),
    decimal: 3.14,
  });
});

test("a name that means something to objects is a name like others", () => {
  const table = readBack(tableBytes(JSON.parse(`{ "__proto__": 1, "constructor": 2 }`) as Table));
  assert.deepEqual(Object.entries(table), [
    ["__proto__", 1],
    ["constructor", 2],
  ]);
  assert.equal(Object.getPrototypeOf(table), Object.prototype);
});

test("what cannot be said is refused, and what is undefined is left out", () => {
  assert.deepEqual(readBack(tableBytes({ a: undefined, b: 1 })), { b: 1 });
  assert.throws(() => tableBytes({ ["n".repeat(256)]: 1 }), malformed);
  assert.throws(() => tableBytes({ a: 2n ** 63n }), malformed);
  assert.throws(() => tableBytes({ a: new Date(-1) }), malformed);
  let deep: Table = {};
  for (let i = 0; i < tableDepthMax; i++) deep = { deep };
  assert.throws(() => tableBytes(deep), malformed);
  let list: FieldValue = [];
  for (let i = 0; i < tableDepthMax; i++) list = [list];
  assert.throws(() => tableBytes({ list }), malformed);
});

test("a table deeper than the bound is refused before it is followed", () => {
  let bytes = Buffer.from([0, 0, 0, 0]);
  for (let depth = 0; depth < tableDepthMax; depth++) {
    const outer = Buffer.from([0, 0, 0, 0, 0, 0x46]);
    outer.writeUInt32BE(2 + bytes.length, 0);
    bytes = Buffer.concat([outer, bytes]);
  }
  assert.throws(() => readBack(bytes), malformed);
});

test("no bytes whatever make the readers fail in another way than with INVALID_ARGUMENT", () => {
  const scan = new PropertyScan(["x-delay"]);
  const attempts: readonly ((bytes: Buffer) => unknown)[] = [
    readBack,
    readProperties,
    (bytes) => reviseHeaders(bytes, { a: 1 }),
    (bytes) => reviseProperties(bytes, { userId: "u" }),
    (bytes) => scan.scan(new ByteReader(bytes)),
    ...(Object.keys(methods) as MethodName[]).map(
      (method) => (bytes: Buffer) => readFields(new ByteReader(bytes), method),
    ),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(attempts.length - 1), (bytes, index) => {
      try {
        attempts[index]!(Buffer.from(bytes));
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, malformed.code, String(error));
      }
    }),
    { numRuns: 3_000 },
  );
});

const someProperties: fc.Arbitrary<Properties> = fc.record(
  {
    contentType: shortText,
    contentEncoding: shortText,
    headers: value.table,
    deliveryMode: fc.constantFrom(1, 2),
    priority: fc.nat(255),
    correlationId: shortText,
    replyTo: shortText,
    expiration: shortText,
    messageId: shortText,
    timestamp: fc.maxSafeInteger().map(Math.abs),
    type: shortText,
    userId: shortText,
    appId: shortText,
    clusterId: shortText,
  },
  { requiredKeys: [], noNullPrototype: true },
);

test("properties that are written are read back, and looked through with the same result", () => {
  const scan = new PropertyScan(["x-delay", "__proto__"]);
  fc.assert(
    fc.property(someProperties, fc.option(fc.nat()), (given, delay) => {
      const headers = delay === null ? given.headers : { ...given.headers, "x-delay": delay };
      const properties = headers === undefined ? given : { ...given, headers };
      const bytes = writeProperties(properties);
      assert.deepEqual(readProperties(bytes), properties);
      scan.scan(new ByteReader(bytes));
      assert.deepEqual(
        [scan.deliveryMode, scan.priority, scan.expiration, scan.replyTo, scan.userId],
        [
          given.deliveryMode ?? 0,
          given.priority ?? 0,
          given.expiration,
          given.replyTo,
          given.userId,
        ],
      );
      assert.deepEqual(scan.found[0], headers?.["x-delay"]);
    }),
  );
});

test("headers and properties are changed, and all others stay byte for byte", () => {
  fc.assert(
    fc.property(someProperties, (properties) => {
      const bytes = writeProperties({
        ...properties,
        headers: { ...properties.headers, here: 1, there: "x" },
      });
      const changed = reviseHeaders(bytes, { here: undefined, there: "y", more: true });
      assert.deepEqual(readProperties(changed), {
        ...properties,
        headers: { ...properties.headers, there: "y", more: true },
      });
      assert.deepEqual(
        readProperties(reviseProperties(bytes, { expiration: undefined, priority: 9 })),
        {
          ...Object.fromEntries(
            Object.entries(readProperties(bytes)).filter(([each]) => each !== "expiration"),
          ),
          priority: 9,
        },
      );
    }),
  );
  const odd = theirMethods.encodeProperties(60, 1, 0, {
    headers: { small: { "!": "uint8", value: 3 } },
  });
  const raw = odd.subarray(7 + 12, odd.length - 1);
  const more = reviseHeaders(raw, { more: 1 });
  assert.ok(more.includes(Buffer.from("\x05smallB\x03", "latin1")));
  assert.deepEqual(readProperties(reviseHeaders(Buffer.from([0, 0]), { a: 1 })), {
    headers: { a: 1 },
  });
});

test("properties are those of amqplib", () => {
  const properties = {
    contentType: "text/plain",
    headers: { a: 1, b: "two" },
    deliveryMode: 2,
    priority: 3,
    correlationId: "c",
    replyTo: "r",
    expiration: "1000",
    messageId: "m",
    timestamp: 1_700_000_000,
    type: "t",
    userId: "u",
    appId: "a",
  };
  const frame = theirMethods.encodeProperties(60, 5, 99, properties);
  assert.deepEqual(readProperties(frame.subarray(7 + 12, frame.length - 1)), properties);
  const ours = written((writer) => writeContentHeader(writer, 5, writeProperties(properties), 99));
  const { headers, ...read } = theirMethods.decode(60, ours.subarray(7 + 12, ours.length - 1));
  assert.deepEqual(
    Object.fromEntries(Object.entries(read).filter(([, each]) => each !== undefined)),
    Object.fromEntries(Object.entries(properties).filter(([each]) => each !== "headers")),
  );
  assert.deepEqual(headers, properties.headers);
});

/** Fields for every method, and the names that amqplib has for two of them. */
const examples: Readonly<Record<string, unknown>> = {
  bit: true,
  octet: 200,
  short: 40_000,
  long: 3_000_000_000,
  longlong: 5_000_000_000,
  shortstr: "grüße",
  longstr: Buffer.from("long"),
  table: { a: 1, b: { c: "d" } },
  timestamp: 1,
};

test("every method is written and read back, and amqplib reads the same", () => {
  for (const [method, { id, fields }] of Object.entries(methods)) {
    const said = Object.fromEntries(
      Object.entries(fields).map(([field, kind]) => [field, examples[kind as string]]),
    );
    const frame = written((writer) =>
      writeMethodFrame(writer, 3, method as MethodName, said as never),
    );
    const content = frame.subarray(7, frame.length - 1);
    assert.equal(methodName(content.readUInt32BE(0)), method);
    assert.deepEqual(readFields(new ByteReader(content, 4), method as MethodName), said);
    const read = theirMethods.decode(id, content.subarray(4));
    for (const [field, each] of Object.entries(said))
      assert.deepEqual(read[field], each, `${method} ${field}`);
  }
});

test("a delivery is what amqplib reads", () => {
  const frame = written((writer) =>
    writeDeliver(writer, 9, "tag", 2 ** 40, true, "exchange", "key"),
  );
  assert.deepEqual(
    { ...theirMethods.decode(methods["basic.deliver"].id, frame.subarray(11, -1)) },
    {
      consumerTag: "tag",
      deliveryTag: 2 ** 40,
      redelivered: true,
      exchange: "exchange",
      routingKey: "key",
    },
  );
});

interface Seen {
  readonly type: number;
  readonly channel: number;
  readonly bytes: string;
}

function framesOf(chunks: readonly Buffer[], frameBytesMax: number = 4_096): Seen[] {
  const seen: Seen[] = [];
  const reader = new FrameReader(
    {
      frame: (type, channel, memory, from, to) =>
        void seen.push({ type, channel, bytes: memory.toString("hex", from, to) }),
    },
    frameBytesMax,
  );
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

test("frames come out whole however a socket cuts them", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(0xffff), fc.uint8Array({ maxLength: 50 })), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 40 }),
      (frames, cuts) => {
        const stream = written((writer) => {
          for (const [channel, bytes] of frames)
            writeBodyFrame(writer, channel, bytes, 0, bytes.length);
        });
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const bytes = cuts[i % cuts.length]!;
          chunks.push(stream.subarray(at, at + bytes));
          at += bytes;
        }
        assert.deepEqual(
          framesOf(chunks),
          frames.map(([channel, bytes]) => ({
            type: 3,
            channel,
            bytes: Buffer.from(bytes).toString("hex"),
          })),
        );
      },
    ),
  );
});

test("a frame that is too large is refused by its header alone, and one that ends elsewhere at its end", () => {
  const large = Buffer.from([1, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  assert.throws(() => framesOf([large]), malformed);
  assert.throws(() => framesOf([large.subarray(0, 3), large.subarray(3)]), malformed);
  assert.throws(() => framesOf([Buffer.from([8, 0, 0, 0, 0, 0, 0, 0])]), malformed);
});

test("a reader that is stopped hands on nothing more of the chunk", () => {
  let seen = 0;
  const reader: FrameReader = new FrameReader({ frame: () => (seen++, reader.stop()) }, 4_096);
  reader.push(Buffer.from([8, 0, 0, 0, 0, 0, 0, 206, 8, 0, 0, 0, 0, 0, 0, 206]));
  assert.equal(seen, 1);
});

test("a reader that is paused at any frame goes on where it was, whatever comes meanwhile", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
      (bodies, pauses, cuts) => {
        const stream = written((writer) => {
          for (const [index, bytes] of bodies.entries())
            writeBodyFrame(writer, index, bytes, 0, bytes.length);
        });
        const seen: number[] = [];
        let paused = false;
        const reader: FrameReader = new FrameReader(
          {
            frame(_, channel) {
              assert.ok(!paused);
              seen.push(channel);
              if (pauses[channel] !== true) return;
              paused = true;
              reader.pause();
            },
          },
          4_096,
        );
        const resume = (): void => {
          paused = false;
          reader.resume();
        };
        for (let at = 0, i = 0; at < stream.length; i++) {
          const bytes = cuts[i % cuts.length]!;
          reader.push(stream.subarray(at, at + bytes));
          if (i % 3 === 2) resume();
          at += bytes;
        }
        for (const _ of bodies) resume();
        assert.deepEqual(seen, [...bodies.keys()]);
      },
    ),
  );
});
