import { systemError } from "../../base/error.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { parcelMessagesMax } from "./bounds.ts";

/** Messages on their way from one publisher to one consumer, or to one reply box. */
export interface Parcel {
  /** The consumer's id, or that of the box. */
  readonly to: string;
  /** The publisher's id. */
  readonly from: string;
  /** How long the sender waits for room, in milliseconds. */
  readonly patienceMs: number;
  readonly messages: readonly ParcelMessage[];
}

export interface ParcelMessage {
  readonly envelope: Envelope;
  /** Undefined: it has no key, or its channel no order. */
  readonly shard: string | undefined;
  /** Which delivery to its group it will be. */
  readonly attempt: number;
}

/** A message in the head of a parcel: its fields in this order, the last one the length of its data. */
type Row = readonly [
  id: string,
  type: string,
  source: string,
  subject: string | null,
  time: number,
  contentType: string,
  attributes: Readonly<Record<string, string>>,
  shard: string | null,
  attempt: number,
  bytes: number,
];

interface Head {
  readonly to: string;
  readonly from: string;
  readonly patienceMs: number;
  readonly messages: readonly Row[];
}

/** Bytes before the head: its length. */
const prefixBytes = 4;

/** Writes a parcel: the length of its head as 32 bits, big end first; the head as JSON; then the data of all messages. */
export function writeParcel({ to, from, patienceMs, messages }: Parcel): Uint8Array {
  const rows = messages.map(({ envelope, shard, attempt }): Row => {
    const { id, type, source, subject = null, time, contentType, attributes, data } = envelope;
    const what = [id, type, source, subject, time, contentType, attributes] as const;
    return [...what, shard ?? null, attempt, data.byteLength];
  });
  const head = Buffer.from(JSON.stringify({ to, from, patienceMs, messages: rows } satisfies Head));
  const prefix = Buffer.allocUnsafe(prefixBytes);
  prefix.writeUInt32BE(head.byteLength);
  return Buffer.concat([prefix, head, ...messages.map(({ envelope }) => envelope.data)]);
}

/** The data of a message is a copy: one that is kept keeps no parcel. Throws INVALID_ARGUMENT for what is no parcel. */
export function readParcel(written: Uint8Array): Parcel {
  const memory = Buffer.from(written.buffer, written.byteOffset, written.byteLength);
  const { head, dataFrom } = readHead(memory);
  let from = dataFrom;
  const messages = head.messages.map((row): ParcelMessage => {
    checkRow(row);
    const [id, type, source, subject, time, contentType, attributes, shard, attempt, bytes] = row;
    if (from + bytes > memory.byteLength) throw noParcel("it ends before its data does");
    const data = new Uint8Array(memory.subarray(from, from + bytes));
    from += bytes;
    const text = { id, type, source, subject: subject ?? undefined, time, contentType };
    return { envelope: { ...text, attributes, data }, shard: shard ?? undefined, attempt };
  });
  if (from !== memory.byteLength) throw noParcel("something follows its data");
  return { to: head.to, from: head.from, patienceMs: head.patienceMs, messages };
}

function readHead(memory: Buffer): { readonly head: Head; readonly dataFrom: number } {
  if (memory.byteLength < prefixBytes) throw noParcel("it is too short");
  const dataFrom = prefixBytes + memory.readUInt32BE();
  if (dataFrom > memory.byteLength) throw noParcel("it ends before its head does");
  let head: Head;
  try {
    head = JSON.parse(memory.toString("utf8", prefixBytes, dataFrom)) as Head;
  } catch {
    throw noParcel("its head is not JSON");
  }
  const sound =
    typeof head?.to === "string" &&
    typeof head.from === "string" &&
    head.patienceMs >= 0 &&
    Array.isArray(head.messages);
  if (!sound) throw noParcel("its head is of another form");
  if (head.messages.length > parcelMessagesMax)
    throw noParcel(`it has more than ${parcelMessagesMax} messages`);
  return { head, dataFrom };
}

function checkRow(row: Row): void {
  const [id, type, source, subject, time, contentType, attributes, shard, attempt, bytes] = row;
  const texts = [id, type, source, contentType];
  const sound =
    texts.every((each) => typeof each === "string") &&
    [subject, shard].every((each) => each === null || typeof each === "string") &&
    Number.isFinite(time) &&
    typeof attributes === "object" &&
    attributes !== null &&
    Object.values(attributes).every((each) => typeof each === "string") &&
    Number.isInteger(attempt) &&
    attempt >= 1 &&
    Number.isInteger(bytes) &&
    bytes >= 0;
  if (!sound) throw noParcel("one of its messages is of another form");
}

function noParcel(why: string): Error {
  return systemError("INVALID_ARGUMENT", `this is not a parcel: ${why}`, { executed: "no" });
}
