import { isUtf8 } from "node:buffer";
import { crc32 } from "node:zlib";

import { systemError } from "../../base/error.ts";
import { timestamp } from "../../base/timestamp.ts";
import { attributeName } from "../attributes.ts";
import type { Envelope } from "../envelope.ts";

/** What a line says: a message, and whom it is for. */
export interface Line {
  readonly envelope: Envelope;
  /** This group alone. Undefined: all. */
  readonly to: string | undefined;
}

/** `,"_crc":"0a1b2c3d"}` and the end of the line: so each line ends. */
const endBytes = 20;
const crcAt = 9;
export const newline = 0x0a;

/** What is written behind the beginning of a line whose writer died in it. No whole line ends so. */
export const tornMark = "#torn\n";

/** CloudEvents' own names (JSON event format 1.0), which no attribute may have. */
const reserved: ReadonlySet<string> = new Set(
  "specversion id source type subject time datacontenttype dataschema data".split(" "),
);

/** A date that JSON has no words for is refused; these are the last that it has. */
const timeMax = 8.64e15;

/**
 * Writes a message as one line: a CloudEvent in its JSON format, with `_to`, a group, and `_crc`, the CRC-32 (that of zlib) of all bytes before it,
 * in eight hexadecimal digits. JSON stands in it as it is, text as a string, all else in base64, so that its bytes come back as they were.
 *
 * @throws TrunklineError INVALID_ARGUMENT for attributes and times that a CloudEvent cannot have.
 */
export function writeLine({ envelope, to }: Line): Buffer {
  const { id, source, type, subject, time, contentType, attributes, data } = envelope;
  if (!(Math.abs(time) <= timeMax)) throw refused(`${time} is no time`);
  const head: Record<string, string> = { specversion: "1.0", id, source, type };
  if (subject !== undefined) head["subject"] = subject;
  head["time"] = timestamp(time);
  head["datacontenttype"] = contentType;
  for (const [name, value] of Object.entries(attributes)) {
    if (!attributeName.test(name) || reserved.has(name))
      throw refused(`a CloudEvent cannot have an attribute ${JSON.stringify(name)}`);
    head[name] = value;
  }
  if (to !== undefined) head["_to"] = to;
  const open = Buffer.from(JSON.stringify(head).slice(0, -1));
  const bytes = Buffer.concat([open, ...memberOf(data, contentType)]);
  const line = Buffer.allocUnsafe(bytes.length + endBytes);
  bytes.copy(line);
  line.write(`,"_crc":"${crcOf(bytes)}"}\n`, bytes.length, "latin1");
  return line;
}

/** `,"data":…`, as CloudEvents' JSON format has it for this type of content. */
function memberOf(data: Uint8Array, contentType: string): readonly Uint8Array[] {
  if (data.length === 0) return [];
  if (isUtf8(data)) {
    if (isJson(contentType) && isOneLineOfJson(data)) return [Buffer.from(`,"data":`), data];
    if (isText(contentType)) {
      const text = JSON.stringify(Buffer.from(data).toString());
      // What is full of control characters is shorter in base64.
      if (text.length < data.length * 2) return [Buffer.from(`,"data":${text}`)];
    }
  }
  return [Buffer.from(`,"data_base64":"${Buffer.from(data).toString("base64")}"`)];
}

function isJson(contentType: string): boolean {
  return /[/+]json($|[; ])/.test(contentType);
}

function isText(contentType: string): boolean {
  return contentType.startsWith("text/") && !isJson(contentType);
}

function isOneLineOfJson(data: Uint8Array): boolean {
  if (data.includes(newline) || data.includes(0x0d)) return false;
  try {
    JSON.parse(Buffer.from(data).toString());
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads a line, the end of the line included, copied. A text: why it is none of ours. Whoever may write to the file may have written
 * anything.
 */
export function readLine(line: Buffer): Line | string {
  const body = line.subarray(0, -endBytes);
  const end = line.toString("latin1", Math.max(0, line.length - endBytes));
  if (!/^,"_crc":"[0-9a-f]{8}"\}\n$/.test(end)) return "it does not end as lines of Trunkline do";
  if (end.slice(crcAt, crcAt + 8) !== crcOf(body)) return "its checksum is not that of its bytes";
  // No name or text of the head can have these bytes in it: a quotation mark in a text has a backslash before it.
  const plainAt = body.indexOf(`,"data":`);
  const dataAt = plainAt < 0 ? body.indexOf(`,"data_base64":"`) : plainAt;
  const head = headOf(body.toString("utf8", 0, dataAt < 0 ? body.length : dataAt));
  if (head === undefined) return "it is no CloudEvent";
  const { contentType } = head.envelope;
  const data =
    dataAt < 0
      ? Buffer.alloc(0)
      : plainAt < 0
        ? Buffer.from(
            body.toString("latin1", dataAt + `,"data_base64":"`.length, body.length - 1),
            "base64",
          )
        : dataOf(body.subarray(dataAt + `,"data":`.length), contentType);
  if (data === undefined) return "its data is no text";
  return { to: head.to, envelope: { ...head.envelope, data } };
}

/** It is the beginning of a line whose writer died in it, marked by who wrote next. */
export function isTorn(line: Buffer): boolean {
  return (
    line.length >= tornMark.length &&
    line.toString("latin1", line.length - tornMark.length) === tornMark
  );
}

function dataOf(bytes: Buffer, contentType: string): Buffer | undefined {
  if (!isText(contentType)) return Buffer.from(bytes);
  try {
    const text: unknown = JSON.parse(bytes.toString());
    return typeof text === "string" ? Buffer.from(text) : undefined;
  } catch {
    return undefined;
  }
}

type Head = Omit<Line, "envelope"> & { readonly envelope: Omit<Envelope, "data"> };

function headOf(open: string): Head | undefined {
  let given: Record<string, unknown>;
  try {
    given = JSON.parse(`${open}}`) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "string") return undefined;
    if (attributeName.test(name) && !reserved.has(name)) attributes[name] = value;
  }
  const { id, source, type, subject, time, datacontenttype, _to } = given as Partial<
    Record<string, string>
  >;
  const at = Date.parse(time ?? "");
  if (id === undefined || source === undefined || type === undefined || Number.isNaN(at))
    return undefined;
  const contentType = datacontenttype ?? "";
  return { to: _to, envelope: { id, type, source, subject, time: at, contentType, attributes } };
}

/** Eight hexadecimal digits. */
export function crcOf(bytes: Uint8Array | string): string {
  return crc32(bytes).toString(16).padStart(8, "0");
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
