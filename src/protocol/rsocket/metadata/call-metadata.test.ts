import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseTraceparent } from "../../../base/trace.ts";
import { encodeMetadataEntry } from "../../../wire/composite-metadata.ts";
import { Attempt } from "../../attempt.ts";
import { declare } from "../../suite/declare.ts";
import {
  callMime,
  compositeBytesMax,
  encodeCallMetadata,
  readCallMetadata,
  readSetupHeaders,
  type CallMetadata,
} from "./call-metadata.ts";

const trace = parseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")!;
const { place, scan } = declare("orders", 1, {
  place: { kind: "call" },
  scan: { kind: "call", in: "raw" },
});

const usual = { lane: undefined, tries: undefined, onlyBoot: undefined };

function attempt(headers?: Record<string, string>, totalAt = Infinity, key?: string): Attempt {
  return new Attempt(2_000, totalAt, trace, key, headers);
}

function read(metadata: Uint8Array): CallMetadata | string {
  const memory = Buffer.concat([Buffer.of(0xff), metadata, Buffer.of(0xff)]);
  return readCallMetadata(memory, 1, memory.length - 1);
}

function good(metadata: Uint8Array): CallMetadata {
  const found = read(metadata);
  assert.notEqual(typeof found, "string", JSON.stringify(found));
  assert.ok(typeof found !== "string");
  return { ...found, headers: { ...found.headers } };
}

function own(text: string): Buffer {
  return encodeMetadataEntry(callMime, Buffer.from(text));
}

test("everything that a request says of itself is read as it was written", () => {
  const headers = { tenant: "acme", authorization: "Bearer t0k" };
  assert.deepEqual(good(encodeCallMetadata(place, attempt(headers, 61_000, "k-1"), 1_000)), {
    tags: ["orders.place", "orders@1/place"],
    trace,
    dataMime: undefined,
    timeLeftMs: 1_000,
    totalMs: 60_000,
    idempotencyKey: "k-1",
    ...usual,
    headers,
  });
  const never = new Attempt(Infinity, Infinity, trace, undefined, undefined);
  assert.deepEqual(good(encodeCallMetadata(scan, never, 0)), {
    tags: ["orders.scan", "orders@1/scan"],
    trace,
    dataMime: "application/octet-stream",
    timeLeftMs: Infinity,
    totalMs: Infinity,
    idempotencyKey: undefined,
    ...usual,
    headers: {},
  });
});

test("a header authorization travels as credentials where it has the form of any, and else as a header", () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
  const rows: [header: string, credentials: boolean, becomes?: string][] = [
    ["Bearer abc", true],
    ["bearer abc", true, "Bearer abc"],
    [basic("ann:secret:er"), true],
    [basic(":"), true],
    [basic("nobody"), false],
    ["Basic %%%", false],
    [`Basic ${Buffer.from("ff3aff", "hex").toString("base64")}`, false],
    ["Digest username=ann", false],
    ["Bearer ", false],
    ["", false],
  ];
  for (const [authorization, credentials, becomes = authorization] of rows) {
    const written = encodeCallMetadata(place, attempt({ authorization }), 0);
    assert.equal(written.includes(`"authorization"`), !credentials, authorization);
    assert.deepEqual(good(written).headers, { authorization: becomes });
  }
});

test("headers and keys that take too much are refused before anything is sent", () => {
  const most = "x".repeat(compositeBytesMax);
  assert.throws(() => encodeCallMetadata(place, attempt({ most }), 0), /may take 32768 bytes/);
  assert.throws(() => encodeCallMetadata(place, attempt(undefined, Infinity, most), 0), RangeError);
});

test("entries of unknown types, members of later versions, and no metadata at all are no fault", () => {
  const unknown = encodeMetadataEntry("application/x-later", Buffer.from("?"));
  const later = own('{"timeLeftMs":5,"colour":"blue"}');
  assert.equal(good(Buffer.concat([unknown, later, unknown])).timeLeftMs, 5);
  assert.deepEqual(good(Buffer.alloc(0)).tags, []);
  assert.deepEqual(
    { ...good(own('{"headers":{"A":"b","__proto__":"c"}}')).headers },
    {
      a: "b",
      ["__proto__"]: "c",
    },
  );
});

test("metadata that is malformed, or says something twice, is told from good one by a sentence", () => {
  const entry = (mime: string, hex: string): Buffer =>
    encodeMetadataEntry(mime, Buffer.from(hex, "hex"));
  const routing = entry("message/x.rsocket.routing.v0", "0161");
  const auth = entry("message/x.rsocket.authentication.v0", "8161");
  const rows: [metadata: Buffer, sentence: RegExp][] = [
    [Buffer.of(0xfe), /ends within the length/],
    [Buffer.concat([routing, routing]), /routing.v0 is there twice/],
    [entry("message/x.rsocket.routing.v0", "05"), /a tag is longer/],
    [entry("message/x.rsocket.tracing-zipkin.v0", "a8"), /shorter than its flags say/],
    [entry("message/x.rsocket.mime-type.v0", "8585"), /data's MIME type is malformed/],
    [entry("message/x.rsocket.mime-type.v0", "05"), /data's MIME type is malformed/],
    [entry("message/x.rsocket.authentication.v0", "82"), /neither simple nor bearer/],
    [entry("message/x.rsocket.authentication.v0", "800003613a62"), /cannot contain a colon/],
    [Buffer.concat([auth, own('{"headers":{"Authorization":"x"}}')]), /given twice/],
    [own("{"), /is not JSON/],
    [own("[]"), /is not an object/],
    [own("null"), /is not an object/],
    [own('{"timeLeftMs":"5"}'), /not a number of milliseconds/],
    [own('{"totalMs":-1}'), /not a number of milliseconds/],
    [own('{"idempotencyKey":5}'), /idempotency key is not a text/],
    [own('{"lane":"two words"}'), /lane is not the name of one/],
    [own('{"lane":7}'), /lane is not the name of one/],
    [own('{"tries":-1}'), /not a number from 0 to 255/],
    [own('{"tries":"2"}'), /not a number from 0 to 255/],
    [own('{"onlyBoot":1}'), /boot id is not a text/],
    [own('{"headers":{"a":5}}'), /headers are not texts/],
    [own('{"headers":[]}'), /headers are not texts/],
    [own(`"${"x".repeat(compositeBytesMax)}"`), /32768 are allowed/],
  ];
  for (const [metadata, sentence] of rows) assert.match(JSON.stringify(read(metadata)), sentence);
});

test("the credentials of a SETUP become the header of all its requests", () => {
  const auth = encodeMetadataEntry(
    "message/x.rsocket.authentication.v0",
    Buffer.from("\x81t", "latin1"),
  );
  assert.deepEqual({ ...(readSetupHeaders(auth) as object) }, { authorization: "Bearer t" });
  assert.deepEqual(readSetupHeaders(new Uint8Array()), {});
  const colon = Buffer.from("800003613a62", "hex");
  for (const bad of [
    Uint8Array.of(0xfe),
    Buffer.concat([auth, auth]),
    encodeMetadataEntry("message/x.rsocket.authentication.v0", new Uint8Array()),
    encodeMetadataEntry("message/x.rsocket.authentication.v0", colon),
  ])
    assert.equal(typeof readSetupHeaders(bad), "string");
});

test("whatever headers there are, they are read as they were written", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "b", "-", "_", "x") });
  const headers = fc.dictionary(name, fc.string({ unit: "grapheme" }), { maxKeys: 8 });
  fc.assert(
    fc.property(headers, (given) => {
      assert.deepEqual(good(encodeCallMetadata(place, attempt(given), 0)).headers, { ...given });
    }),
  );
});

test("no bytes make the reader throw", () => {
  const mime = fc.constantFrom(
    callMime,
    "message/x.rsocket.routing.v0",
    "message/x.rsocket.authentication.v0",
    "message/x.rsocket.tracing-zipkin.v0",
    "message/x.rsocket.mime-type.v0",
    "a/b",
  );
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.json().map((text) => Buffer.from(text)),
  );
  const entry = fc.tuple(mime, content).map(([type, bytes]) => encodeMetadataEntry(type, bytes));
  const metadata = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(entry, { maxLength: 5 }).map((entries) => Buffer.concat(entries)),
  );
  fc.assert(
    fc.property(metadata, (bytes) => {
      const found = read(bytes);
      assert.ok(typeof found === "string" || Array.isArray(found.tags));
      assert.ok(["string", "object"].includes(typeof readSetupHeaders(bytes)));
    }),
    { numRuns: 1_000 },
  );
});
