import { lengthBytes } from "./frame-writer.ts";
import { Slab, slabBytes } from "../base/slab.ts";
import type { Receiver } from "./transport.ts";

/** The least memory that an incomplete frame gets. */
const carryBytesMin = 256;

/** An incomplete frame gets at most this many times the memory that has arrived of it. */
const growth = 4;

const nothing = Buffer.alloc(0);

/**
 * The incoming half of a framed connection: cuts bytes into frames. Whole frames are passed on where they stand; only
 * what is left over at the end of a chunk is copied, into the carry:
 *
 *     chunk:  [len|frame][len|frame][len|fra        →  carry: [len|fra]
 *     chunk:  me][len|frame][le                     →  carry: [len|frame] passed on, then [le]
 */
export class FrameReader {
  /** While true no frame is passed on; bytes that still come are kept. */
  paused = false;
  #carry: Buffer = nothing;
  /** The pooled slab that the carry is, if it is one. */
  #slab: Slab | undefined;
  #from = 0;
  #to = 0;
  #walking = false;
  #over = false;
  readonly #receiver: Pick<Receiver, "frame">;
  readonly #frameBytesMax: number;
  readonly #onBroken: (message: string) => void;

  constructor(
    receiver: Pick<Receiver, "frame">,
    frameBytesMax: number,
    onBroken: (message: string) => void,
  ) {
    this.#receiver = receiver;
    this.#frameBytesMax = frameBytesMax;
    this.#onBroken = onBroken;
  }

  /** True while whole frames that arrived before a pause have not been passed on. */
  get behind(): boolean {
    const kept = this.#to - this.#from;
    return kept >= lengthBytes && kept >= lengthBytes + lengthAt(this.#carry, this.#from);
  }

  /** True between two frames: nothing of an incomplete one has arrived. */
  get clean(): boolean {
    return this.#to === this.#from;
  }

  /** Takes borrowed bytes in and passes on the frames that are whole. */
  read(memory: Buffer, from: number, to: number): void {
    let at = from;
    if (!this.clean) {
      if (!this.paused && !this.behind) at = this.#complete(memory, from, to);
      if (!this.clean) return this.#keep(memory, at, to);
    }
    at = this.#walk(memory, at, to);
    if (at < to) this.#keep(memory, at, to);
  }

  /** After a pause: passes on what was kept, until the next pause. */
  catchUp(): void {
    this.#from = this.#walk(this.#carry, this.#from, this.#to);
    if (this.clean || this.#over) this.#drop();
  }

  /** Nothing more is passed on. */
  close(): void {
    this.#over = true;
    // A frame in the carry may just be borrowed; then the walk gives the memory back.
    if (!this.#walking) this.#drop();
  }

  /** Passes on the whole frames between `from` and `to`; returns where it stopped. */
  #walk(memory: Buffer, from: number, to: number): number {
    let at = from;
    this.#walking = true;
    try {
      while (to - at >= lengthBytes && !this.paused && !this.#over) {
        const start = at + lengthBytes;
        const length = lengthAt(memory, at);
        if (length > this.#frameBytesMax) {
          this.#refuse(length);
          break;
        }
        if (start + length > to) break;
        at = start + length;
        this.#receiver.frame(memory, start, at);
      }
    } finally {
      this.#walking = false;
    }
    return at;
  }

  /** Adds what the frame in the carry lacks and passes it on when it is whole; returns what it used of the chunk. */
  #complete(memory: Buffer, from: number, to: number): number {
    const lengthTo = Math.min(to, from + Math.max(0, lengthBytes - (this.#to - this.#from)));
    this.#keep(memory, from, lengthTo);
    const kept = this.#to - this.#from;
    if (kept < lengthBytes) return lengthTo;
    const length = lengthAt(this.#carry, this.#from);
    if (length > this.#frameBytesMax) {
      this.#refuse(length);
      return to;
    }
    const frameTo = Math.min(to, lengthTo + lengthBytes + length - kept);
    this.#keep(memory, lengthTo, frameTo);
    if (this.behind) this.catchUp();
    return frameTo;
  }

  #keep(memory: Buffer, from: number, to: number): void {
    const bytes = to - from;
    if (bytes === 0 || this.#over) return;
    if (this.#to + bytes > this.#carry.length) this.#grow(memory, from, bytes);
    memory.copy(this.#carry, this.#to, from, to);
    this.#to += bytes;
  }

  /**
   * Makes room for `bytes` more: for the whole frame at once when a fair part of it is there. The announced length of a
   * large one is not trusted: its memory stays below four times what has really arrived, and copying stays linear.
   */
  #grow(memory: Buffer, from: number, bytes: number): void {
    const kept = this.#to - this.#from;
    const needed = kept + bytes;
    let whole = carryBytesMin;
    if (kept >= lengthBytes) whole = lengthBytes + lengthAt(this.#carry, this.#from);
    else if (kept === 0 && bytes >= lengthBytes) whole = lengthBytes + lengthAt(memory, from);
    const room = Math.max(needed, Math.min(whole, Math.max(carryBytesMin, needed * growth)));

    const old = this.#carry;
    const oldSlab = this.#slab;
    // A pooled slab only where a good part of it is filled: ten thousand peers that send one byte must not hold one each.
    this.#slab = room > slabBytes / growth && room <= slabBytes ? Slab.take() : undefined;
    this.#carry = this.#slab?.memory ?? Buffer.allocUnsafeSlow(room);
    old.copy(this.#carry, 0, this.#from, this.#to);
    this.#from = 0;
    this.#to = kept;
    oldSlab?.giveBack();
  }

  #refuse(length: number): void {
    this.close();
    this.#onBroken(
      `the peer announced a frame of ${length} bytes, at most ${this.#frameBytesMax} are taken`,
    );
  }

  #drop(): void {
    this.#slab?.giveBack();
    this.#slab = undefined;
    this.#carry = nothing;
    this.#from = 0;
    this.#to = 0;
  }
}

function lengthAt(memory: Buffer, at: number): number {
  return (memory[at]! << 16) | (memory[at + 1]! << 8) | memory[at + 2]!;
}
