import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Flag, FrameType } from "./frame-type.ts";
import { FrameView, readErrorText } from "./frame-view.ts";
import { positionMax } from "./limits.ts";
import {
  readResume,
  resumeBytes,
  resumeOkFrameBytes,
  writeResume,
  writeResumeOk,
} from "./resume.ts";
import { readSetup, setupBytes, writeSetup } from "./setup.ts";
import * as write from "./write.ts";

/*
 * Goal: whatever is written is read back, whatever memory stands around it; and no bytes whatever make the reader
 * throw, loop, or look past the frame's end.
 */

const memoryBytes = 2_048;
const streamId = fc.integer({ min: 1, max: 0x7fff_ffff });
const credit = fc.integer({ min: 1, max: 0x7fff_ffff });
const word = fc.integer({ min: 0, max: 0xffff });
const millis = fc.integer({ min: 1, max: 0x7fff_ffff });
const position = fc.oneof(fc.nat(), fc.integer({ min: 0, max: positionMax }));
const blob = fc.uint8Array({ maxLength: 300 });
const maybeBlob = fc.option(blob, { nil: undefined });
const mime = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 255,
});
/** Where the frame begins, and the byte that fills the memory around it. */
const place = fc.record({ at: fc.nat(100), fill: fc.nat(255) });

function put(memory: Buffer, at: number, bytes: Uint8Array): number {
  memory.set(bytes, at);
  return at + bytes.length;
}

function flag(on: boolean, bit: number): number {
  return on ? bit : 0;
}

/** Writes a request or a payload as protocol code does: header, credit, metadata, data. */
const bodied = fc
  .record({
    streamId,
    type: fc.constantFrom(
      FrameType.REQUEST_RESPONSE,
      FrameType.REQUEST_FNF,
      FrameType.REQUEST_STREAM,
      FrameType.REQUEST_CHANNEL,
      FrameType.PAYLOAD,
    ),
    follows: fc.boolean(),
    complete: fc.boolean(),
    requestN: credit,
    metadata: maybeBlob,
    data: blob,
  })
  .map((frame) => {
    const { type } = frame;
    const streams = type === FrameType.REQUEST_STREAM || type === FrameType.REQUEST_CHANNEL;
    const completes = type === FrameType.REQUEST_CHANNEL || type === FrameType.PAYLOAD;
    const complete = completes && frame.complete;
    const follows = frame.follows && !(type === FrameType.PAYLOAD && complete);
    const flags =
      flag(frame.metadata !== undefined, Flag.METADATA) |
      flag(follows, Flag.FOLLOWS) |
      flag(complete, Flag.COMPLETE) |
      flag(type === FrameType.PAYLOAD, Flag.NEXT);
    const requestN = streams ? frame.requestN : 0;
    const writeFrame = (memory: Buffer, at: number): number => {
      let next = write.writeHeader(memory, at, frame.streamId, type, flags);
      if (streams) next = write.writeInitialRequestN(memory, next, requestN);
      if (frame.metadata !== undefined) {
        next = write.writeMetadataLength(memory, next, frame.metadata.length);
        next = put(memory, next, frame.metadata);
      }
      return put(memory, next, frame.data);
    };
    return { ...frame, flags, requestN, write: writeFrame };
  });

/** Reads back what `write` wrote at a random place in dirty memory. */
function readBack(
  { at, fill }: { at: number; fill: number },
  writeFrame: (memory: Buffer, at: number) => number,
): { memory: Buffer; view: FrameView; bytes: number } {
  const memory = Buffer.alloc(memoryBytes, fill);
  const end = writeFrame(memory, at);
  const view = new FrameView();
  assert.equal(view.read(memory, at, end), undefined);
  return { memory, view, bytes: end - at };
}

test("requests and payloads are read as they were written", () => {
  fc.assert(
    fc.property(place, bodied, (where, frame) => {
      const { memory, view } = readBack(where, frame.write);
      assert.equal(view.streamId, frame.streamId);
      assert.equal(view.type, frame.type);
      assert.equal(view.flags, frame.flags);
      assert.equal(view.requestN, frame.requestN);
      const metadata = memory.subarray(view.metadataFrom, view.metadataTo);
      assert.deepEqual(new Uint8Array(metadata), frame.metadata ?? new Uint8Array());
      const data = memory.subarray(view.dataFrom, view.dataTo);
      assert.deepEqual(new Uint8Array(data), frame.data);
    }),
  );
});

test("credit and cancels are read as they were written", () => {
  fc.assert(
    fc.property(place, streamId, credit, (where, id, n) => {
      const more = readBack(where, (memory, at) => write.writeRequestN(memory, at, id, n));
      assert.deepEqual([more.view.streamId, more.view.requestN], [id, n]);
      assert.equal(more.bytes, write.requestNFrameBytes);
      const cancel = readBack(where, (memory, at) => write.writeCancel(memory, at, id));
      assert.deepEqual([cancel.view.streamId, cancel.view.type], [id, FrameType.CANCEL]);
      assert.equal(cancel.bytes, write.cancelFrameBytes);
      const complete = readBack(where, (memory, at) => write.writeComplete(memory, at, id));
      assert.deepEqual([complete.view.streamId, complete.view.flags], [id, Flag.COMPLETE]);
      assert.equal(complete.bytes, write.completeFrameBytes);
    }),
  );
});

test("errors are read as they were written, within the size foretold", () => {
  const code = fc.integer({ min: 0, max: 0xffff_ffff });
  const text = fc.string({ unit: "grapheme", maxLength: 100 });
  fc.assert(
    fc.property(place, fc.nat(0x7fff_ffff), code, text, (where, id, errorCode, message) => {
      const { memory, view, bytes } = readBack(where, (claimed, at) =>
        write.writeError(claimed, at, id, errorCode, message),
      );
      assert.deepEqual([view.streamId, view.errorCode], [id, errorCode]);
      assert.equal(readErrorText(memory, view), message);
      assert.ok(bytes <= write.errorFrameBytesMax(message));
    }),
  );
});

test("an error text that is not well-formed UTF-16 keeps to its bound", () => {
  fc.assert(
    fc.property(place, fc.string({ unit: "binary", maxLength: 100 }), (where, half) => {
      const text = `\ud800${half}\udc00\udc00`;
      const { memory, view, bytes } = readBack(where, (claimed, at) =>
        write.writeError(claimed, at, 1, 0x201, text),
      );
      assert.equal(readErrorText(memory, view), text.toWellFormed());
      assert.ok(bytes <= write.errorFrameBytesMax(text));
    }),
  );
});

test("the frames of the connection are read as they were written", () => {
  fc.assert(
    fc.property(place, fc.boolean(), position, blob, (where, respond, last, data) => {
      const alive = readBack(where, (memory, at) =>
        put(memory, write.writeKeepalive(memory, at, respond, last), data),
      );
      assert.equal(alive.view.flags, flag(respond, Flag.RESPOND));
      assert.equal(alive.view.position, last);
      assert.equal(alive.bytes, write.keepaliveBytes + data.length);
      const { dataFrom, dataTo } = alive.view;
      assert.deepEqual(new Uint8Array(alive.memory.subarray(dataFrom, dataTo)), data);
      const push = readBack(where, (memory, at) =>
        put(memory, write.writeMetadataPush(memory, at), data),
      );
      const { metadataFrom, metadataTo } = push.view;
      assert.deepEqual(new Uint8Array(push.memory.subarray(metadataFrom, metadataTo)), data);
      const ok = readBack(where, (memory, at) => writeResumeOk(memory, at, last));
      assert.equal(ok.view.position, last);
      assert.equal(ok.bytes, resumeOkFrameBytes);
    }),
  );
  fc.assert(
    fc.property(place, fc.nat(0x7fff_ffff), fc.nat(0x7fff_ffff), (where, ttlMs, requests) => {
      const { view, bytes } = readBack(where, (memory, at) =>
        write.writeLease(memory, at, ttlMs, requests),
      );
      assert.deepEqual([view.ttlMs, view.requests], [ttlMs, requests]);
      assert.equal(bytes, write.leaseFrameBytes);
    }),
  );
});

test("SETUP and RESUME are read as they were written, in the size foretold", () => {
  const setup = fc.record(
    {
      majorVersion: word,
      minorVersion: word,
      keepaliveMs: millis,
      lifetimeMs: millis,
      lease: fc.boolean(),
      resumeToken: maybeBlob,
      metadataMime: mime,
      dataMime: mime,
      metadata: maybeBlob,
      data: blob,
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(place, setup, (where, one) => {
      const { memory, view, bytes } = readBack(where, (claimed, at) =>
        writeSetup(claimed, at, one),
      );
      assert.deepEqual(readSetup(memory, view), one);
      assert.equal(bytes, setupBytes(one));
    }),
  );
  const resume = fc.record(
    {
      majorVersion: word,
      minorVersion: word,
      token: blob,
      lastServerPosition: position,
      firstClientPosition: position,
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(place, resume, (where, one) => {
      const { memory, view, bytes } = readBack(where, (claimed, at) =>
        writeResume(claimed, at, one),
      );
      assert.deepEqual(readResume(memory, view), one);
      assert.equal(bytes, resumeBytes(one));
    }),
  );
});

test("an extension says what it is, and whether it may be dropped", () => {
  fc.assert(
    fc.property(streamId, credit, fc.boolean(), (id, extendedType, ignore) => {
      const memory = Buffer.alloc(20);
      const end = write.writeExtension(memory, 0, id, extendedType, flag(ignore, Flag.IGNORE));
      const view = new FrameView();
      assert.equal(
        view.read(memory, 0, end),
        `EXT: the extended type ${extendedType} is not known`,
      );
      assert.deepEqual(
        [end, view.streamId, view.extendedType, view.ignorable],
        [write.extensionBytes, id, extendedType, ignore],
      );
    }),
  );
});

/** All that a frame says, as values. */
function digest(frame: Uint8Array, after: number): unknown {
  const memory = Buffer.alloc(5 + frame.length + 70_000, after);
  memory.set(frame, 5);
  const view = new FrameView();
  const fault = view.read(memory, 5, 5 + frame.length);
  if (fault !== undefined) return { fault, ignorable: view.ignorable };
  assertWithin(view);
  const setup = view.type === FrameType.SETUP ? readSetup(memory, view) : undefined;
  const resume = view.type === FrameType.RESUME ? readResume(memory, view) : undefined;
  const metadata = memory.toString("hex", view.metadataFrom, view.metadataTo);
  const data = memory.toString("hex", view.dataFrom, view.dataTo);
  return { ...Object.fromEntries(Object.entries(view)), setup, resume, metadata, data };
}

function assertWithin(view: FrameView): void {
  const { from, to, metadataFrom, metadataTo, dataFrom, dataTo } = view;
  assert.ok(from + 6 <= metadataFrom && metadataFrom <= metadataTo && metadataTo <= to);
  assert.ok(from + 6 <= dataFrom && dataFrom <= dataTo && dataTo === to);
  assert.ok(metadataTo <= dataFrom || metadataFrom === metadataTo, "metadata is before data");
}

/** What stands behind the frame must change nothing, and a memory that ends with the frame must be enough. */
function assertContained(frame: Uint8Array): void {
  assert.deepEqual(digest(frame, 0x00), digest(frame, 0xff));
  const exact = Buffer.from(frame);
  const view = new FrameView();
  if (view.read(exact, 0, exact.length) !== undefined) return;
  readSetup(exact, view);
  readResume(exact, view);
}

/** Random bytes behind a header that makes sense, so that each type's own rules are reached. */
const plausible = fc
  .record({
    id: fc.oneof(fc.constant(0), fc.constant(1), fc.nat(0xffff_ffff)),
    type: fc.oneof(fc.constantFrom(...Object.values(FrameType)), fc.nat(63)),
    flags: fc.nat(0x3ff),
    rest: fc.uint8Array({ maxLength: 60 }),
  })
  .map(({ id, type, flags, rest }) => {
    const frame = Buffer.alloc(6 + rest.length);
    frame.writeUInt32BE(id, 0);
    frame.writeUInt16BE((type << 10) | flags, 4);
    frame.set(rest, 6);
    return new Uint8Array(frame);
  });

test("random bytes never make the reader throw or look past the frame", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), assertContained), { numRuns: 1_000 });
  fc.assert(fc.property(plausible, assertContained), { numRuns: 3_000 });
});

test("a written frame that is cut or changed never makes the reader throw or look past it", () => {
  const changes = fc.array(fc.record({ at: fc.nat(400), byte: fc.nat(255) }), { maxLength: 4 });
  fc.assert(
    fc.property(bodied, changes, fc.nat(800), ({ write: writeFrame }, changed, cut) => {
      const memory = Buffer.alloc(memoryBytes);
      const end = Math.min(writeFrame(memory, 0), cut);
      for (const { at, byte } of changed) memory[at] = byte;
      assertContained(memory.subarray(0, end));
    }),
    { numRuns: 1_000 },
  );
});
