import { isUtf8 } from "node:buffer";

import { isTrunklineError } from "../../../base/error.ts";
import { json } from "../../../codec/json.ts";
import { raw } from "../../../codec/raw.ts";
import { mediaTypeIn, charsetIn } from "../wire/media-type.ts";
import { discardedBytesMax } from "./bounds.ts";
import { codingNamed, codings, decompress, type Coding } from "./coding.ts";
import type { Formats, Written } from "./formats.ts";
import { headerIn, type RestRequest } from "./messages.ts";
import { refusal, type Refusal } from "./refusal.ts";

/** How a body is to be read. */
export interface BodyForm {
  readonly written: Written;
  readonly coding: Coding | undefined;
}

/** Finds out from the headers how a body is written; a refusal when that is not spoken here. */
export function bodyFormOf(request: RestRequest, formats: Formats): BodyForm | Refusal {
  const { headers } = request;
  const contentType = headers["content-type"];
  const type = mediaTypeIn(contentType);
  const written = type === "" ? formats.body : formats.bodies.get(type);
  if (written === undefined) return unspoken(type, formats);
  if (written.text && contentType !== undefined && contentType.length > type.length) {
    const charset = charsetIn(contentType);
    if (charset !== undefined && !charsets.has(charset))
      return refusal("UNIMPLEMENTED", `the body is written in ${charset}; write UTF-8`, 415);
  }
  const named = headerIn(headers, "content-encoding")?.trim().toLowerCase();
  if (named === undefined || named === "" || named === "identity")
    return { written, coding: undefined };
  const coding = codingNamed(named);
  if (coding !== undefined) return { written, coding };
  return refusal(
    "UNIMPLEMENTED",
    `the body is coded as ${JSON.stringify(named.slice(0, 100))}, which is not read here`,
    415,
    { "accept-encoding": codings.join(", ") },
  );
}

const charsets: ReadonlySet<string> = new Set(["utf-8", "utf8", "us-ascii"]);

function unspoken(type: string, { bodies }: Formats): Refusal {
  const spoken = [...bodies.keys()].join(", ");
  const form = type === "application/x-www-form-urlencoded";
  return refusal(
    "UNIMPLEMENTED",
    `a body of type ${JSON.stringify(type.slice(0, 100))} is not read here`,
    415,
    { accept: spoken },
    {
      advice: form
        ? "curl says that by itself: add -H 'content-type: application/json'"
        : `read is ${spoken}`,
    },
  );
}

/** A body that is too large is refused before it comes, where it says how large it is. */
export function excessOf({ headers }: RestRequest, bytesMax: number): Refusal | undefined {
  const length = headers["content-length"];
  if (length === undefined || Number(length) <= bytesMax) return undefined;
  return excess(`a body of ${length} bytes`, bytesMax);
}

/** Reads all of a body; calls back once, with its bytes or a refusal, or not at all when it is cut short. */
export function readBody(
  request: RestRequest,
  coding: Coding | undefined,
  bytesMax: number,
  done: (body: Buffer | Refusal) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= bytesMax) chunks.push(chunk);
    else if (bytes - chunk.length <= bytesMax) {
      chunks.length = 0;
      done(excess("the body", bytesMax));
    } else if (bytes > bytesMax + discardedBytesMax) request.destroy();
  });
  request.on("end", () => {
    if (bytes > bytesMax) return;
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes);
    if (coding === undefined || bytes === 0) done(body);
    else
      decompress(coding, body, bytesMax, (result) => done(decompressed(result, coding, bytesMax)));
  });
}

function decompressed(
  result: Buffer | "too much" | "broken",
  coding: Coding,
  bytesMax: number,
): Buffer | Refusal {
  if (result === "too much") return excess(`the body, once it is no longer ${coding},`, bytesMax);
  if (result === "broken") return refusal("INVALID_ARGUMENT", `the body is not ${coding}`);
  return result;
}

function excess(what: string, bytesMax: number): Refusal {
  return refusal("RESOURCE_EXHAUSTED", `${what} is more than ${bytesMax} bytes`, 413, undefined, {
    advice: "send it in parts (an upload), or raise itemBytesMax",
  });
}

/** Reads what is left and throws it away, so that the answer is heard by who still sends. */
export function discard(request: RestRequest): void {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > discardedBytesMax) request.destroy();
  });
}

/** The value that a body holds; a refusal when it is not what it says. */
export function decodeBody(
  { codec, text }: Written,
  body: Buffer,
): { readonly value: unknown } | Refusal {
  if (text && !isUtf8(body)) return refusal("INVALID_ARGUMENT", "the body is not UTF-8");
  if (codec.name === json.name && tooDeep(body))
    return refusal("INVALID_ARGUMENT", `the body is nested more than ${depthMax} deep`);
  // What fills most of its memory need not be copied to be the handler's own.
  if (codec === raw && body.length * 2 > body.buffer.byteLength) return { value: body };
  try {
    return { value: codec.decode(body, 0, body.length) };
  } catch (cause) {
    const told = cause instanceof Error ? cause.message : String(cause);
    const why = isTrunklineError(cause) ? cause.reason : told;
    return refusal("INVALID_ARGUMENT", `the body cannot be read as ${codec.name}: ${why}`);
  }
}

/** A body that somebody else has read and parsed. What was parsed as something else than it is here is of no use. */
export function parsedBody(
  parsed: unknown,
  { codec }: Written,
): { readonly value: unknown } | Refusal {
  if (parsed !== undefined && codec.name === json.name) return { value: parsed };
  return refusal("INTERNAL", "the body was read before it came here", 500, undefined, {
    advice: "put restMount() before what parses bodies",
  });
}

/** So deep may a value be: whatever walks through it later calls itself for each level. */
const depthMax = 500;

/** Counts what opens and has not closed, outside of texts. */
function tooDeep(body: Buffer): boolean {
  if (body.length <= depthMax) return false;
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!;
    if (byte === 0x22) at = endOfText(body, at);
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > depthMax) return true;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return false;
}

/** Where the text that begins at `from` ends; the end of all where it does not. */
function endOfText(body: Buffer, from: number): number {
  for (let at = from + 1; ; at++) {
    at = body.indexOf(0x22, at);
    if (at < 0) return body.length;
    let escapes = 0;
    while (body[at - 1 - escapes] === 0x5c) escapes++;
    if (escapes % 2 === 0) return at;
  }
}
