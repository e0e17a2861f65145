import assert from "node:assert/strict";
import test from "node:test";
import { PgOutput } from "./pgoutput.ts";

/** What it was told, in order. */
function heard(table: string, messages: readonly Buffer[]): unknown[] {
  const told: unknown[] = [];
  const output = new PgOutput(table, {
    inserted: (row) => told.push(row),
    committed: (end) => told.push(end),
    said: (prefix, content) => told.push([prefix, content]),
  });
  for (const message of messages) output.read(message);
  return told;
}

function relation(id: number, name: string, columns: readonly string[]): Buffer {
  const parts = [Buffer.from("R"), u32(id), text("public"), text(name), Buffer.from("d")];
  parts.push(u16(columns.length));
  for (const column of columns) parts.push(Buffer.from([0]), text(column), u32(20), u32(0));
  return Buffer.concat(parts);
}

function insert(id: number, values: readonly (string | undefined)[]): Buffer {
  const parts = [Buffer.from("I"), u32(id), Buffer.from("N"), u16(values.length)];
  for (const value of values)
    parts.push(
      value === undefined
        ? Buffer.from("n")
        : Buffer.concat([Buffer.from("t"), u32(value.length), Buffer.from(value)]),
    );
  return Buffer.concat(parts);
}

const commit = Buffer.concat([Buffer.from("C\0"), u64(90n), u64(100n), u64(0n)]);
const begin = Buffer.concat([Buffer.from("B"), u64(90n), u64(0n), u32(7)]);

test("rows are told with their number and lane, wherever these stand among the columns", () => {
  const messages = [
    begin,
    relation(5, "outbox", ["id", "lane", "data", "seq"]),
    insert(5, ["abc", "17", undefined, "9007199254740991"]),
    commit,
  ];
  assert.deepEqual(heard("outbox", messages), [{ seq: 9_007_199_254_740_991, lane: 17 }, 100n]);
});

test("other tables of the publication are passed over, and one that has changed is read as it is now", () => {
  const messages = [
    relation(5, "outbox", ["seq", "lane"]),
    relation(6, "users", ["seq", "lane"]),
    insert(6, ["1", "1"]),
    insert(5, ["2", "1"]),
    relation(5, "outbox", ["lane", "seq"]),
    insert(5, ["3", "4"]),
  ];
  assert.deepEqual(heard("outbox", messages), [
    { seq: 2, lane: 1 },
    { seq: 4, lane: 3 },
  ]);
});

test("a message in the log is told with its prefix", () => {
  const content = Buffer.from("überall");
  const message = Buffer.concat([
    Buffer.from("M\0"),
    u64(90n),
    text("trunkline"),
    u32(content.length),
    content,
  ]);
  assert.deepEqual(heard("outbox", [message]), [["trunkline", "überall"]]);
});

test("what it does not know is nothing to it", () => {
  assert.deepEqual(heard("outbox", [begin, Buffer.from("Y1234"), Buffer.from("O1234")]), []);
});

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
