import { ErrorCode } from "../src/wire/error-code.ts";
import { Flag, FrameType } from "../src/wire/frame-type.ts";
import { FrameView } from "../src/wire/frame-view.ts";
import { Fragments } from "../src/wire/fragments.ts";
import { writeResume, writeResumeOk } from "../src/wire/resume.ts";
import { writeSetup } from "../src/wire/setup.ts";
import * as write from "../src/wire/write.ts";
import type { Input } from "./target.ts";

/** Room for the largest frame that is made here: an introduction with very many operations. */
const memory = Buffer.alloc(2 * 1024 * 1024);

/** What a frame is about, where the caller knows better than chance. */
export interface Hints {
  readonly streamId?: number;
  readonly metadata?: Uint8Array;
  readonly data?: Uint8Array;
}

const requestTypes = [
  FrameType.REQUEST_RESPONSE,
  FrameType.REQUEST_FNF,
  FrameType.REQUEST_STREAM,
  FrameType.REQUEST_CHANNEL,
] as const;

/** Any frame of the standard, well-formed, about any stream. */
export function anyFrame(input: Input, hints: Hints = {}): Buffer {
  const kind = input.between(0, 12);
  switch (kind) {
    case 0:
      return setupFrame(input, hints.data ?? anyBytes(input));
    case 1:
      return made(write.writeLease(memory, 0, input.between(0, 5_000), input.between(0, 50)));
    case 2:
    case 3:
      return keepaliveFrame(input);
    case 4:
      return made(writeResume(memory, 0, resume(input)));
    case 5:
      return made(writeResumeOk(memory, 0, input.between(0, 2 ** 32)));
    case 6:
      return pushFrame(anyBytes(input));
    case 7: {
      const flags = input.once(2) ? Flag.IGNORE : 0;
      return made(write.writeExtension(memory, 0, input.between(0, 9), input.between(1, 9), flags));
    }
    case 8:
      return errorFrame(input, input.once(2) ? 0 : anyStream(input, hints));
    default:
      return streamFrame(input, hints);
  }
}

/** A frame that belongs to a stream: a request, or what may come after one. */
export function streamFrame(input: Input, hints: Hints = {}): Buffer {
  const streamId = anyStream(input, hints);
  switch (input.between(0, 6)) {
    case 0:
      return creditFrame(input, streamId);
    case 1:
      return cancelFrame(streamId);
    case 2:
      return made(write.writeComplete(memory, 0, streamId));
    case 3:
      return errorFrame(input, streamId);
    case 4:
      return payloadFrame(input, streamId, hints.data);
    default:
      return requestFrame(input, input.pick(requestTypes), { ...hints, streamId });
  }
}

export function requestFrame(input: Input, type: number, hints: Hints): Buffer {
  const streamId = anyStream(input, hints);
  const metadata = hints.metadata ?? (input.once(2) ? anyBytes(input) : undefined);
  const flags = (metadata === undefined ? 0 : Flag.METADATA) | (input.once(20) ? Flag.FOLLOWS : 0);
  let at = write.writeHeader(memory, 0, streamId, type, flags);
  if (type === FrameType.REQUEST_STREAM || type === FrameType.REQUEST_CHANNEL) {
    at = write.writeInitialRequestN(memory, at, anyCredit(input));
  }
  return made(body(at, metadata, hints.data ?? anyBytes(input)));
}

export function payloadFrame(input: Input, streamId: number, data?: Uint8Array): Buffer {
  const flags = input.pick([
    Flag.NEXT,
    Flag.NEXT,
    Flag.NEXT | Flag.COMPLETE,
    Flag.NEXT | Flag.FOLLOWS,
  ]);
  const metadata = input.once(4) ? anyBytes(input) : undefined;
  const head = flags | (metadata === undefined ? 0 : Flag.METADATA);
  const at = write.writeHeader(memory, 0, streamId, FrameType.PAYLOAD, head);
  return made(body(at, metadata, data ?? anyBytes(input)));
}

export function creditFrame(input: Input, streamId: number): Buffer {
  return made(write.writeRequestN(memory, 0, streamId, anyCredit(input)));
}

export function cancelFrame(streamId: number): Buffer {
  return made(write.writeCancel(memory, 0, streamId));
}

/** An item, as most are. */
export function itemFrame(streamId: number, data: Uint8Array, flags: number = Flag.NEXT): Buffer {
  const at = write.writeHeader(memory, 0, streamId, FrameType.PAYLOAD, flags);
  return made(body(at, undefined, data));
}

export function errorFrame(input: Input, streamId: number): Buffer {
  const code = input.once(8) ? input.between(0, 0xffff_ffff) : input.pick(Object.values(ErrorCode));
  const texts = ["", "no", '{"code":"ABORTED","declared":true}', '{"code":7}', "{", "\u0000\ufffd"];
  return made(write.writeError(memory, 0, streamId, code, input.pick(texts)));
}

export function keepaliveFrame(input: Input, bytes: number = input.between(0, 40)): Buffer {
  const at = write.writeKeepalive(memory, 0, !input.once(3), input.once(4) ? 2 ** 40 : 0);
  memory.fill(0x6b, at, at + bytes);
  return made(at + bytes);
}

export function pushFrame(metadata: Uint8Array): Buffer {
  const at = write.writeMetadataPush(memory, 0);
  memory.set(metadata, at);
  return made(at + metadata.length);
}

export function setupFrame(
  input: Input,
  data: Uint8Array,
  metadataMime: string = input.pick(["", "a/b", "message/x.rsocket.composite-metadata.v0"]),
): Buffer {
  const setup = {
    majorVersion: input.once(20) ? 2 : 1,
    minorVersion: 0,
    keepaliveMs: input.pick([1, 500, 5_000, 0x7fff_ffff]),
    lifetimeMs: input.pick([1, 500, 15_000, 0x7fff_ffff]),
    lease: input.once(20),
    resumeToken: input.once(20) ? anyBytes(input) : undefined,
    metadataMime,
    dataMime: "application/json",
    metadata: input.once(20) ? anyBytes(input) : undefined,
    data,
  };
  return made(writeSetup(memory, 0, setup));
}

/** The frame cut into fragments, none of which says more than `bytesMax` bytes; the frame itself when it has no body. */
export function fragmentsOf(frame: Buffer, bytesMax: number): Buffer[] {
  const view = new FrameView();
  if (view.read(frame, 0, frame.length) !== undefined || view.dataFrom > view.dataTo)
    return [frame];
  const { streamId, type, flags, requestN, metadataFrom, metadataTo, dataFrom, dataTo } = view;
  const metadata =
    (flags & Flag.METADATA) === 0 ? undefined : frame.subarray(metadataFrom, metadataTo);
  const data = frame.subarray(dataFrom, dataTo);
  const fragments = new Fragments(streamId, type, flags, requestN, metadata, data);
  const frames: Buffer[] = [];
  while (!fragments.done) frames.push(made(fragments.write(memory, 0, bytesMax)));
  return frames;
}

/** A frame with a few bytes changed, cut, doubled or put in; sometimes nothing but chance. */
export function mutated(input: Input, frame: Uint8Array): Buffer {
  let bytes: Buffer = Buffer.from(frame);
  for (let changes = input.between(1, 4); changes > 0; changes--) {
    const at = input.between(0, Math.max(0, bytes.length - 1));
    switch (input.between(0, 6)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), anyBytes(input), bytes.subarray(at)]);
        break;
      case 2:
        bytes = Buffer.concat([bytes, bytes.subarray(at)]);
        break;
      case 3: // a length or a number at its bound
        for (let i = at; i < Math.min(bytes.length, at + 3); i++)
          bytes[i] = input.pick([0, 0x7f, 0x80, 0xff]);
        break;
      case 4: // the head: stream id, type, flags
        if (bytes.length >= 6) bytes[input.between(0, 5)] = input.between(0, 255);
        break;
      case 5:
        if (input.once(10)) bytes = input.bytes(input.between(0, 60));
        break;
      default:
        if (bytes.length > 0) bytes[at]! ^= 1 << input.between(0, 7);
    }
  }
  return bytes;
}

export function anyBytes(input: Input): Buffer {
  return input.bytes(input.once(30) ? input.between(0, 2_000) : input.between(0, 24));
}

function resume(input: Input): Parameters<typeof writeResume>[2] {
  return {
    majorVersion: 1,
    minorVersion: 0,
    token: anyBytes(input),
    lastServerPosition: input.between(0, 100),
    firstClientPosition: input.between(0, 100),
  };
}

/** Few ids, so that frames meet streams that live, have ended, or never were. */
function anyStream(input: Input, { streamId }: Hints): number {
  return streamId ?? (input.once(20) ? input.between(0, 0x7fff_ffff) : input.between(0, 12));
}

function anyCredit(input: Input): number {
  return input.pick([1, 1, 2, 8, 256, 0x7fff_ffff]);
}

function body(at: number, metadata: Uint8Array | undefined, data: Uint8Array): number {
  let next = at;
  if (metadata !== undefined) {
    next = write.writeMetadataLength(memory, next, metadata.length);
    memory.set(metadata, next);
    next += metadata.length;
  }
  memory.set(data, next);
  return next + data.length;
}

function made(end: number): Buffer {
  return Buffer.from(memory.subarray(0, end));
}
