import type { Wire } from "./wire.ts";

/*
 * The floor: bytes behind a length of four bytes, and nothing else. The server sends back what it reads without looking
 * at it, the client compares bytes with bytes; no JSON, no objects, no schemas. What it costs is the price of what
 * carries the bytes: the operating system and Node.
 */

const lengthBytes = 4;

/** Frames after which a batch leaves before the turn is over: the same courtesy that Trunkline grants itself. */
const batchFramesMax = 32;

const slabBytes = 256 * 1024;

interface Waiting {
  readonly bytes: Buffer;
  readonly resolve: (same: boolean) => void;
}

/** The server's side. */
export function answerWithEcho(wire: Wire): void {
  wire.read((chunk) => void wire.write(chunk));
}

/** Frames out and the same frames back, in order; those of one turn leave in one write. */
export class Echo {
  readonly #wire: Wire;
  readonly #waiting: Waiting[] = [];
  #first = 0;
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  #at = 0;
  #frames = 0;
  #flushing = false;
  /** The beginning of a frame whose end has not arrived. */
  readonly #carry = Buffer.allocUnsafeSlow(slabBytes);
  #carried = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
    wire.read((chunk) => this.#read(chunk));
  }

  /** Resolves with true when what came back is the same. */
  send(bytes: Buffer): Promise<boolean> {
    if (this.#at + lengthBytes + bytes.length > this.#slab.length) {
      this.#flush();
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
    }
    this.#at = this.#slab.writeUInt32BE(bytes.length, this.#at);
    this.#at += bytes.copy(this.#slab, this.#at);
    if (++this.#frames >= batchFramesMax) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      process.nextTick(this.#endTurn);
    }
    return new Promise((resolve) => this.#waiting.push({ bytes, resolve }));
  }

  readonly #endTurn = (): void => {
    this.#flushing = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#at === 0) return;
    this.#frames = 0;
    this.#wire.write(this.#slab.subarray(0, this.#at));
    this.#slab = this.#slab.subarray(this.#at); // what was written may not have left yet
    this.#at = 0;
  }

  /** What comes back is as long as what went out, so the lengths are known. */
  #read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const { bytes, resolve } = this.#waiting[this.#first]!;
      const missing = lengthBytes + bytes.length - this.#carried;
      const end = at + missing;
      if (end <= chunk.length && this.#carried === 0) {
        resolve(isEcho(bytes, chunk, at, end));
      } else {
        const copied = chunk.copy(this.#carry, this.#carried, at, Math.min(end, chunk.length));
        this.#carried += copied;
        if (copied < missing) return;
        resolve(isEcho(bytes, this.#carry, 0, this.#carried));
        this.#carried = 0;
      }
      this.#answered();
      at = end;
    }
  }

  #answered(): void {
    if (++this.#first < 1024) return;
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }
}

function isEcho(bytes: Buffer, memory: Buffer, from: number, to: number): boolean {
  return (
    memory.readUInt32BE(from) === bytes.length &&
    bytes.compare(memory, from + lengthBytes, to) === 0
  );
}
