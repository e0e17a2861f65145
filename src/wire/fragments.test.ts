import { deepEqual, equal, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { assert, constantFrom, integer, nat, option, property, uint8Array } from "fast-check";
import { Flag, FrameType } from "./frame-type.ts";
import { FrameView } from "./frame-view.ts";
import { fragmentHeadBytes, Fragments } from "./fragments.ts";
import { Reassembly, type Whole } from "./reassembly.ts";

/** The frames of a payload, each with so many bytes of metadata and data at most; the last number counts for the rest. */
function framesOf(fragments: Fragments, ...bytesMax: number[]): Buffer[] {
  const memory = Buffer.alloc(4_096);
  const frames: Buffer[] = [];
  while (!fragments.done) {
    const most = bytesMax[Math.min(frames.length, bytesMax.length - 1)]!;
    const end = fragments.write(memory, 7, most);
    ok(end - 7 <= most + fragmentHeadBytes, "no more than was claimed");
    frames.push(Buffer.from(memory.subarray(7, end)));
  }
  return frames;
}

const hexOf = (frames: Buffer[]): string[] => frames.map((frame) => frame.toString("hex"));
const hex = (...frames: string[]): string[] => frames.map((frame) => frame.replaceAll(" ", ""));
const bytes = (length: number, value: number): Buffer => Buffer.alloc(length, value);

suite("fragments, byte for byte", () => {
  test("metadata goes before data, FOLLOWS is on all but the last, and only the first has the type and the credit", () => {
    const fragments = new Fragments(
      5,
      FrameType.REQUEST_STREAM,
      0,
      8,
      bytes(5, 0xaa),
      bytes(6, 0xdd),
    );
    deepEqual(
      hexOf(framesOf(fragments, 4)),
      hex(
        "000000051980 00000008 000004 aaaaaaaa",
        "0000000529a0 000001 aa dddddd",
        "000000052820 dddddd",
      ),
    );
  });

  test("an answer is complete with its last fragment, and each of them is a part of an item", () => {
    const flags = Flag.NEXT | Flag.COMPLETE;
    const answer = new Fragments(1, FrameType.PAYLOAD, flags, 0, undefined, bytes(5, 0xdd));
    deepEqual(hexOf(framesOf(answer, 2)), [
      "0000000128a0dddd",
      "0000000128a0dddd",
      "000000012860dd",
    ]);
  });

  test("the first may carry metadata alone, or nothing", () => {
    const request = (metadata: Buffer | undefined): Fragments =>
      new Fragments(3, FrameType.REQUEST_RESPONSE, 0, 0, metadata, bytes(2, 0xdd));
    deepEqual(hexOf(framesOf(request(bytes(1, 0xaa)), 1, 9)), [
      "000000031180000001aa",
      "000000032820dddd",
    ]);
    deepEqual(hexOf(framesOf(request(bytes(0, 0)), 0, 9)), [
      "000000031180000000",
      "000000032820dddd",
    ]);
    deepEqual(hexOf(framesOf(request(undefined), 0, 9)), ["000000031080", "000000032820dddd"]);
  });

  test("what fits in one is one frame without FOLLOWS", () => {
    const request = new Fragments(3, FrameType.REQUEST_FNF, 0, 0, bytes(1, 0xaa), bytes(1, 0xdd));
    deepEqual(hexOf(framesOf(request, 2)), ["000000031500000001aadd"]);
  });

  test("a channel that sends no items says so with the last fragment of its head", () => {
    const type = FrameType.REQUEST_CHANNEL;
    const request = new Fragments(3, type, Flag.COMPLETE, 1, undefined, bytes(3, 0xdd));
    deepEqual(hexOf(framesOf(request, 2)), ["000000031c8000000001dddd", "000000032860dd"]);
  });

  test("dropped, it holds nothing and is done", () => {
    const request = new Fragments(3, FrameType.REQUEST_FNF, 0, 0, undefined, bytes(3, 0xdd));
    request.write(Buffer.alloc(100), 0, 1);
    equal(request.left, 2);
    request.drop();
    deepEqual([request.left, request.done], [0, true]);
  });
});

test("whatever is cut is put together again, whatever its type, wherever it is cut", () => {
  const types = constantFrom(
    FrameType.REQUEST_RESPONSE,
    FrameType.REQUEST_FNF,
    FrameType.REQUEST_STREAM,
    FrameType.REQUEST_CHANNEL,
    FrameType.PAYLOAD,
  );
  const some = uint8Array({ maxLength: 300 });
  assert(
    property(
      types,
      option(some, { nil: undefined }),
      some,
      integer({ min: 1, max: 400 }),
      nat(1),
      (type, metadata, data, bytesMax, complete) => {
        const withCredit = type === FrameType.REQUEST_STREAM || type === FrameType.REQUEST_CHANNEL;
        const ends = type === FrameType.PAYLOAD || type === FrameType.REQUEST_CHANNEL;
        const flags =
          (type === FrameType.PAYLOAD ? Flag.NEXT : 0) |
          (ends && complete === 1 ? Flag.COMPLETE : 0);
        const fragments = new Fragments(9, type, flags, withCredit ? 77 : 0, metadata, data);
        const frames = framesOf(fragments, bytesMax);
        const whole = together(frames);
        equal(whole.view.type, type);
        const said = Flag.NEXT | Flag.COMPLETE | Flag.FOLLOWS | Flag.METADATA;
        equal(whole.view.flags & said, flags | (metadata === undefined ? 0 : Flag.METADATA));
        equal(whole.view.requestN, withCredit ? 77 : 0);
        deepEqual(whole.metadata, Buffer.from(metadata ?? []));
        deepEqual(whole.data, Buffer.from(data));
      },
    ),
    { numRuns: 1_000 },
  );
});

/** What a receiver makes of the frames. */
function together(frames: Buffer[]): { view: FrameView; metadata: Buffer; data: Buffer } {
  const most = 1_000_000;
  const reassembly = new Reassembly({
    dataBytesMax: most,
    metadataBytesMax: most,
    heldBytesMax: most,
  });
  const view = new FrameView();
  for (const frame of frames) {
    equal(view.read(frame, 0, frame.length), undefined);
    const last = frame === frames.at(-1);
    equal((view.flags & Flag.FOLLOWS) === 0, last);
    let memory = frame;
    if (frames.length > 1) {
      const taken = reassembly.take(frame, view, 0);
      if (!last) {
        equal(taken, undefined);
        continue;
      }
      ({ memory } = taken as Whole);
    }
    const cut = (from: number, to: number): Buffer => Buffer.from(memory.subarray(from, to));
    return {
      view,
      metadata: cut(view.metadataFrom, view.metadataTo),
      data: cut(view.dataFrom, view.dataTo),
    };
  }
  throw new Error("no frame was the last");
}
