import type { Envelope } from "../../broker/envelope.ts";

/** Of the length of what is said beside the data. */
const lengthBytes = 4;

/** A reply as it is kept with the mark of its command: the envelope as JSON, its length before it, and the data as it is. */
export function storedReply({ data, ...head }: Envelope): Uint8Array {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.allocUnsafe(lengthBytes);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, data]);
}

/** The same again. Throws for what is none. */
export function replyStored(bytes: Uint8Array): Envelope {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dataAt = lengthBytes + whole.readUInt32BE(0);
  const head = JSON.parse(whole.toString("utf8", lengthBytes, dataAt)) as Omit<Envelope, "data">;
  return { ...head, subject: head.subject, data: whole.subarray(dataAt) };
}
