import { systemError, type SystemError } from "../base/error.ts";
import type { Env } from "../base/env.ts";
import type { ByteStream } from "./byte-stream.ts";
import { claimRefused, type OutgoingBounds } from "./outgoing-bounds.ts";
import { Slab, slabBytes } from "../base/slab.ts";

/** The length in front of each frame, as RSocket over TCP has it: 24 bits, big end first. */
export const lengthBytes = 3;

/**
 * Frames after which a batch leaves before the turn is over. Without it client and server take turns in lock-step and
 * never work at the same time: 32 gave twice the calls of "end of turn only", 8 and 16 gave less than 32.
 */
const batchFramesMax = 32;

const nothing = Buffer.alloc(0);

/**
 * The outgoing half of a framed connection. Frames are written straight into a slab; those of one turn leave in one
 * write. While the stream is busy they gather, and leave together when it is free again.
 */
export class FrameWriter {
  /** The memory of the last claim. */
  memory: Buffer = nothing;
  /** False from `outgoingBytesHigh` waiting bytes on, until half of them have left. */
  writable = true;
  /** Bytes that are committed and not confirmed as sent. */
  #waiting = 0;
  #slab: Slab | undefined;
  /** Where the length of the next frame goes. */
  #at = 0;
  /** Up to here the slab was handed to the stream. */
  #sent = 0;
  /** The end of the room that claims may use; 0 without a slab and when nothing more may be sent. */
  #end = 0;
  /** Committed since the last flush. */
  #frames = 0;
  #flushing = false;
  /** Why nothing more can be sent. */
  #over: string | undefined;
  #gone = false;
  readonly #stream: ByteStream;
  readonly #bounds: OutgoingBounds;
  readonly #env: Env;
  readonly #onDrain: () => void;
  readonly #endTurn: () => void;

  constructor(stream: ByteStream, bounds: OutgoingBounds, env: Env, onDrain: () => void) {
    this.#stream = stream;
    this.#bounds = bounds;
    this.#env = env;
    this.#onDrain = onDrain;
    this.#endTurn = () => {
      this.#flushing = false;
      this.#flush();
    };
  }

  claim(bytesMax: number): number {
    const from = this.#at + lengthBytes;
    const { frameBytesMax, outgoingBytesMax } = this.#bounds;
    if (bytesMax > frameBytesMax || this.#waiting + bytesMax > outgoingBytesMax) {
      throw this.#overError() ?? claimRefused(bytesMax, this.#waiting, this.#bounds);
    }
    return from + bytesMax <= this.#end ? from : this.#claimFresh(bytesMax);
  }

  commit(end: number): void {
    const { memory } = this;
    const at = this.#at;
    const length = end - at - lengthBytes;
    if (length < 0 || end > this.#end) throw new RangeError("the frame does not lie in its claim");
    memory[at] = length >>> 16;
    memory[at + 1] = length >>> 8;
    memory[at + 2] = length;
    this.#at = end;
    this.#waiting += length + lengthBytes;
    if (this.#waiting > this.#bounds.outgoingBytesHigh) this.writable = false;
    if (++this.#frames >= batchFramesMax) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      this.#env.defer(this.#endTurn);
    }
  }

  /** Hands over what was committed, whether the stream is busy or not. */
  push(): void {
    this.#frames = 0;
    this.#write();
  }

  /** Hands over what was committed; later claims throw UNAVAILABLE with this reason. */
  end(reason: string): void {
    if (this.#over !== undefined) return;
    this.#over = reason;
    this.#write();
    this.#retire();
  }

  /** Forgets everything: the stream is gone. Slabs with unconfirmed writes are not reused. */
  close(reason: string): void {
    this.#over = reason;
    this.#gone = true;
    this.#at = this.#sent;
    this.#retire();
  }

  #claimFresh(bytesMax: number): number {
    const error = this.#overError();
    if (error !== undefined) throw error;
    this.#write();
    this.#retire();
    const bytes = bytesMax + lengthBytes;
    const slab = bytes <= slabBytes ? Slab.take() : new Slab(bytes);
    this.#slab = slab;
    this.memory = slab.memory;
    this.#end = slab.memory.length;
    return lengthBytes;
  }

  #flush(): void {
    this.#frames = 0;
    // Otherwise the confirmation of the write that is under way sends what has gathered until then.
    if (!this.#stream.busy) this.#write();
  }

  #write(): void {
    const slab = this.#slab;
    const from = this.#sent;
    const to = this.#at;
    if (slab === undefined || from === to) return;
    this.#sent = to;
    slab.pending++;
    this.#stream.write(slab.memory.subarray(from, to), (error) => {
      // After an error the stream closes; memory that it may still hold is not reused.
      if (!error && !this.#gone) this.#written(slab, to - from);
    });
  }

  #written(slab: Slab, bytes: number): void {
    slab.pending--;
    this.#waiting -= bytes;
    if (slab !== this.#slab) {
      if (slab.pending === 0) slab.giveBack();
    } else if (slab.pending === 0 && this.#sent === this.#at) this.#retire();
    if (!this.#stream.busy) this.#write();
    if (!this.writable && this.#waiting <= this.#bounds.outgoingBytesHigh / 2) {
      this.writable = true;
      if (this.#over === undefined) this.#onDrain();
    }
  }

  /** Lets go of the slab; it returns to the others when its last write is confirmed. */
  #retire(): void {
    const slab = this.#slab;
    if (slab === undefined) return;
    this.#slab = undefined;
    this.memory = nothing;
    this.#at = 0;
    this.#sent = 0;
    this.#end = 0;
    if (slab.pending === 0) slab.giveBack();
  }

  #overError(): SystemError | undefined {
    if (this.#over === undefined) return undefined;
    return systemError("UNAVAILABLE", this.#over, { executed: "no" });
  }
}
