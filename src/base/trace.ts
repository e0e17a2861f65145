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
      hex(this.trace0 >>> 0, 8) +
      hex(this.trace1 >>> 0, 8) +
      hex(this.trace2 >>> 0, 8) +
      hex(this.trace3 >>> 0, 8)
    );
  }

  /** 16 hexadecimal digits: this call. */
  get spanId(): string {
    return hex(this.span0 >>> 0, 8) + hex(this.span1 >>> 0, 8);
  }

  /** The header value `00-<trace id>-<span id>-<flags>`. */
  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-${hex(this.flags, 2)}`;
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
  // Version 00 ends with its flags; what a later one adds stands behind a further dash.
  const match =
    /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|(?<!^00.*)-)/.exec(header);
  if (match === null || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return undefined;
  const word = (text: string, at: number): number => Number.parseInt(text.slice(at, at + 8), 16);
  const trace = match[1]!;
  const span = match[2]!;
  return new TraceContext(
    word(trace, 0),
    word(trace, 8),
    word(trace, 16),
    word(trace, 24),
    word(span, 0),
    word(span, 8),
    Number.parseInt(match[3]!, 16),
  );
}
