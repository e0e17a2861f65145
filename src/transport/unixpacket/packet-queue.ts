import { claimRefused, type OutgoingBounds } from "../outgoing-bounds.ts";
import { eagain, kindBytes, kinds } from "./packet-socket.ts";

/** Room that small frames share. */
const blockBytes = 64 * 1024;

const nothing = Buffer.alloc(0);

interface Packet {
  readonly memory: Buffer;
  readonly from: number;
  readonly to: number;
}

/** What came of sending: the number of the error of the system, 0: none; and whether `writable` has become true again. */
interface Sent {
  readonly failed: number;
  readonly drained: boolean;
}

/** Frames that were committed, one packet each, until the socket has taken them. */
export class PacketQueue {
  /** The memory of the last claim. */
  memory: Buffer = nothing;
  /** False from `outgoingBytesHigh` waiting bytes on, until half of them have left. */
  writable = true;
  /** Committed since the last time that packets were sent. */
  fresh = 0;
  readonly #bounds: OutgoingBounds;
  /** From `#first` on they wait. */
  #packets: Packet[] = [];
  #first = 0;
  #waiting = 0;
  /** Where the next packet begins. */
  #at = 0;

  constructor(bounds: OutgoingBounds) {
    this.#bounds = bounds;
  }

  /** True while packets wait. */
  get waits(): boolean {
    return this.#first < this.#packets.length;
  }

  claim(bytesMax: number): number {
    const { frameBytesMax, outgoingBytesMax } = this.#bounds;
    if (bytesMax > frameBytesMax || this.#waiting + bytesMax > outgoingBytesMax) {
      throw claimRefused(bytesMax, this.#waiting, this.#bounds);
    }
    const needed = bytesMax + kindBytes;
    if (this.#at + needed > this.memory.length) {
      this.memory = Buffer.allocUnsafeSlow(Math.max(blockBytes, needed));
      this.#at = 0;
    }
    return this.#at + kindBytes;
  }

  commit(end: number): void {
    const from = this.#at;
    if (end < from + kindBytes || end > this.memory.length) {
      throw new RangeError("the frame does not lie in its claim");
    }
    this.memory[from] = kinds.frame;
    this.#packets.push({ memory: this.memory, from, to: end });
    this.#at = end;
    this.fresh++;
    this.#waiting += end - from;
    if (this.#waiting > this.#bounds.outgoingBytesHigh) this.writable = false;
  }

  /** Gives `put` the packets, oldest first, until it takes no more. */
  send(put: (memory: Buffer, from: number, to: number) => number): Sent {
    this.fresh = 0;
    let failed = 0;
    while (this.waits && failed === 0) {
      const { memory, from, to } = this.#packets[this.#first]!;
      const result = put(memory, from, to);
      if (result < 0) failed = result;
      else {
        this.#first++;
        this.#waiting -= to - from;
      }
    }
    if (!this.waits) {
      // The socket has copied them all: the block is free again.
      this.#packets = [];
      this.#first = 0;
      this.#at = 0;
    }
    const drained = !this.writable && this.#waiting <= this.#bounds.outgoingBytesHigh / 2;
    if (drained) this.writable = true;
    return { failed: failed === -eagain ? 0 : failed, drained };
  }

  close(): void {
    this.#packets = [];
    this.#first = 0;
    this.memory = nothing;
    this.#at = 0;
  }
}
