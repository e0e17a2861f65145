import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import { hash32 } from "../../base/hash32.ts";
import { uint32 } from "../../base/random.ts";
import { TraceContext } from "../../base/trace.ts";
import { codecOf } from "../../codec/codecs.ts";
import type { Codec } from "../../codec/codec.ts";
import type { Format } from "../../codec/format.ts";
import type { Attempt } from "../attempt.ts";
import { Incoming } from "../incoming.ts";
import type { Operation } from "../operation.ts";
import type { Dispatcher, ServedOperation } from "../protocol.ts";
import { hearTries, toldTries, wrongBoot } from "../standing.ts";
import { readTold, writeTold } from "./told.ts";
import {
  encoded,
  type DatagramForm,
  type DatagramReader,
  type DatagramWriter,
  type Notice,
} from "./form.ts";

// One datagram is one notification, whole and by itself. All numbers are big-endian.
//
//    0  "TKD", and the version, 1
//    4  flags: 1 a deadline, 2 a trace, 4 more is told
//    5  the id of the payload's codec
//    6  the major version of the contract, 16 bits
//    8  who sends: 64 random bits of one caller
//   16  the number of the datagram among those of that caller, 32 bits, which wrap
//   20  [deadline] milliseconds that were left, 32 bits; 64 bits by which the host's clock is known, and the instant by it in
//       milliseconds, a double: for a receiver with the same clock, who knows so how long it was on its way
//       [trace] trace id, span id and flags of W3C Trace Context, 25 bytes
//       [told] 16 bits of length, and JSON: idempotency key, headers, lane, tries
//       8 bits of length and the contract's name; 8 bits of length and the operation's name in it; the payload

const magic = 0x54_4b_44_01;
const hasDeadline = 1;
const hasTrace = 2;
const hasTold = 4;
const fixedBytes = 20;
const deadlineBytes = 20;
const traceBytes = 25;
const clockBytes = 8;

/** The most milliseconds that a deadline may be away; one that is further counts as none. */
const leftMsMax = 0xffff_ffff;

/** The frames of the protocol `datagram`. */
export const frames: DatagramForm = {
  name: "datagram",
  writer: (_address, { format }, env): DatagramWriter => new FrameWriter(format, env),
  reader: (_address, dispatcher, { formats = [] }, env): DatagramReader =>
    new FrameReader(dispatcher, formats, env),
};

class FrameWriter implements DatagramWriter {
  readonly #format: Format | undefined;
  readonly #env: Env;
  readonly #sender0: number;
  readonly #sender1: number;
  readonly #clock: Buffer;
  #number = 0;

  constructor(format: Format | undefined, env: Env) {
    this.#format = format;
    this.#env = env;
    this.#sender0 = uint32(env.random);
    this.#sender1 = uint32(env.random);
    this.#clock = clockOf(env);
  }

  write(operation: Operation, input: unknown, attempt: Attempt): Uint8Array {
    if (attempt.onlyBoot !== undefined) throw wrongBoot();
    const { first } = this.#format === undefined ? operation : operation.codecs(this.#format);
    const payload = encoded(first, input);
    const { idempotencyKey, headers, lane } = attempt;
    const told = writeTold({ idempotencyKey, headers, lane, tries: toldTries(attempt) });
    const leftMs = Math.ceil(attempt.acceptBy - this.#env.now());
    const deadline = leftMs <= leftMsMax;
    const contract = Buffer.from(operation.contract);
    const member = Buffer.from(operation.member);
    checkNames(operation, contract, member);
    const bytes =
      fixedBytes +
      (deadline ? deadlineBytes : 0) +
      traceBytes +
      (told === undefined ? 0 : 2 + told.length) +
      (2 + contract.length + member.length + payload.length);
    const frame = Buffer.allocUnsafe(bytes);
    frame.writeUInt32BE(magic, 0);
    frame[4] = (deadline ? hasDeadline : 0) | hasTrace | (told === undefined ? 0 : hasTold);
    frame[5] = first.id;
    frame.writeUInt16BE(operation.owner.major, 6);
    frame.writeUInt32BE(this.#sender0, 8);
    frame.writeUInt32BE(this.#sender1, 12);
    this.#number = (this.#number + 1) >>> 0;
    frame.writeUInt32BE(this.#number, 16);
    let at = fixedBytes;
    if (deadline) at = this.#writeDeadline(frame, at, leftMs, attempt.acceptBy);
    at = writeTrace(frame, at, attempt.trace);
    if (told !== undefined) {
      at = frame.writeUInt16BE(told.length, at);
      at += told.copy(frame, at);
    }
    at = frame.writeUInt8(contract.length, at);
    at += contract.copy(frame, at);
    at = frame.writeUInt8(member.length, at);
    at += member.copy(frame, at);
    frame.set(payload, at);
    return frame;
  }

  #writeDeadline(frame: Buffer, at: number, leftMs: number, instant: number): number {
    frame.writeUInt32BE(Math.max(0, leftMs), at);
    frame.set(this.#clock, at + 4);
    return frame.writeDoubleBE(instant + (this.#env.hostClock?.offsetMs ?? 0), at + 12);
  }
}

/** Names are short by their grammar in all but the strangest contracts, and a byte tells their length. */
function checkNames({ name, owner }: Operation, contract: Buffer, member: Buffer): void {
  if (contract.length <= 255 && member.length <= 255 && owner.major <= 0xffff) return;
  throw systemError(
    "INVALID_ARGUMENT",
    `${name}@${owner.major} has too long a name for a datagram`,
    {
      executed: "no",
      advice: "names may have 255 bytes, and major versions end at 65,535",
    },
  );
}

function writeTrace(frame: Buffer, at: number, trace: TraceContext): number {
  const { trace0, trace1, trace2, trace3, span0, span1, flags } = trace;
  let next = at;
  for (const word of [trace0, trace1, trace2, trace3, span0, span1])
    next = frame.writeInt32BE(word, next);
  return frame.writeUInt8(flags & 255, next);
}

/** What tells one clock of a host from another; zeros where there is none. */
function clockOf({ hostClock }: Env): Buffer {
  const clock = Buffer.alloc(clockBytes);
  if (hostClock === undefined) return clock;
  clock.writeUInt32BE(hash32(hostClock.id), 0);
  clock.writeUInt32BE(hash32(`${hostClock.id}.`), 4);
  return clock;
}

class FrameReader implements DatagramReader {
  readonly #dispatcher: Dispatcher;
  readonly #formats: readonly Format[];
  readonly #env: Env;
  readonly #clock: Buffer | undefined;

  constructor(dispatcher: Dispatcher, formats: readonly Format[], env: Env) {
    this.#dispatcher = dispatcher;
    this.#formats = formats;
    this.#env = env;
    this.#clock = env.hostClock === undefined ? undefined : clockOf(env);
  }

  read(memory: Buffer, from: number, to: number, peer: Peer): Notice | string {
    const frame = memory.subarray(from, to);
    if (frame.length < fixedBytes || frame.readUInt32BE(0) !== magic)
      return "it does not begin as a datagram of Trunkline, of version 1, does";
    try {
      return this.#notice(frame, peer);
    } catch (error) {
      // A length leads beyond its end, a text is no JSON: reading past the end throws.
      return error instanceof Error ? error.message : String(error);
    }
  }

  #notice(frame: Buffer, peer: Peer): Notice {
    const flags = frame[4]!;
    const now = this.#env.now();
    let at = fixedBytes;
    let deadlineAt = Infinity;
    let exact = false;
    if ((flags & hasDeadline) !== 0) {
      exact = this.#clock?.equals(frame.subarray(at + 4, at + 12)) === true;
      const instant = frame.readDoubleBE(at + 12);
      if (Number.isNaN(instant)) throw new Error("its deadline is not a number");
      deadlineAt = exact ? instant - this.#env.hostClock!.offsetMs : now + frame.readUInt32BE(at);
      at += deadlineBytes;
    }
    let trace: TraceContext | undefined;
    if ((flags & hasTrace) !== 0) {
      trace = readTrace(frame, at);
      at += traceBytes;
    }
    let told: Buffer | undefined;
    if ((flags & hasTold) !== 0) [told, at] = part(frame, at + 2, frame.readUInt16BE(at));
    const { idempotencyKey, headers = {}, lane, tries } = readTold(told);
    const [contract, afterContract] = part(frame, at + 1, frame.readUInt8(at));
    const [member, payloadAt] = part(frame, afterContract + 1, frame.readUInt8(afterContract));
    const major = frame.readUInt16BE(6);
    const incoming = new Incoming(peer, deadlineAt, Infinity, trace, idempotencyKey, headers, now);
    incoming.lane = lane;
    incoming.exact = exact;
    if (tries !== undefined) hearTries(incoming, tries);
    const [contractName, memberName] = [contract.toString(), member.toString()];
    const served = this.#dispatcher.find(contractName, major, memberName);
    return {
      name: `${contractName}@${major}/${memberName}`,
      served,
      sender: frame.toString("latin1", 8, 16),
      number: frame.readUInt32BE(16),
      incoming,
      input: () => this.#codec(frame[5]!, served!).decode(frame, payloadAt, frame.length),
    };
  }

  #codec(id: number, { operation }: ServedOperation): Codec {
    const own = codecOf(id);
    if (own !== undefined) return own;
    const format = this.#formats.find((each) => each.id === id);
    if (format === undefined) throw new Error("this server does not speak its codec");
    return operation.codecs(format).first;
  }
}

/** So many bytes, and where they end. */
function part(frame: Buffer, from: number, bytes: number): [Buffer, number] {
  if (from + bytes > frame.length) throw new RangeError("it ends too soon");
  return [frame.subarray(from, from + bytes), from + bytes];
}

/** Undefined when it is none, as the standard asks. */
function readTrace(frame: Buffer, at: number): TraceContext | undefined {
  const words = [0, 4, 8, 12, 16, 20].map((offset) => frame.readInt32BE(at + offset));
  const [trace0 = 0, trace1 = 0, trace2 = 0, trace3 = 0, span0 = 0, span1 = 0] = words;
  const flags = frame.readUInt8(at + 24);
  if ((trace0 | trace1 | trace2 | trace3) === 0 || (span0 | span1) === 0) return undefined;
  return new TraceContext(trace0, trace1, trace2, trace3, span0, span1, flags);
}
