import { metadataMimeType } from "../src/protocol/rsocket/metadata/metadata.ts";
import { Flag, FrameType } from "../src/wire/frame-type.ts";
import { writeHeader } from "../src/wire/write.ts";
import { channelFrames } from "./channel-frames.ts";
import {
  anyFrame,
  fragmentsOf,
  keepaliveFrame,
  mutated,
  payloadFrame,
  pushFrame,
  setupFrame,
  streamFrame,
} from "./frames.ts";
import { announcement, contracts, json, request } from "./requests.ts";
import type { Input } from "./target.ts";

/** One thing that a hostile client does. */
export type Act =
  | { readonly type: "frame"; readonly frame: Buffer; readonly times: number }
  /** Lets time pass; 0 lets the server do what it can do now. */
  | { readonly type: "wait"; readonly ms: number }
  /** Reads no more of what the server sends, or reads again. */
  | { readonly type: "stall"; readonly stalled: boolean }
  | { readonly type: "end" };

/** What a hostile client does, from its first frame on: much of it makes sense, so that it gets far. */
export function* hostileClient(input: Input): Generator<Act> {
  const history: Buffer[] = [];
  const frame = (bytes: Buffer, times: number = 1): Act => {
    history.push(bytes);
    return { type: "frame", frame: bytes, times };
  };

  if (!input.once(15)) yield frame(firstFrame(input));
  for (let left = input.between(1, 40); left > 0; left--) {
    switch (input.between(0, 16)) {
      case 0:
        yield { type: "wait", ms: 0 };
        break;
      case 1:
        yield { type: "wait", ms: input.pick([1, 40, 1_000, 6_000, 20_000]) };
        break;
      case 2:
        yield frame(mutated(input, input.once(2) ? anyFrame(input) : request(input)));
        break;
      case 3:
        yield frame(anyFrame(input));
        break;
      case 4:
        yield frame(streamFrame(input));
        break;
      case 5:
        if (history.length > 0) yield frame(input.pick(history));
        break;
      case 6:
        yield frame(input.once(2) ? pushFrame(announcement(input)) : keepaliveFrame(input));
        break;
      case 7:
        if (input.once(5)) yield { type: "stall", stalled: input.once(2) };
        break;
      case 8:
        if (input.once(10)) yield frame(request(input), input.between(2, 300));
        break;
      case 9:
        if (input.once(60)) yield* flood(input, frame);
        if (input.once(30)) yield { type: "end" };
        break;
      case 10:
        for (const bytes of inFragments(input)) yield frame(bytes);
        if (input.once(200)) {
          const streamId = 1 + 2 * input.between(0, 15);
          yield frame(fragment(streamId, FrameType.REQUEST_RESPONSE));
          yield frame(fragment(streamId, FrameType.PAYLOAD), 300);
        }
        break;
      case 11:
      case 12:
        yield* conversation(input, frame);
        break;
      case 13:
        yield* calledBack(input, frame);
        break;
      default:
        yield frame(request(input));
    }
  }
}

/** A channel with whatever may come on it, in any order. */
function* conversation(
  input: Input,
  frame: (bytes: Buffer, times?: number) => Act,
): Generator<Act> {
  const streamId = 1 + 2 * input.between(0, 15);
  yield frame(request(input, streamId, ["sum", "some", "mirror"]));
  for (const { frames, times } of channelFrames(input, streamId)) {
    if (input.once(3)) yield { type: "wait", ms: 0 };
    for (const bytes of frames) yield frame(bytes, times);
  }
}

/** Lets itself be asked, and answers with anything. */
function* calledBack(input: Input, frame: (bytes: Buffer, times?: number) => Act): Generator<Act> {
  yield frame(request(input, undefined, ["back"]));
  yield { type: "wait", ms: 0 };
  const streamId = 2 * input.between(1, 4);
  for (let left = input.between(1, 3); left > 0; left--) {
    const answer = payloadFrame(input, streamId, Buffer.from(input.pick(["1", '"x"', "{"])));
    yield frame(input.once(3) ? streamFrame(input, { streamId }) : answer);
  }
}

/** Requests that come in fragments side by side; some of them are lost, doubled or changed on the way. */
function* inFragments(input: Input): Generator<Buffer> {
  const payloads = Array.from({ length: input.between(1, 4) }, () =>
    fragmentsOf(request(input), input.pick([1, 7, 30, 60])),
  );
  while (payloads.some((frames) => frames.length > 0)) {
    const frames = input.pick(payloads);
    const next = frames.shift();
    if (next === undefined) continue;
    if (input.once(30)) yield streamFrame(input, { streamId: next.readUInt32BE(0) });
    if (input.once(40)) continue;
    yield input.once(40) ? mutated(input, next) : next;
    if (input.once(40)) yield next;
    if (input.once(40)) return;
  }
}

/** Of a payload that has no end. */
function fragment(streamId: number, type: number): Buffer {
  const frame = Buffer.alloc(20_000, 0x20);
  writeHeader(frame, 0, streamId, type, Flag.FOLLOWS);
  return frame;
}

/** More than any bound allows: answers that are not read, frames that are too large. */
function* flood(input: Input, frame: (bytes: Buffer, times?: number) => Act): Generator<Act> {
  if (input.once(2)) {
    yield { type: "stall", stalled: true };
    yield frame(keepaliveFrame(input, 200_000), 500);
  } else {
    const large = Buffer.alloc(input.pick([70_000, 4_300_000, 9_000_000]), 0x20);
    request(input).copy(large);
    yield frame(large);
  }
}

function firstFrame(input: Input): Buffer {
  const setup = setupFrame(input, introduction(input), input.once(20) ? "a/b" : metadataMimeType);
  return input.once(10) ? mutated(input, setup) : setup;
}

function introduction(input: Input): Buffer {
  const instance = input.once(10) ? null : "fuzz";
  return json(input, { wire: 1, codecs: ["json", "raw"], instance, contracts: contracts(input) });
}
