import type { Readable } from "node:stream";

import { Base64Reader } from "../wire/base64-reader.ts";
import { compressedFlag, EnvelopeReader, isOneEnvelope, prefixBytes } from "../wire/envelope.ts";
import type { Exchange } from "./exchange.ts";

/** Reads messages in envelopes from a body, as the bytes that they are. */
export function takeEnvelopes(body: Readable, exchange: Exchange, bytesMax: number): void {
  let reader: EnvelopeReader | undefined;
  body.on("data", (chunk: Buffer) => {
    // Most requests are one message in one piece.
    if (reader === undefined && isOneEnvelope(chunk, bytesMax))
      exchange.envelope(chunk[0]!, chunk.subarray(prefixBytes));
    else (reader ??= new EnvelopeReader(bytesMax, exchange)).push(chunk);
  });
  body.on("end", () => exchange.ended(reader?.unfinished === true));
}

/** Reads messages in envelopes from a body in base64. */
export function takeText(body: Readable, exchange: Exchange, bytesMax: number): void {
  const reader = new EnvelopeReader(bytesMax, exchange);
  const text = new Base64Reader();
  body.on("data", (chunk: Buffer) => {
    if (reader.stopped) return;
    const bytes = text.push(chunk);
    if (bytes !== undefined) reader.push(bytes);
    else {
      reader.stopped = true;
      exchange.malformed("the body is no base64");
    }
  });
  body.on("end", () => exchange.ended(reader.unfinished || text.unfinished));
}

/** Reads a body that is one message. */
export function takeWhole(
  body: Readable,
  exchange: Exchange,
  bytesMax: number,
  compressed: boolean,
): void {
  let parts: Buffer[] = [];
  let bytes = 0;
  body.on("data", (chunk: Buffer) => {
    if (bytes > bytesMax) return;
    bytes += chunk.length;
    if (bytes > bytesMax) {
      parts = [];
      exchange.excessive(bytes);
    } else if (parts.push(chunk) === piecesMax) parts = [Buffer.concat(parts)];
  });
  body.on("end", () => {
    if (bytes > bytesMax) return;
    const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
    exchange.envelope(compressed && bytes > 0 ? compressedFlag : 0, whole);
    exchange.ended(false);
  });
}

/** Who sends a body byte by byte must not make us keep an object for each of them. */
const piecesMax = 4_096;
