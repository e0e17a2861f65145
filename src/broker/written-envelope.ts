import type { Env } from "../base/env.ts";
import { uuidv7 } from "../base/id.ts";
import type { Envelope } from "./envelope.ts";

/**
 * An envelope as bytes, for what keeps nothing but bytes: how many bytes its head has, as 32 bits, big end first; the head, the envelope
 * without its data as JSON; the data. `ahead`: bytes before that, for whoever writes something there.
 */
export function writtenEnvelope({ data, ...head }: Envelope, ahead: number = 0): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const at = ahead + lengthBytes;
  const bytes = Buffer.allocUnsafe(at + text.length + data.byteLength);
  bytes.writeUInt32BE(text.length, ahead);
  bytes.set(text, at);
  bytes.set(data, at + text.length);
  return bytes;
}

const lengthBytes = 4;

type Head = Omit<Envelope, "data">;

/** What was written, or why it cannot be read: whoever may write there may have written anything. Its data is no copy. */
export function readEnvelope(bytes: Buffer, from: number = 0): Envelope | string {
  const headAt = from + lengthBytes;
  if (bytes.length < headAt) return "it is shorter than it says";
  const dataAt = headAt + bytes.readUInt32BE(from);
  if (dataAt > bytes.length) return "it is shorter than it says";
  const head = headOf(bytes.toString("utf8", headAt, dataAt));
  return head === undefined ? "its head is no envelope" : { ...head, data: bytes.subarray(dataAt) };
}

function headOf(text: string): Head | undefined {
  let head: Partial<Head>;
  try {
    head = JSON.parse(text) as Partial<Head>;
  } catch {
    return undefined;
  }
  if (typeof head !== "object" || head === null) return undefined;
  const { id, type, source, subject, time, contentType, attributes } = head;
  const texts = [id, type, source, contentType].every((each) => typeof each === "string");
  const named = typeof attributes === "object" && attributes !== null;
  if (!texts || !named || typeof time !== "number") return undefined;
  if (subject !== undefined && typeof subject !== "string") return undefined;
  if (!Object.values(attributes).every((each) => typeof each === "string")) return undefined;
  return { ...(head as Head), subject };
}

/** What stands for the envelope of what cannot be read: its data is what came. */
export function unreadEnvelope(data: Buffer, where: string, env: Env): Envelope {
  return {
    id: uuidv7(env),
    type: where,
    source: where,
    subject: undefined,
    time: Math.floor(env.wall()),
    contentType: "application/octet-stream",
    attributes: {},
    data,
  };
}
