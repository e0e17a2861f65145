import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseTraceparent, TraceContext } from "../base/trace.ts";
import { encodeCredentials, readCredentials, type Credentials } from "./authentication.ts";
import { encodeMetadataEntry, entriesMax, readCompositeMetadata } from "./composite-metadata.ts";
import { encodeTags, readTags, tagBytesMax, tagsMax } from "./routing.ts";
import { encodeTracing, readTracing } from "./tracing.ts";
import { encodeMimeType, readMimeType, typeNameBytesMax } from "./well-known.ts";

/*
 * Goal: the bytes are those of RSocket's extensions as rsocket-java, rsocket-js and rsocket-py write them; whatever is
 * written is read back; no bytes whatever make a reader throw, loop or look past its end.
 * Method: vectors derived by hand from the diagrams, then properties.
 */

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
const text = (characters: string): string => Buffer.from(characters).toString("hex");
const hex = (buffer: Uint8Array): string => Buffer.from(buffer).toString("hex");

/** What is wrong with `content`, as the reader says it. */
function faultOf(
  content: Uint8Array,
  read: (memory: Buffer, from: number, to: number) => unknown,
): string {
  const said = within(content, read);
  assert.ok(typeof said === "string", JSON.stringify(said));
  return said;
}

/** Reads `content` where it stands in the midst of other bytes. */
function within<T>(content: Uint8Array, read: (memory: Buffer, from: number, to: number) => T): T {
  const memory = Buffer.concat([Buffer.alloc(3, 0xff), content, Buffer.alloc(300, 0x01)]);
  return read(memory, 3, 3 + content.length);
}

const trace = parseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")!;
const ids = "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7";

test("types are a number with the top bit set, or their text after its length less one", () => {
  const rows: [name: string, written: string][] = [
    ["application/json", "85"],
    ["message/x.rsocket.composite-metadata.v0", "ff"],
    ["video/h264", "a3"],
    ["a/b", `02 ${text("a/b")}`],
    ["x".repeat(typeNameBytesMax), `7f ${text("x".repeat(typeNameBytesMax))}`],
  ];
  for (const [name, written] of rows) {
    assert.equal(hex(encodeMimeType(name)), hex(bytes(written)), name);
    const read = within(bytes(written), readMimeType);
    assert.deepEqual(read, { name, end: 3 + bytes(written).length });
  }
  assert.equal(within(bytes("d0"), readMimeType)?.name, "", "a number that is reserved");
  assert.equal(within(bytes(`03 ${text("a/b")}`), readMimeType), undefined, "longer than there is");
  assert.equal(within(bytes(""), readMimeType), undefined);
  assert.equal(within(bytes(`02 ${text("A/B")}`), readMimeType)?.name, "a/b");
  for (const name of ["", "x".repeat(typeNameBytesMax + 1), "ü/x"])
    assert.throws(() => encodeMimeType(name), RangeError);
});

test("composite metadata is type, length in 24 bits, content, one after the other", () => {
  const written = `fe 000003 02 6162  02 ${text("a/b")} 000000  d0 000001 07`;
  const read = within(bytes(written), readCompositeMetadata);
  assert.deepEqual(read, [
    { mime: "message/x.rsocket.routing.v0", from: 7, to: 10 },
    { mime: "a/b", from: 17, to: 17 },
    { mime: "", from: 21, to: 22 },
  ]);
  const entries = [
    encodeMetadataEntry("message/x.rsocket.routing.v0", bytes("02 6162")),
    encodeMetadataEntry("a/b", bytes("")),
  ];
  assert.equal(hex(Buffer.concat(entries)), hex(bytes(written)).slice(0, -10));
});

test("malformed composite metadata is told from good one by a sentence", () => {
  const many = Buffer.concat(Array.from({ length: entriesMax + 1 }, () => bytes("fe 000000")));
  assert.equal(typeof within(many.subarray(4), readCompositeMetadata), "object");
  const rows: [content: Buffer, sentence: RegExp][] = [
    [bytes("05 6162"), /ends within a MIME type/],
    [bytes("fe 0000"), /ends within the length/],
    [bytes("fe"), /ends within the length/],
    [bytes("fe 000002 00"), /longer than what is there/],
    [bytes("fe ffffff 00"), /longer than what is there/],
    [many, /more than 64 entries/],
  ];
  for (const [content, sentence] of rows) {
    assert.match(faultOf(content, readCompositeMetadata), sentence);
  }
});

test("routing metadata is tags, each after its length", () => {
  const written = `0c ${text("orders.place")} 00 02 ${text("ü")}`;
  const tags = ["orders.place", "", "ü"];
  assert.deepEqual(within(bytes(written), readTags), tags);
  assert.equal(hex(encodeTags(tags)), hex(bytes(written)));
  assert.deepEqual(within(bytes(""), readTags), []);
  const longest = "x".repeat(tagBytesMax);
  assert.deepEqual(within(encodeTags([longest]), readTags), [longest]);
  assert.throws(() => encodeTags([`${longest}x`]), RangeError);
  assert.match(faultOf(bytes("03 6162"), readTags), /longer than what is there/);
  assert.match(faultOf(bytes("01 ff"), readTags), /not UTF-8/);
  assert.match(faultOf(Buffer.alloc(tagsMax + 1), readTags), /more than 16 tags/);
  assert.equal(within(Buffer.alloc(tagsMax), readTags).length, tagsMax);
});

test("credentials are their type, then a token, or user name and password", () => {
  const rows: [credentials: Credentials, written: string][] = [
    [{ type: "bearer", token: "t0k" }, `81 ${text("t0k")}`],
    [{ type: "bearer", token: "" }, "81"],
    [{ type: "simple", username: "ann", password: "s:3" }, `80 0003 ${text("anns:3")}`],
    [{ type: "simple", username: "", password: "" }, "80 0000"],
  ];
  for (const [credentials, written] of rows) {
    assert.deepEqual(within(bytes(written), readCredentials), credentials);
    assert.equal(hex(encodeCredentials(credentials)), hex(bytes(written)));
  }
  assert.deepEqual(within(bytes(`05 ${text("bearer")} 78`), readCredentials), {
    type: "bearer",
    token: "x",
  });
  const bad: [written: string, sentence: RegExp][] = [
    ["", /ends within its type/],
    [`05 ${text("bear")}`, /ends within its type/],
    [`05 ${text("ticket")} 00`, /neither simple nor bearer/],
    ["82 00", /neither simple nor bearer/],
    ["80 00", /length of the user name/],
    ["80 0002 61", /within the user name/],
    ["81 ff", /not UTF-8/],
  ];
  for (const [written, sentence] of bad)
    assert.match(faultOf(bytes(written), readCredentials), sentence, written);
});

test("a place in a trace is Zipkin's flags, then the ids that they say", () => {
  assert.equal(hex(encodeTracing(trace)), hex(bytes(`a8 ${ids}`)));
  const rows: [written: string, traceparent: string | undefined][] = [
    [`a8 ${ids}`, trace.traceparent],
    [`c8 ${ids}`, trace.traceparent],
    [`88 ${ids}`, trace.traceparent.replace(/01$/, "00")],
    [`ac ${ids} 1111111111111111`, trace.traceparent],
    [
      "a0 a3ce929d0e0e4736 00f067aa0ba902b7",
      "00-0000000000000000a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ],
    ["20", undefined],
    ["a0 0000000000000000 00f067aa0ba902b7", undefined],
    ["a0 a3ce929d0e0e4736 0000000000000000", undefined],
  ];
  for (const [written, traceparent] of rows) {
    const read = within(bytes(written), readTracing);
    assert.equal(read instanceof TraceContext ? read.traceparent : read, traceparent, written);
  }
  for (const short of ["a8", `a8 ${ids.slice(0, -2)}`, `ac ${ids}`, "a0 a3ce929d0e0e4736"])
    assert.match(faultOf(bytes(short), readTracing), /shorter than its flags say/);
  assert.match(faultOf(bytes(""), readTracing), /no flags/);
});

const blob = fc.uint8Array({ maxLength: 200 });
const typeName = fc
  .string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })
  .filter((name) => name.length > 0 && name.length <= typeNameBytesMax);

test("entries are read as they were written, in their order", () => {
  const entry = fc.record({ mime: typeName, content: blob });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 10 }), (entries) => {
      const written = Buffer.concat(
        entries.map(({ mime, content }) => encodeMetadataEntry(mime, content)),
      );
      const read = readCompositeMetadata(written, 0, written.length);
      assert.ok(typeof read === "object");
      assert.deepEqual(
        read.map(({ mime, from, to }) => [mime, hex(written.subarray(from, to))]),
        entries.map(({ mime, content }) => [mime.toLowerCase(), hex(content)]),
      );
    }),
  );
});

test("tags, credentials and traces are read as they were written", () => {
  const letters = fc.string({ unit: "grapheme", maxLength: 20 });
  const words = fc.tuple(...Array.from({ length: 6 }, () => fc.integer())) as fc.Arbitrary<
    [number, number, number, number, number, number]
  >;
  fc.assert(
    fc.property(
      fc.array(letters, { maxLength: tagsMax }),
      letters,
      letters,
      words,
      (tags, a, b, w) => {
        assert.deepEqual(within(encodeTags(tags), readTags), tags);
        for (const credentials of [
          { type: "simple", username: a, password: b },
          { type: "bearer", token: a },
        ] as const)
          assert.deepEqual(within(encodeCredentials(credentials), readCredentials), credentials);
        const place = new TraceContext(...w, 1);
        const read = within(encodeTracing(place), readTracing);
        const none = (w[0] | w[1] | w[2] | w[3]) === 0 || (w[4] | w[5]) === 0;
        assert.deepEqual(read, none ? undefined : place);
      },
    ),
  );
});

test("no bytes make a reader throw or look past their end", () => {
  fc.assert(
    fc.property(fc.oneof(blob, fc.uint8Array({ max: 3, maxLength: 40 })), (content) => {
      const readers: readonly ((memory: Buffer, from: number, to: number) => unknown)[] = [
        readTags,
        readCredentials,
        readTracing,
      ];
      for (const read of readers) {
        assert.deepEqual(within(content, read), read(Buffer.from(content), 0, content.length));
      }
      const type = readMimeType(Buffer.from(content), 0, content.length);
      const among = type && { ...type, end: type.end + 3 };
      assert.deepEqual(within(content, readMimeType), among);
      const alone = readCompositeMetadata(Buffer.from(content), 0, content.length);
      if (typeof alone === "string") assert.equal(within(content, readCompositeMetadata), alone);
      else assert.ok(alone.every(({ from, to }) => from <= to && to <= content.length));
    }),
    { numRuns: 1_000 },
  );
});
