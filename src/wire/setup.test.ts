import assert from "node:assert/strict";
import { test } from "node:test";
import { isTrunklineError } from "../base/error.ts";
import { FrameView } from "./frame-view.ts";
import { readResume } from "./resume.ts";
import { readSetup, writeSetup, type Setup } from "./setup.ts";

const setup: Setup = {
  majorVersion: 1,
  minorVersion: 0,
  keepaliveMs: 20_000,
  lifetimeMs: 90_000,
  lease: false,
  resumeToken: new Uint8Array([1, 2, 3]),
  metadataMime: "a/b",
  dataMime: "c/d",
  metadata: new Uint8Array([4, 5]),
  data: new Uint8Array([6]),
};

const start = "00000000 0400 0001 0000";

const refused: readonly (readonly [what: string, hex: string, fault: RegExp])[] = [
  ["no fields at all", "00000000 0400", /ends before its times/],
  ["no lifetime", `${start} 00000001`, /ends before its times/],
  ["a keep-alive time of 0", `${start} 00000000 00000001 00 00`, /keep-alives must be 1/],
  ["a negative keep-alive time", `${start} 80000001 00000001 00 00`, /keep-alives must be 1/],
  ["a lifetime of 0", `${start} 00000001 00000000 00 00`, /lifetime must be 1/],
  ["no MIME types", `${start} 00000001 00000001`, /metadata MIME type/],
  ["a metadata MIME type cut short", `${start} 00000001 00000001 02 61`, /metadata MIME type/],
  ["no data MIME type", `${start} 00000001 00000001 01 61`, /data MIME type/],
  ["a data MIME type cut short", `${start} 00000001 00000001 01 61 ff 61`, /data MIME type/],
  ["a resume token without length", "00000000 0480 0001 0000 00000001 00000001 00", /resume token/],
  ["a resume token cut short", "00000000 0480 0001 0000 00000001 00000001 ffff 61", /resume token/],
  [
    "metadata without length",
    "00000000 0500 0001 0000 00000001 00000001 00 00 0000",
    /within its metadata$/,
  ],
  [
    "metadata cut short",
    "00000000 0500 0001 0000 00000001 00000001 00 00 000002 61",
    /within its metadata$/,
  ],
];

for (const [what, hex, fault] of refused) {
  test(`a SETUP with ${what} is refused with a sentence`, () => {
    const frame = Buffer.from(hex.replaceAll(" ", ""), "hex");
    // What follows in the memory would make the frame whole.
    const memory = Buffer.concat([frame, Buffer.alloc(70_000, 1)]);
    const view = new FrameView();
    assert.equal(view.read(memory, 0, frame.length), undefined);
    const read = readSetup(memory, view);
    assert.match(typeof read === "string" ? read : "it was read", fault);
  });
}

test("every proper prefix of a SETUP that ends before its data is refused", () => {
  const memory = Buffer.alloc(200);
  const end = writeSetup(memory, 0, setup);
  const view = new FrameView();
  for (let to = 6; to < end - setup.data.length; to++) {
    assert.equal(view.read(memory, 0, to), undefined);
    assert.equal(typeof readSetup(memory, view), "string", `${to} bytes`);
  }
});

test("every proper prefix of a RESUME is refused", () => {
  const hex = "00000000340000010000000374657300000000000000100000000000000020";
  const memory = Buffer.from(hex, "hex");
  const view = new FrameView();
  for (let to = 6; to < memory.length; to++) {
    assert.equal(view.read(memory, 0, to), undefined);
    assert.equal(typeof readResume(memory, view), "string", `${to} bytes`);
  }
});

test("a RESUME with a negative position is refused", () => {
  for (const positions of [
    "80000000000000100000000000000020",
    "00000000000000108000000000000020",
  ]) {
    const memory = Buffer.from(
      `0000000034000001000000037465 73${positions}`.replaceAll(" ", ""),
      "hex",
    );
    const view = new FrameView();
    assert.equal(view.read(memory, 0, memory.length), undefined);
    assert.equal(readResume(memory, view), "RESUME: the reserved bit of a position is set");
  }
});

test("what was read from a SETUP stays when its memory is used again", () => {
  const memory = Buffer.alloc(200);
  const end = writeSetup(memory, 0, setup);
  const view = new FrameView();
  view.read(memory, 0, end);
  const read = readSetup(memory, view);
  memory.fill(0xff);
  assert.deepEqual(read, setup);
});

test("a MIME type that is not ASCII is read without loss, as no rule forbids it", () => {
  const memory = Buffer.from("00000000040000010000000000010000000101e90161", "hex");
  const view = new FrameView();
  view.read(memory, 0, memory.length);
  const read = readSetup(memory, view);
  assert.equal(typeof read === "string" ? read : read.metadataMime, "é");
});

const unwritable: readonly (readonly [what: string, change: Partial<Setup>])[] = [
  ["a MIME type that is not ASCII", { metadataMime: "é" }],
  ["a MIME type of 256 bytes", { dataMime: "a".repeat(256) }],
  ["a keep-alive time of 0", { keepaliveMs: 0 }],
  ["a lifetime of half a millisecond", { lifetimeMs: 0.5 }],
  ["a lifetime past 31 bits", { lifetimeMs: 2 ** 31 }],
  ["a resume token of 65,536 bytes", { resumeToken: new Uint8Array(65_536) }],
];

for (const [what, change] of unwritable) {
  test(`${what} is not written: INVALID_ARGUMENT, and the memory as it was`, () => {
    const memory = Buffer.alloc(1_000);
    assert.throws(
      () => writeSetup(memory, 0, { ...setup, ...change }),
      (error) => isTrunklineError(error) && error.code === "INVALID_ARGUMENT",
    );
    assert.ok(memory.every((byte) => byte === 0));
  });
}
