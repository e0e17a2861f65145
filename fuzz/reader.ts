import { deepEqual, ok } from "node:assert/strict";
import { readExtensions } from "../src/protocol/rsocket/metadata/metadata.ts";
import { flagsOf, FrameType } from "../src/wire/frame-type.ts";
import { FrameView, readErrorText } from "../src/wire/frame-view.ts";
import { readResume } from "../src/wire/resume.ts";
import { readSetup } from "../src/wire/setup.ts";
import { anyFrame, mutated } from "./frames.ts";
import type { Input, Target } from "./target.ts";

/**
 * The frame reader, and what takes apart the parts of a frame: any bytes are read or refused, never with a throw, and
 * what stands behind the frame changes nothing.
 */
export const reader: Target = { name: "reader", batch: 500, run };

const before = 7;
const behind = 70_000;
const zeros = Buffer.alloc(400_000, 0x00);
const ones = Buffer.alloc(400_000, 0xff);

function run(input: Input): void {
  const valid = input.once(20) ? input.bytes(input.between(0, 100)) : anyFrame(input);
  const frame = input.once(10) ? valid : mutated(input, valid);
  input.note("frame", frame);
  deepEqual(seen(zeros, 0x00, frame), seen(ones, 0xff, frame));
  // Where the memory ends with the frame, a look past it would throw.
  const view = new FrameView();
  if (view.read(frame, 0, frame.length) !== undefined) return;
  readSetup(frame, view);
  readResume(frame, view);
  readExtensions(frame, view.dataFrom, view.dataTo, 0);
}

/** Everything that the frame says, when it stands in memory full of `fill`. */
function seen(memory: Buffer, fill: number, frame: Buffer): unknown {
  frame.copy(memory, before);
  const to = before + frame.length;
  try {
    const view = new FrameView();
    const fault = view.read(memory, before, to);
    if (fault !== undefined) return { fault, ignorable: view.ignorable };
    const { streamId, type, flags, requestN, errorCode, position } = view;
    const { metadataFrom, metadataTo, dataFrom, dataTo } = view;
    ok(before + 6 <= metadataFrom && metadataFrom <= metadataTo && metadataTo <= to);
    ok(before + 6 <= dataFrom && dataFrom <= dataTo && dataTo <= to);
    ok(streamId >= 0 && (flags & ~flagsOf(type)) === 0);
    ok(type === FrameType.REQUEST_N || requestN >= 0);
    return {
      numbers: [
        streamId,
        type,
        flags,
        requestN,
        errorCode,
        position,
        metadataFrom,
        metadataTo,
        dataFrom,
        dataTo,
      ],
      text: readErrorText(memory, view),
      setup: type === FrameType.SETUP ? readSetup(memory, view) : undefined,
      resume: type === FrameType.RESUME ? readResume(memory, view) : undefined,
      extensions: readExtensions(memory, metadataFrom, metadataTo, 0),
    };
  } finally {
    memory.fill(fill, before, Math.min(memory.length, to + behind));
  }
}
