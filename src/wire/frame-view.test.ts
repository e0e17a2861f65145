import assert from "node:assert/strict";
import { test } from "node:test";
import { Flag, FrameType } from "./frame-type.ts";
import { FrameView, readErrorText } from "./frame-view.ts";
import { frameBytesMax, headerBytes, lengthBytes } from "./limits.ts";
import { writeError, writeHeader, writeMetadataLength } from "./write.ts";

/** A frame in hexadecimal, read at an offset so that offsets matter. */
function read(hex: string): { view: FrameView; fault: string | undefined } {
  const frame = Buffer.from(hex.replaceAll(" ", ""), "hex");
  const memory = Buffer.concat([Buffer.alloc(5, 0xff), frame, Buffer.alloc(50, 0xff)]);
  const view = new FrameView();
  return { view, fault: view.read(memory, 5, 5 + frame.length) };
}

/** Frames after which the connection is to be closed: the standard says MUST, or nothing else makes sense. */
const broken: readonly (readonly [what: string, hex: string, fault: RegExp])[] = [
  ["nothing", "", /0 bytes is too short for its header/],
  ["a header cut short", "00000001 10", /5 bytes is too short for its header/],
  ["the reserved bit of the stream id", "80000001 1000", /reserved bit of the stream id/],
  ["a reserved type", "00000000 0000", /type 0x00 is not known/],
  ["an unknown type", "00000001 3c00", /type 0x0f is not known/],
  ["an unknown extension", "00000001 fc00 00000007", /extended type 7 is not known/],
  ["an extension cut short", "00000001 fc00 000000", /EXT: 9 bytes are too short, 10/],
  ["metadata past the frame", "00000001 1100 000003 6d64", /metadata ends 1 bytes after/],
  ["the longest metadata past the frame", "00000001 1100 ffffff 6d64", /16777213 bytes after/],
  ["a metadata length cut short", "00000001 1100 0000", /REQUEST_RESPONSE: 8 bytes are too short/],
  ["a credit of 0", "00000001 2000 00000000", /REQUEST_N: the credit must be 1/],
  ["a negative credit", "00000001 2000 80000001", /REQUEST_N: the credit must be 1/],
  ["a credit cut short", "00000001 2000 000001", /REQUEST_N: 9 bytes are too short, 10/],
  ["no initial credit", "00000001 1800", /REQUEST_STREAM: 6 bytes are too short, 10/],
  ["an initial credit of 0", "00000001 1c00 00000000", /REQUEST_CHANNEL: the credit must be 1/],
  ["a payload that says nothing", "00000001 2800", /neither NEXT nor COMPLETE/],
  ["an error code cut short", "00000001 2c00 000002", /ERROR: 9 bytes are too short, 10/],
  ["a keep-alive cut short", "00000000 0c80 00000000000000", /KEEPALIVE: 13 bytes/],
  ["a negative position", "00000000 0c80 8000000000000000", /KEEPALIVE: the reserved bit/],
  ["a lease cut short", "00000000 0800 00000001 000000", /LEASE: 13 bytes/],
  ["a lease of negative length", "00000000 0800 80000001 00000001", /LEASE: a reserved bit/],
  ["a lease of negative requests", "00000000 0800 00000001 80000001", /LEASE: a reserved bit/],
  ["RESUME_OK cut short", "00000000 3800 00000000", /RESUME_OK: 10 bytes/],
  ["a SETUP on a stream", "00000001 0400", /SETUP on stream 1/],
  ["a RESUME on a stream", "00000001 3400", /RESUME on stream 1/],
];

for (const [what, hex, fault] of broken) {
  test(`${what} is a fault that closes the connection`, () => {
    const { view, fault: found } = read(hex);
    assert.match(found ?? "", fault);
    assert.equal(view.ignorable, false);
  });
}

/** Frames that must or may be dropped: section "Handling the Unexpected" and the IGNORE flag. */
const droppable: readonly (readonly [what: string, hex: string])[] = [
  ["CANCEL on stream 0", "00000000 2400"],
  ["PAYLOAD on stream 0", "00000000 2820"],
  ["PAYLOAD on stream 0 that says nothing", "00000000 2800"],
  ["REQUEST_N on stream 0", "00000000 2000 00000001"],
  ["REQUEST_RESPONSE on stream 0", "00000000 1000"],
  ["REQUEST_FNF on stream 0", "00000000 1400"],
  ["REQUEST_STREAM on stream 0", "00000000 1800 00000001"],
  ["REQUEST_CHANNEL on stream 0", "00000000 1c00 00000001"],
  ["METADATA_PUSH on a stream", "00000001 3100 68"],
  ["KEEPALIVE on a stream", "00000001 0c80 0000000000000000"],
  ["LEASE on a stream", "00000001 0800 00000001 00000001"],
  ["RESUME_OK on a stream", "00000001 3800 0000000000000001"],
  ["an unknown type with the IGNORE flag", "00000001 3e00"],
  ["an unknown extension with the IGNORE flag", "00000000 fe00 00000007"],
  ["wrong metadata with the IGNORE flag", "00000001 1300 000003 6d64"],
];

for (const [what, hex] of droppable) {
  test(`${what} is a fault to be dropped`, () => {
    const { view, fault } = read(hex);
    assert.notEqual(fault, undefined);
    assert.equal(view.ignorable, true);
  });
}

test("a frame for the wrong kind of stream says so in words", () => {
  assert.equal(read("00000000 2400").fault, "CANCEL on stream 0, but it concerns a stream");
  assert.match(read("00000009 3100").fault ?? "", /^METADATA_PUSH on stream 9, but/);
});

test("flags that a type does not define are not seen", () => {
  // All ten bits set, less IGNORE: a CANCEL has no metadata whatever the flags say.
  const { view, fault } = read("00000001 25ff");
  assert.equal(fault, undefined);
  assert.equal(view.flags, 0);
  // REQUEST_RESPONSE with M F C N and the rest: C and N are a payload's.
  const request = read("00000001 11ff 000000");
  assert.equal(request.fault, undefined);
  assert.equal(request.view.flags, Flag.METADATA | Flag.FOLLOWS);
});

test("metadata flags on frames which have none do not move their fields", () => {
  assert.equal(read("00000001 2100 00000007").view.requestN, 7);
  assert.equal(read("00000001 2d00 00000202 6e6f").view.errorCode, 0x202);
  assert.equal(read("00000000 0d80 0000000000000005").view.position, 5);
});

test("a PAYLOAD with both FOLLOWS and COMPLETE is complete", () => {
  const { view, fault } = read("00000001 28e0 78");
  assert.equal(fault, undefined);
  assert.equal(view.flags, Flag.NEXT | Flag.COMPLETE);
});

test("a REQUEST_CHANNEL with both FOLLOWS and COMPLETE keeps both", () => {
  const { view } = read("00000001 1cc0 00000001 78");
  assert.equal(view.flags, Flag.FOLLOWS | Flag.COMPLETE);
});

test("a fragment without NEXT is accepted as long as more follow", () => {
  // rsocket-java sends the first fragment of some payloads so.
  assert.equal(read("00000001 2880 78").fault, undefined);
});

test("a METADATA_PUSH without its metadata flag is all metadata nevertheless", () => {
  const { view } = read("00000000 3000 6869");
  assert.equal(view.flags, Flag.METADATA);
  assert.equal(view.metadataTo - view.metadataFrom, 2);
});

test("what follows REQUEST_N, CANCEL and RESUME_OK is not taken for data", () => {
  for (const hex of [
    "00000001 2000 00000001 78",
    "00000001 2400 78",
    "00000000 3800 0000000000000001 78",
  ]) {
    const { view, fault } = read(hex);
    assert.equal(fault, undefined);
    assert.equal(view.dataFrom, view.dataTo);
  }
});

test("no field of an earlier frame is seen in a later one", () => {
  const memory = Buffer.from("000000052000000000080000000124000000000124", "hex");
  const view = new FrameView();
  view.read(memory, 0, 10);
  assert.equal(view.requestN, 8);
  assert.equal(view.read(memory, 10, 16), undefined);
  assert.equal(view.type, FrameType.CANCEL);
  assert.equal(view.requestN, 0);
  assert.notEqual(view.read(memory, 16, 21), undefined);
  assert.deepEqual([view.type, view.streamId, view.flags, view.ignorable], [0, 0, 0, false]);
});

test("an error text that is not UTF-8 is read with replacement characters", () => {
  const memory = Buffer.alloc(50);
  const end = writeError(memory, 0, 1, 0x201, "abc");
  memory[11] = 0xff;
  const view = new FrameView();
  assert.equal(view.read(memory, 0, end), undefined);
  assert.equal(readErrorText(memory, view), "a\ufffdc");
});

test("a frame of the largest size is read, all of it metadata", () => {
  const memory = Buffer.alloc(frameBytesMax);
  const metadataFrom = headerBytes + lengthBytes;
  writeMetadataLength(
    memory,
    writeHeader(memory, 0, 1, FrameType.REQUEST_FNF, Flag.METADATA),
    frameBytesMax - metadataFrom,
  );
  const view = new FrameView();
  assert.equal(view.read(memory, 0, frameBytesMax), undefined);
  assert.deepEqual([view.metadataFrom, view.metadataTo], [metadataFrom, frameBytesMax]);
  assert.match(view.read(memory, 0, frameBytesMax - 1) ?? "", /ends 1 bytes after the frame/);
});
