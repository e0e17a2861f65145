import type { Envelope } from "../envelope.ts";
import { readEnvelope, writtenEnvelope } from "../written-envelope.ts";

// One datagram is one message, whole and by itself. All numbers are big-endian.
//
//    0  "TKE", and the version, 1
//    4  who sends: 64 random bits of one user of the group
//   12  the number of the message among those of that user, 32 bits, which wrap
//   16  8 bits of length and the channel's name; the envelope (written-envelope.ts)

const magic = 0x54_4b_45_01;
const fixedBytes = 16;

/** A message as it came. */
export interface Frame {
  readonly sender: string;
  readonly number: number;
  readonly channel: string;
  readonly envelope: Envelope;
}

/** `sender`: eight bytes. */
export function writeFrame(
  sender: Buffer,
  number: number,
  channel: string,
  envelope: Envelope,
): Buffer {
  const bytes = writtenEnvelope(envelope, fixedBytes + 1 + channel.length);
  bytes.writeUInt32BE(magic, 0);
  sender.copy(bytes, 4);
  bytes.writeUInt32BE(number, 12);
  bytes[fixedBytes] = channel.length; // it has 200 letters at most, of one byte each
  bytes.write(channel, fixedBytes + 1, "latin1");
  return bytes;
}

/** Reads what came, copied; a text says why it is none of ours. Never throws: anybody may have sent it. */
export function readFrame(memory: Buffer, from: number, to: number): Frame | string {
  const bytes = Buffer.from(memory.subarray(from, to));
  if (bytes.length <= fixedBytes || bytes.readUInt32BE(0) !== magic)
    return "it does not begin as messages of Trunkline do";
  const headAt = fixedBytes + 1 + bytes[fixedBytes]!;
  const envelope = readEnvelope(bytes, headAt);
  if (typeof envelope === "string") return envelope;
  return {
    sender: bytes.toString("latin1", 4, 12),
    number: bytes.readUInt32BE(12),
    channel: bytes.toString("latin1", fixedBytes + 1, headAt),
    envelope,
  };
}
