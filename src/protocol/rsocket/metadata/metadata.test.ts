import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTraceparent } from "../../../base/trace.ts";
import { Attempt } from "../../attempt.ts";
import {
  encodeExtensions,
  extensionBytesMax,
  fixedBytes,
  readCodec,
  readDeadline,
  readExact,
  readExtensions,
  readIndex,
  readTrace,
  writeFixed,
} from "./metadata.ts";

const trace = parseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")!;

interface Terms {
  readonly deadlineAt?: number;
  readonly totalAt?: number;
  readonly key?: string;
  readonly headers?: Record<string, string>;
}

function attempt({ deadlineAt = Infinity, totalAt = Infinity, key, headers }: Terms): Attempt {
  return new Attempt(deadlineAt, totalAt, trace, key, headers);
}

function fixed(deadlineAt: number, now: number): Buffer {
  const memory = Buffer.alloc(50, 0xee);
  const end = writeFixed(memory, 5, 0x1234, 2, attempt({ deadlineAt }), now);
  assert.equal(end, 5 + fixedBytes);
  assert.ok(memory.subarray(end).every((byte) => byte === 0xee));
  return memory.subarray(5, end);
}

test("the fixed part is what docs/protocol.md draws", () => {
  const bytes = fixed(1_250, 1_000);
  assert.equal(
    bytes.toString("hex"),
    ["1234", "02", "00", "000000fa", trace.traceId, trace.spanId, "01"].join(""),
  );
  assert.equal(readIndex(bytes, 0), 0x1234);
  assert.equal(readCodec(bytes, 0), 2);
  assert.equal(readDeadline(bytes, 0, 5_000), 5_250);
  assert.equal(readTrace(bytes, 0)?.traceparent, trace.traceparent);
});

test("time left is rounded up, at least one millisecond, and never means never", () => {
  const rows: [deadlineAt: number, left: number][] = [
    [1_000.001, 1],
    [1_000.5, 1],
    [1_001.2, 2],
    [900, 1],
    [1e15, 0xffff_fffe],
    [Infinity, 0xffff_ffff],
  ];
  for (const [deadlineAt, left] of rows) {
    assert.equal(fixed(deadlineAt, 1_000).readUInt32BE(4), left, `until ${deadlineAt}`);
  }
  assert.equal(readDeadline(fixed(Infinity, 0), 0, 77), Infinity);
});

test("where both sides have a clock in common the field is its instant, also where 32 bits begin anew", () => {
  const there = 2 ** 32 - 2_000; // our clock is 0 where that of the host is this
  const here = 2 ** 33 + 700_000.25; // and the receiver's began at another instant
  for (const [deadlineAt, now, field] of [
    [1_000, 900, 2 ** 32 - 1_000],
    [1_999, 900, 2 ** 32 - 2], // one less: the last number means never
    [2_500.5, 900, 501],
  ] as const) {
    const bytes = Buffer.alloc(fixedBytes);
    writeFixed(bytes, 0, 7, 1, attempt({ deadlineAt }), now, there);
    assert.deepEqual([readExact(bytes, 0), bytes.readUInt32BE(4)], [true, field]);
    const hostNow = now + there;
    for (const elapsed of [0, 100, 5_000, -3]) {
      const read = readDeadline(bytes, 0, hostNow + elapsed - here, here);
      const late = read + here - (deadlineAt + there);
      assert.ok(late >= -1 && late < 1, `${deadlineAt} after ${elapsed} ms: ${late} ms off`);
    }
  }
  const never = Buffer.alloc(fixedBytes);
  writeFixed(never, 0, 7, 1, attempt({ deadlineAt: 2 ** 31 + 10 }), 0, there);
  assert.equal(readDeadline(never, 0, 5, here), Infinity);
  const total = encodeExtensions(attempt({ totalAt: 2_600 }), 900, there)!;
  assert.equal(total.toString("hex"), "03000400000258");
  const { totalAt } = readExtensions(total, 0, total.length, 900 + there - here, here)!;
  assert.ok(Math.abs(totalAt + here - (2_600 + there)) < 1);
});

test("no trace is sent as zeros and read as none", () => {
  assert.equal(readTrace(Buffer.alloc(fixedBytes), 0), undefined);
});

test("a request without key, headers and total has no extensions", () => {
  assert.equal(encodeExtensions(attempt({}), 0), undefined);
  const none = readExtensions(Buffer.alloc(0), 0, 0, 0)!;
  assert.deepEqual([none.idempotencyKey, none.headers, none.totalAt], [undefined, {}, Infinity]);
});

test("extensions are read back, and stand in the bytes of version 1", () => {
  const terms = { totalAt: 60_500, key: "k-ü", headers: { tenant: "acme" } };
  const bytes = encodeExtensions(attempt(terms), 500)!;
  assert.equal(
    bytes.toString("hex"),
    ["010004", "6b2dc3bc", "020011", hexOf('{"tenant":"acme"}'), "030004", "0000ea60"].join(""),
  );
  const read = readExtensions(bytes, 0, bytes.length, 10_000)!;
  assert.equal(read.idempotencyKey, "k-ü");
  assert.deepEqual({ ...read.headers }, { tenant: "acme" });
  assert.equal(read.totalAt, 70_000);
});

test("lane, tries and boot id stand in the bytes of their extensions, and are read back", () => {
  const terms = { lane: "blue", tries: 2, onlyBoot: "b-1" };
  const bytes = encodeExtensions(Object.assign(attempt({}), terms), 0)!;
  assert.equal(bytes.toString("hex"), "040004626c756505000102060003622d31");
  const { lane, tries, onlyBoot } = readExtensions(bytes, 0, bytes.length, 0)!;
  assert.deepEqual({ lane, tries, onlyBoot }, terms);
  const once = encodeExtensions(Object.assign(attempt({}), { once: true }), 0)!;
  assert.equal(once.toString("hex"), "05000100");
  assert.equal(readExtensions(once, 0, once.length, 0)?.tries, 0);
  for (const bad of ["040000", "0400012f", "050000", "0500020001"])
    assert.equal(readExtensions(Buffer.from(bad, "hex"), 0, bad.length / 2, 0), undefined, bad);
});

test("an extension of a later version is passed over, wherever it stands", () => {
  const later = "7f0003aabbcc";
  const empty = "800000";
  const key = "0100016b";
  for (const hex of [later + key, key + later, later + empty + key + empty + later]) {
    const bytes = Buffer.from(hex, "hex");
    assert.equal(readExtensions(bytes, 0, bytes.length, 0)?.idempotencyKey, "k", hex);
  }
});

test("extensions that do not fit into their length are malformed, at every cut", () => {
  const bytes = encodeExtensions(attempt({ totalAt: 9, key: "key", headers: { a: "b" } }), 0)!;
  const borders = new Set([0, 6, 6 + 3 + 9, bytes.length]);
  for (let to = 0; to <= bytes.length; to++) {
    const read = readExtensions(bytes, 0, to, 0);
    assert.equal(read !== undefined, borders.has(to), `cut at ${to}`);
  }
  assert.equal(readExtensions(Buffer.from("030003000001", "hex"), 0, 6, 0), undefined);
});

test("headers that are not names with text are malformed", () => {
  for (const text of [
    "",
    "null",
    "[]",
    '"a"',
    '{"a":1}',
    '{"a":null}',
    '{"a":["b"]}',
    '{"a"',
    "7",
  ]) {
    const content = Buffer.from(text);
    const bytes = Buffer.concat([Buffer.from([2, 0, content.length]), content]);
    assert.equal(readExtensions(bytes, 0, bytes.length, 0), undefined, text);
  }
});

test("names of headers are read in lower case, and none of them reaches a prototype", () => {
  const content = Buffer.from('{"X-Tenant":"acme","__proto__":"p","constructor":"c"}');
  const bytes = Buffer.concat([Buffer.from([2, 0, content.length]), content]);
  const { headers } = readExtensions(bytes, 0, bytes.length, 0)!;
  assert.equal(headers["x-tenant"], "acme");
  assert.equal(headers["toString"], undefined);
  assert.equal(Object.getPrototypeOf(headers), null);
  assert.deepEqual(Object.keys(headers), ["x-tenant", "__proto__", "constructor"]);
});

test("more headers or key than there is room for are refused before anything is sent", () => {
  const long = "x".repeat(extensionBytesMax + 1);
  assert.throws(() => encodeExtensions(attempt({ key: long }), 0), /16384 bytes/);
  assert.throws(() => encodeExtensions(attempt({ headers: { a: long } }), 0), /16384 bytes/);
  assert.equal(encodeExtensions(attempt({ key: long.slice(1) }), 0)!.length, extensionBytesMax + 3);
});

function hexOf(text: string): string {
  return Buffer.from(text).toString("hex");
}
