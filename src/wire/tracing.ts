import { TraceContext } from "../base/trace.ts";
import { readInt32, writeInt32 } from "./int32.ts";

/** The place of a request in a trace. Extension "Tracing (Zipkin)", version 0. */
export const tracingMime = "message/x.rsocket.tracing-zipkin.v0";

const Flag = {
  /** Ids follow. */
  IDS: 0x80,
  DEBUG: 0x40,
  SAMPLED: 0x20,
  /** The trace id has 128 bits, else 64. */
  LONG_TRACE_ID: 0x08,
  PARENT: 0x04,
} as const;

/** The one flag of W3C Trace Context that Zipkin knows too. */
const sampled = 0x01;

const idBytes = 8;

/**
 * The place in the trace; undefined where only the sampling is told, or an id is zero, which is none. Returns a sentence
 * for the peer when it is malformed. The parent's span is passed over: this call's own span is what a callee needs.
 */
export function readTracing(
  memory: Buffer,
  from: number,
  to: number,
): TraceContext | undefined | string {
  if (from === to) return "tracing metadata: it has no flags";
  const flags = memory[from]!;
  if ((flags & Flag.IDS) === 0) return undefined;
  const traceBytes = (flags & Flag.LONG_TRACE_ID) === 0 ? idBytes : 2 * idBytes;
  const parentBytes = (flags & Flag.PARENT) === 0 ? 0 : idBytes;
  if (from + 1 + traceBytes + idBytes + parentBytes > to)
    return "tracing metadata: it is shorter than its flags say";
  const low = from + 1 + traceBytes - idBytes;
  const long = traceBytes > idBytes;
  const high0 = long ? readInt32(memory, from + 1) : 0;
  const high1 = long ? readInt32(memory, from + 5) : 0;
  const low0 = readInt32(memory, low);
  const low1 = readInt32(memory, low + 4);
  const span0 = readInt32(memory, low + idBytes);
  const span1 = readInt32(memory, low + idBytes + 4);
  if ((high0 | high1 | low0 | low1) === 0 || (span0 | span1) === 0) return undefined;
  const wanted = (flags & (Flag.SAMPLED | Flag.DEBUG)) !== 0;
  return new TraceContext(high0, high1, low0, low1, span0, span1, wanted ? sampled : 0);
}

/** The bytes of a place in a trace. What is not sampled is left to the peer to decide. */
export function encodeTracing(trace: TraceContext): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 3 * idBytes);
  const wanted = (trace.flags & sampled) !== 0 ? Flag.SAMPLED : 0;
  bytes[0] = Flag.IDS | Flag.LONG_TRACE_ID | wanted;
  let at = 1;
  const { trace0, trace1, trace2, trace3, span0, span1 } = trace;
  for (const word of [trace0, trace1, trace2, trace3, span0, span1])
    at = writeInt32(bytes, at, word);
  return bytes;
}
