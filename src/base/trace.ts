import type { Env } from "./env.ts";
import { hex } from "./id.ts";
import { uint32 } from "./random.ts";

/**
 * The place of a call in a trace, as W3C Trace Context (level 2) describes it. Held as numbers: made for every call,
 * turned into text only when somebody asks. The words are signed, because V8 puts larger numbers into boxes of their own.
 */
export class TraceContext {
  readonly trace0: number;
  readonly trace1: number;
  readonly trace2: number;
  readonly trace3: number;
  readonly span0: number;
  readonly span1: number;
  readonly flags: number;

  constructor(
    trace0: number,
    trace1: number,
    trace2: number,
    trace3: number,
    span0: number,
    span1: number,
    flags: number,
  ) {
    this.trace0 = trace0 | 0;
    this.trace1 = trace1 | 0;
    this.trace2 = trace2 | 0;
    this.trace3 = trace3 | 0;
    this.span0 = span0 | 0;
    this.span1 = span1 | 0;
    this.flags = flags;
  }

  /** 32 hexadecimal digits: the correlation id of everything that one request causes. */
  get traceId(): string {
    return (
      wordText(this.trace0) + wordText(this.trace1) + wordText(this.trace2) + wordText(this.trace3)
    );
  }

  /** 16 hexadecimal digits: this call. */
  get spanId(): string {
    return wordText(this.span0) + wordText(this.span1);
  }

  /** The header value `00-<trace id>-<span id>-<flags>`. */
  get traceparent(): string {
    putWord(this.trace0, 3);
    putWord(this.trace1, 11);
    putWord(this.trace2, 19);
    putWord(this.trace3, 27);
    putWord(this.span0, 36);
    putWord(this.span1, 44);
    putByte(this.flags & 255, 53);
    return String.fromCharCode.apply(undefined, draft as unknown as number[]);
  }

  toJSON(): string {
    return this.traceparent;
  }
}

/** The random-trace-id flag of level 2; nothing is sampled unless somebody decides so. */
const randomFlag = 0x02;

/** Begins a trace. */
export function beginTrace(env: Env): TraceContext {
  const { random } = env;
  const trace3 = uint32(random) || 1; // all zeros is not a valid id
  return new TraceContext(
    uint32(random),
    uint32(random),
    uint32(random),
    trace3,
    uint32(random),
    uint32(random) || 1,
    randomFlag,
  );
}

/** A new span in the trace of `parent`. */
export function childTrace(parent: TraceContext, env: Env): TraceContext {
  const { trace0, trace1, trace2, trace3, flags } = parent;
  return new TraceContext(
    trace0,
    trace1,
    trace2,
    trace3,
    uint32(env.random),
    uint32(env.random) || 1,
    flags,
  );
}

/** Reads a `traceparent` header; undefined when it is not valid, as the standard asks. */
export function parseTraceparent(header: string): TraceContext | undefined {
  fault = 0;
  const version = readByte(header, 0);
  if (fault < 0) return undefined;
  // Version 00 ends with its flags; what a later one adds stands behind a further dash.
  const ended = header.length === traceparentLength;
  if (!ended && (version === 0 || header[traceparentLength] !== "-")) return undefined;
  if (header[2] !== "-" || header[35] !== "-" || header[52] !== "-") return undefined;
  const trace0 = readWord(header, 3);
  const trace1 = readWord(header, 11);
  const trace2 = readWord(header, 19);
  const trace3 = readWord(header, 27);
  const span0 = readWord(header, 36);
  const span1 = readWord(header, 44);
  const flags = readByte(header, 53);
  if (fault < 0 || version === 255 || (span0 | span1) === 0) return undefined;
  if ((trace0 | trace1 | trace2 | trace3) === 0) return undefined;
  return new TraceContext(trace0, trace1, trace2, trace3, span0, span1, flags);
}

const traceparentLength = 55;

/** Where a header is written, in one piece: put together from parts it would cost each request over HTTP a microsecond more. */
const draft: Uint8Array = codesOf(`00-${"0".repeat(32)}-${"0".repeat(16)}-00`);
const digitCodes: Uint8Array = codesOf("0123456789abcdef");

function codesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function putByte(byte: number, at: number): void {
  draft[at] = digitCodes[byte >>> 4]!;
  draft[at + 1] = digitCodes[byte & 15]!;
}

function putWord(word: number, at: number): void {
  for (let place = 7, rest = word; place >= 0; place--, rest >>>= 4)
    draft[at + place] = digitCodes[rest & 15]!;
}

/** Two hexadecimal digits for each byte: most requests write, and read, 26 of them. */
const pairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));

function wordText(word: number): string {
  return (
    pairs[word >>> 24]! +
    pairs[(word >>> 16) & 255]! +
    pairs[(word >>> 8) & 255]! +
    pairs[word & 255]!
  );
}

/** The value of a hexadecimal digit in lower case by its character; -1: it is none. */
const digits: Int8Array = new Int8Array(128).fill(-1);
for (let digit = 0; digit < 16; digit++) digits[digit.toString(16).charCodeAt(0)] = digit;

/** Below zero when something since it was cleared was no digit. */
let fault = 0;

function readDigit(header: string, at: number): number {
  const digit = digits[header.charCodeAt(at)] ?? -1;
  fault |= digit;
  return digit;
}

function readByte(header: string, at: number): number {
  return (readDigit(header, at) << 4) | readDigit(header, at + 1);
}

/** Eight digits as a word with a sign: V8 keeps larger numbers in boxes. */
function readWord(header: string, at: number): number {
  let word = 0;
  for (let place = at; place < at + 8; place++) word = (word << 4) | readDigit(header, place);
  return word;
}
