import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import * as z from "zod";
import { systemError } from "../base/error.ts";
import { serve } from "../call/serve.ts";
import { avro } from "../codec/avro/index.ts";
import { cbor } from "../codec/cbor/index.ts";
import type { Codec } from "../codec/codec.ts";
import type { Format } from "../codec/format.ts";
import { msgpack } from "../codec/msgpack/index.ts";
import { protobuf } from "../codec/protobuf/index.ts";
import { xml } from "../codec/xml/index.ts";
import { bytes, call, contract, duplex, notification, stream, upload } from "../contract/index.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Order = z.object({ id: z.string(), count: z.int(), note: z.string().nullable().optional() });

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({
      in: z.object({ item: z.string(), count: z.int().default(1) }),
      out: Order,
      errors: { SOLD_OUT: z.object({ item: z.string() }) },
    }),
    watch: stream({ in: z.string(), out: Order }),
    add: upload({ head: z.object({ name: z.string() }), in: Order, out: z.array(Order) }),
    talk: duplex({ in: Order, out: Order }),
    note: notification({ in: Order }),
    picture: call({ in: z.string(), out: bytes() }),
    nothing: call({}),
  },
);

const noted = Promise.withResolvers<unknown>();

const orders = serve(Orders, {
  place({ item, count }, { errors }) {
    if (item === "unobtainium") throw errors.SOLD_OUT({ item });
    return { id: item, count, note: null };
  },
  async *watch(id) {
    for (let count = 0; count < 20; count++) yield { id, count };
  },
  async add(items, { head }) {
    const all = [{ id: head.name, count: -1 }];
    for await (const item of items) all.push(item as (typeof all)[number]);
    return all;
  },
  async *talk(items) {
    for await (const item of items) yield { ...item, count: item.count + 1 };
  },
  note: (order) => noted.resolve(order),
  picture: () => new Uint8Array([0, 1, 255]),
  nothing: () => {},
});

/** The same format, which counts what goes through it. */
function counted(format: Format): {
  readonly format: Format;
  readonly seen: { written: number; read: number };
} {
  const seen = { written: 0, read: 0 };
  const counting = (codec: Codec): Codec => ({
    id: codec.id,
    name: codec.name,
    encode(value) {
      seen.written++;
      return codec.encode(value);
    },
    decode(memory, from, to) {
      seen.read++;
      return codec.decode(memory, from, to);
    },
  });
  return { format: { ...format, codec: (type) => counting(format.codec(type)) }, seen };
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** All kinds, with values that must come back as they are. */
async function useAll(app: Chassis, format: Format): Promise<void> {
  await using mine = client(Orders, app.addresses[0]!, { format });
  await mine.nothing(); // a first answer comes behind the server's hello
  assert.deepEqual(await mine.place({ item: "kettle" }), { id: "kettle", count: 1, note: null });
  const sold = await mine.place.result({ item: "unobtainium" });
  assert.deepEqual(!sold.ok && sold.error.data, { item: "unobtainium" });
  const watched = await allOf(mine.watch("o-1"));
  assert.deepEqual(watched.at(-1), { id: "o-1", count: 19 });
  const items = [
    { id: "a", count: 0 },
    { id: "", count: 1, note: "" },
  ];
  assert.deepEqual(await mine.add(items, { head: { name: "ü" } }), [
    { id: "ü", count: -1 },
    ...items,
  ]);
  assert.deepEqual(await allOf(mine.talk(items)), [
    { id: "a", count: 1 },
    { id: "", count: 2, note: "" },
  ]);
  assert.deepEqual([...(await mine.picture("p"))], [0, 1, 255]);
  assert.equal(await mine.nothing(), undefined);
}

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

suite("one contract and its handlers, in every format", () => {
  for (const given of [msgpack(), cbor(), xml(), avro(), protobuf()]) {
    for (const listen of [`unix:${folder}/${given.name}.sock`, `memory:formats-${given.name}`]) {
      test(`${given.name} over ${listen.split(":")[0]}`, async () => {
        const { format, seen } = counted(given);
        await using app = await chassis({
          name: "orders",
          listen,
          serve: [orders],
          formats: [format],
          signals: false,
        });
        await useAll(app, format);
        assert.ok(seen.written > 30 && seen.read === seen.written, JSON.stringify(seen));
      });
    }
  }
});

test("a client whose format the server does not speak is served as JSON", async () => {
  const { format, seen } = counted(msgpack());
  await using app = await chassis({
    name: "orders",
    listen: "memory:formats-json",
    serve: [orders],
    formats: [cbor()],
    signals: false,
  });
  await useAll(app, format);
  assert.deepEqual(seen, { written: 0, read: 0 });
});

test("formats that clash, or cannot carry what is served, are told before anything listens", async () => {
  const narrow: Format = {
    name: "narrow",
    id: 200,
    mediaTypes: ["application/narrow"],
    text: false,
    codec: ({ operation }) => {
      if (operation !== "watch")
        return msgpack().codec({
          contract: { name: "x", version: "1.0.0", operations: {} },
          operation,
          part: "in",
        });
      const advice = "say of what type it is";
      throw systemError("INVALID_ARGUMENT", "the output is anything", { executed: "no", advice });
    },
  };
  const formats = [msgpack(), { ...cbor(), id: 3 }, { ...xml(), name: "json" }, narrow];
  const started = chassis({
    name: "orders",
    listen: "memory:formats-no",
    serve: [orders],
    formats,
    signals: false,
  });
  await assert.rejects(started, (error: Error) => {
    const problems = error.message.split(/\n {2}(?=\d\. )/).slice(1);
    assert.match(problems[0]!, /the format cbor has the id 3, as msgpack has/);
    assert.match(problems[1]!, /the format json has the name json, as json has|the format json/);
    assert.match(
      problems.at(-1)!,
      /orders\.watch cannot be written as narrow: the output is anything\.\n {5}→ say of/,
    );
    return true;
  });
  assert.throws(() => client(Orders, "memory:formats-no", { format: narrow }), {
    code: "INVALID_ARGUMENT",
    executed: "no",
  });
});
