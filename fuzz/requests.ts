import type { Kind } from "../src/base/handler.ts";
import { FrameType } from "../src/wire/frame-type.ts";
import { anyBytes, mutated, requestFrame } from "./frames.ts";
import { operationNamed, operations } from "./service.ts";
import type { Input } from "./target.ts";

const requestTypeOf: Partial<Record<Kind, number>> = {
  call: FrameType.REQUEST_RESPONSE,
  stream: FrameType.REQUEST_STREAM,
  upload: FrameType.REQUEST_CHANNEL,
  duplex: FrameType.REQUEST_CHANNEL,
  notification: FrameType.REQUEST_FNF,
};

/** What a peer says that it is about to ask, more or less. */
export function announcement(input: Input): Buffer {
  return json(input, { contracts: contracts(input) });
}

export function contracts(input: Input): unknown {
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

export function json(input: Input, value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  if (input.once(30))
    return Buffer.from(input.pick(["", "{", "null", "7", '"', "[".repeat(20_000), "{}"]));
  return input.once(15) ? mutated(input, text) : text;
}

/** A request as Trunkline makes it, more or less, of one of `members`; default: of any. */
export function request(
  input: Input,
  streamId: number = 1 + 2 * input.between(0, 15),
  members?: readonly string[],
): Buffer {
  const own = members ?? operations.map(({ member }) => member);
  const wanted = operations.indexOf(operationNamed(input.pick(own)));
  const index = input.once(15) ? input.between(0, 0xffff) : wanted;
  const kind = operations[index]?.kind ?? "call";
  const type = input.once(15) ? input.between(4, 7) : (requestTypeOf[kind] ?? 4);
  const metadata = requestMetadata(input, index);
  return requestFrame(input, type, {
    metadata,
    data: requestData(input),
    streamId,
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
