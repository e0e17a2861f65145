/** What stands before each message: a byte of flags and its length in four bytes. gRPC, gRPC-Web and Connect share it. */
export const prefixBytes: number = 5;

/** The message is compressed as the headers say. */
export const compressedFlag: number = 0x01;
/** Connect: it is not a message but the end of the stream. */
export const endFlag: number = 0x02;
/** gRPC-Web: it is not a message but the trailers. */
export const trailersFlag: number = 0x80;

/** A message with its prefix, in one piece of memory. */
export function envelope(flags: number, payload: string | Uint8Array): Buffer {
  const text = typeof payload === "string";
  const bytes = text ? Buffer.byteLength(payload) : payload.length;
  const memory = Buffer.allocUnsafe(prefixBytes + bytes);
  memory[0] = flags;
  memory.writeUInt32BE(bytes, 1);
  if (text) memory.write(payload, prefixBytes, "utf8");
  else memory.set(payload, prefixBytes);
  return memory;
}

/** True for memory that holds one message with its prefix and nothing else. */
export function isOneEnvelope(memory: Buffer, bytesMax: number): boolean {
  if (memory.length < prefixBytes) return false;
  const bytes = memory.readUInt32BE(1);
  return bytes === memory.length - prefixBytes && bytes <= bytesMax;
}

/** Who is told what an `EnvelopeReader` finds. */
export interface EnvelopeOwner {
  /** One message, not yet decompressed. The memory is the reader's no longer: it may be kept. */
  envelope(flags: number, payload: Buffer): void;
  /** A message says that it is larger than allowed. Nothing was allocated for it, and nothing more is read. */
  excessive(bytes: number): void;
}

/** So many pieces of a message are kept as they came; more, when they are tiny, are brought together. */
const piecesMax = 1_024;

/** Puts the messages together that arrive in pieces of any size. */
export class EnvelopeReader {
  /** Nothing more is read: what is pushed is dropped. */
  stopped = false;
  readonly #bytesMax: number;
  readonly #owner: EnvelopeOwner;
  /** What is there of a message that is not complete. */
  #pieces: Buffer[] = [];
  #held = 0;
  /** Bytes of which at least so many are needed to go on. */
  #needed = 0;
  /** The first so many pieces were brought together before: each has at least as many bytes as pieces may be. */
  #merged = 0;

  constructor(bytesMax: number, owner: EnvelopeOwner) {
    this.#bytesMax = bytesMax;
    this.#owner = owner;
  }

  /** A message has begun and has not ended. */
  get unfinished(): boolean {
    return this.#held > 0;
  }

  push(chunk: Buffer): void {
    if (this.stopped) return;
    let memory = chunk;
    if (this.#held > 0) {
      this.#keep(chunk);
      if (this.#held < this.#needed) return;
      memory = Buffer.concat(this.#pieces, this.#held);
      this.#pieces = [];
      this.#merged = 0;
      this.#held = 0;
    }
    let at = 0;
    while (memory.length - at >= prefixBytes) {
      const bytes = memory.readUInt32BE(at + 1);
      if (bytes > this.#bytesMax) {
        this.stopped = true;
        this.#owner.excessive(bytes);
        return;
      }
      const from = at + prefixBytes;
      if (memory.length - from < bytes) break;
      at = from + bytes;
      this.#owner.envelope(memory[from - prefixBytes]!, memory.subarray(from, at));
      if (this.stopped) return;
    }
    if (at === memory.length) return;
    const rest = at === 0 ? memory : memory.subarray(at);
    this.#needed = prefixBytes + (rest.length < prefixBytes ? 0 : rest.readUInt32BE(1));
    this.#keep(rest);
  }

  /** A peer that sends a message byte by byte must not make us keep an object for each of them. */
  #keep(piece: Buffer): void {
    this.#held += piece.length;
    if (this.#pieces.push(piece) - this.#merged < piecesMax) return;
    this.#pieces.push(Buffer.concat(this.#pieces.splice(this.#merged)));
    this.#merged = this.#pieces.length;
  }
}
