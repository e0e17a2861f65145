import { metadataMimeType } from "../src/protocol/rsocket/metadata/metadata.ts";
import { Flag, FrameType } from "../src/wire/frame-type.ts";
import { writeHeader } from "../src/wire/write.ts";
import {
  anyBytes,
  anyFrame,
  fragmentsOf,
  keepaliveFrame,
  mutated,
  pushFrame,
  requestFrame,
  setupFrame,
  streamFrame,
} from "./frames.ts";
import { operations } from "./service.ts";
import type { Input } from "./target.ts";

/** One thing that a hostile client does. */
export type Act =
  | { readonly type: "frame"; readonly frame: Buffer; readonly times: number }
  /** Lets time pass; 0 lets the server do what it can do now. */
  | { readonly type: "wait"; readonly ms: number }
  /** Reads no more of what the server sends, or reads again. */
  | { readonly type: "stall"; readonly stalled: boolean }
  | { readonly type: "end" };

const requestTypeOf = {
  call: FrameType.REQUEST_RESPONSE,
  stream: FrameType.REQUEST_STREAM,
  upload: FrameType.REQUEST_CHANNEL,
  duplex: FrameType.REQUEST_CHANNEL,
  notification: FrameType.REQUEST_FNF,
} as const;

/** What a hostile client does, from its first frame on: much of it makes sense, so that it gets far. */
export function* hostileClient(input: Input): Generator<Act> {
  const history: Buffer[] = [];
  const frame = (bytes: Buffer, times: number = 1): Act => {
    history.push(bytes);
    return { type: "frame", frame: bytes, times };
  };

  if (!input.once(15)) yield frame(firstFrame(input));
  for (let left = input.between(1, 40); left > 0; left--) {
    switch (input.between(0, 13)) {
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
      default:
        yield frame(request(input));
    }
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

function announcement(input: Input): Buffer {
  return json(input, { contracts: contracts(input) });
}

function contracts(input: Input): unknown {
  const own = ["fuzzed", 1, "digest", operations.map(({ member }) => member)];
  if (!input.once(8)) return [own];
  const many = Array.from({ length: input.pick([10, 70_000]) }, (_, n) => `x${n}`);
  return input.pick<unknown>([
    [],
    null,
    {},
    [null],
    [["fuzzed", 2, "", ["echo"]], own],
    [["__proto__", 1, "", ["__proto__", "constructor"]], own],
    [["fuzzed", "1", "", ["echo"]]],
    [["fuzzed", 1, 7, [null, 7, {}, "echo"]]],
    [["many", 1, "", many], own],
  ]);
}

function json(input: Input, value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  if (input.once(30))
    return Buffer.from(input.pick(["", "{", "null", "7", '"', "[".repeat(20_000), "{}"]));
  return input.once(15) ? mutated(input, text) : text;
}

/** A request as Trunkline makes it, more or less. */
function request(input: Input): Buffer {
  const index = input.once(15) ? input.between(0, 0xffff) : input.between(0, operations.length - 1);
  const kind = operations[index]?.kind ?? "call";
  const type = input.once(15) ? input.between(4, 7) : requestTypeOf[kind];
  const metadata = requestMetadata(input, index);
  return requestFrame(input, type, {
    metadata,
    data: requestData(input),
    streamId: 1 + 2 * input.between(0, 15),
  });
}

const unbounded = 0xffff_ffff;

/** Operation, codec, flags, time left, trace, span, trace flags, extensions: docs/protocol.md. */
function requestMetadata(input: Input, index: number): Buffer {
  const fixed = input.bytes(33);
  fixed.writeUInt16BE(index, 0);
  fixed[2] = input.once(15) ? input.between(0, 9) : 1;
  fixed[3] = 0;
  fixed.writeUInt32BE(input.pick([0, 1, 50, 1_000, unbounded, unbounded]), 4);
  const whole = input.once(4) ? Buffer.concat([fixed, extension(input)]) : fixed;
  return input.once(15) ? mutated(input, whole) : whole;
}

function extension(input: Input): Buffer {
  const contents = [
    "",
    "key",
    '{"a":"b"}',
    '{"A":1}',
    "[]",
    "{",
    '{"__proto__":"x","constructor":"y"}',
  ];
  const content = input.once(4) ? anyBytes(input) : Buffer.from(input.pick(contents));
  const head = Buffer.from([input.between(0, 5), content.length >>> 8, content.length]);
  return Buffer.concat([head, content]);
}

function requestData(input: Input): Buffer {
  const texts = [
    "",
    "null",
    "7",
    '{"to":3}',
    '{"to":300}',
    '{"how":"declared"}',
    '{"how":""}',
    '{"text":"x"}',
    '{"to":',
  ];
  if (input.once(12)) return anyBytes(input);
  if (input.once(200)) return Buffer.from("[".repeat(20_000) + "]".repeat(20_000));
  return Buffer.from(input.pick(texts));
}
