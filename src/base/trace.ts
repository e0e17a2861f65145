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
    return `00-${this.traceId}-${this.spanId}-${pairs[this.flags & 255]!}`;
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
  const version = readHex(header, 0, 2);
  // Version 00 ends with its flags; what a later one adds stands behind a further dash.
  const ended = header.length === traceparentLength;
  if (!ended && (version === 0 || header[traceparentLength] !== "-")) return undefined;
  if (header[2] !== "-" || header[35] !== "-" || header[52] !== "-") return undefined;
  const trace0 = readHex(header, 3, 8);
  const trace1 = readHex(header, 11, 8);
  const trace2 = readHex(header, 19, 8);
  const trace3 = readHex(header, 27, 8);
  const span0 = readHex(header, 36, 8);
  const span1 = readHex(header, 44, 8);
  const flags = readHex(header, 53, 2);
  if (Math.min(version, trace0, trace1, trace2, trace3, span0, span1, flags) < 0) return undefined;
  if (version === 255 || span0 + span1 === 0) return undefined;
  if (trace0 + trace1 + trace2 + trace3 === 0) return undefined;
  return new TraceContext(trace0, trace1, trace2, trace3, span0, span1, flags);
}

const traceparentLength = 55;

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

/** So many hexadecimal digits in lower case; -1 when they are none. */
function readHex(header: string, at: number, length: number): number {
  let value = 0;
  for (let place = at; place < at + length; place++) {
    const code = header.charCodeAt(place);
    if (code >= 48 && code <= 57) value = value * 16 + code - 48;
    else if (code >= 97 && code <= 102) value = value * 16 + code - 87;
    else return -1;
  }
  return value;
}
