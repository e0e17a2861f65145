/** What stands in an envelope; so the Connect protocol has it for items and ends. */
export const Envelope = {
  item: 0,
  /** What goes before the items of an upload, where path, query and headers do not hold it. */
  head: 1,
  /** The end, with `{}` or, of an answer, the problem with which it failed. Without it the items are cut short. */
  end: 2,
} as const;

/** Before each payload: the flag, and the length as an unsigned number of four bytes, the highest first. */
const envelopeHeaderBytes = 5;

/** The media type of items in envelopes; `octet-stream` where they are bytes. */
export function itemsMediaType(format: string): string {
  return `application/vnd.trunkline.items+${format}`;
}

/** The format of a media type of items in envelopes; undefined when it is another one. */
export function itemsFormat(mediaType: string): string | undefined {
  return /^application\/vnd\.trunkline\.items\+([\w.-]+)$/.exec(mediaType)?.[1];
}

/** A payload in its envelope. */
export function enveloped(flag: number, payload: string | Uint8Array): Buffer {
  const bytes = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
  const out = Buffer.allocUnsafe(envelopeHeaderBytes + bytes);
  out[0] = flag;
  out.writeUInt32BE(bytes, 1);
  if (typeof payload === "string") out.write(payload, envelopeHeaderBytes);
  else out.set(payload, envelopeHeaderBytes);
  return out;
}

/** Takes envelopes out of bytes as they come. What it holds is bounded by the largest payload it takes. */
export class EnvelopeReader {
  readonly #bytesMax: number;
  readonly #each: (flag: number, memory: Buffer, from: number, to: number) => void;
  /** Bytes of an envelope that has not come whole. */
  #parts: Buffer[] = [];
  #held = 0;
  /** How many bytes make it whole, as far as is known. */
  #wanted: number = envelopeHeaderBytes;

  /** `each` gets borrowed memory. A payload larger than `bytesMax` is refused by a RangeError. */
  constructor(
    bytesMax: number,
    each: (flag: number, memory: Buffer, from: number, to: number) => void,
  ) {
    this.#bytesMax = bytesMax;
    this.#each = each;
  }

  /** Bytes have come of an envelope that is not whole. */
  get unfinished(): boolean {
    return this.#held > 0;
  }

  push(chunk: Buffer): void {
    if (this.#held + chunk.length < this.#wanted) {
      this.#hold(chunk);
      return;
    }
    const memory = this.#held === 0 ? chunk : Buffer.concat([...this.#parts, chunk]);
    this.#parts = [];
    this.#held = 0;
    let at = 0;
    for (;;) {
      this.#wanted = envelopeHeaderBytes;
      if (memory.length - at < envelopeHeaderBytes) break;
      const bytes = memory.readUInt32BE(at + 1);
      if (bytes > this.#bytesMax) throw new RangeError(`an item of ${bytes} bytes`);
      this.#wanted += bytes;
      if (memory.length - at < this.#wanted) break;
      const from = at + envelopeHeaderBytes;
      at += this.#wanted;
      this.#each(memory[from - envelopeHeaderBytes]!, memory, from, at);
    }
    if (at < memory.length) this.#hold(memory.subarray(at));
  }

  #hold(part: Buffer): void {
    this.#parts.push(part);
    this.#held += part.length;
  }
}
