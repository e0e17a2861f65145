import { BoundedQueue } from "../../base/bounded-queue.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import { claimRefused, outgoingBounds, type OutgoingBounds } from "../outgoing-bounds.ts";
import type { CloseReason, Connection, ConnectionOptions, Receiver } from "../transport.ts";

/** One end of a connection: how it was asked for, and the surroundings in which its receiver runs. */
export interface MemoryEnd {
  readonly address: string;
  readonly options: ConnectionOptions;
  readonly env: Env;
}

/** Frames up to this size are written here first and then copied in their true size; no user code runs in between. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** What a frame costs beside its bytes: without it, empty frames could wait without bound. */
const frameCostBytes = 64;

/** Two ends that are joined. `onClose` is called once, when the second one has closed. */
export function connectionPair(
  first: MemoryEnd,
  second: MemoryEnd,
  onClose: () => void,
): [Connection, Connection] {
  const left = new MemoryConnection(first);
  const right = new MemoryConnection(second);
  left.join(right, () => {});
  right.join(left, onClose);
  return [left, right];
}

class MemoryConnection implements Connection {
  readonly peer: Peer;
  outgoing: Buffer = scratch;
  writable = true;
  #other!: MemoryConnection;
  #onClose!: () => void;
  readonly #bounds: OutgoingBounds;
  readonly #env: Env;
  /** Frames of the other end that the receiver has not seen. */
  readonly #incoming: BoundedQueue<Buffer> = new BoundedQueue(Infinity);
  /** Bytes that the other end has not taken. */
  #waiting = 0;
  #receiver: Receiver | undefined;
  #paused = false;
  #delivering = false;
  #ended = false;
  #peerEnded = false;
  #endTold = false;
  #reason: CloseReason | undefined;

  constructor(end: MemoryEnd) {
    this.peer = { address: end.address, sameHost: true };
    this.#bounds = outgoingBounds(end.options);
    this.#env = end.env;
  }

  join(other: MemoryConnection, onClose: () => void): void {
    this.#other = other;
    this.#onClose = onClose;
  }

  open(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#reason !== undefined) this.#tellClosed();
    else this.#deliverLater();
  }

  claim(bytesMax: number): number {
    const { frameBytesMax, outgoingBytesMax } = this.#bounds;
    if (this.#reason !== undefined || this.#ended) throw this.#closedError();
    if (bytesMax > frameBytesMax || this.#waiting + bytesMax > outgoingBytesMax) {
      throw claimRefused(bytesMax, this.#waiting, this.#bounds);
    }
    this.outgoing = bytesMax <= scratch.length ? scratch : Buffer.allocUnsafeSlow(bytesMax);
    return 0;
  }

  commit(end: number): void {
    const { outgoing } = this;
    if (end > outgoing.length) throw new RangeError("the frame does not lie in its claim");
    const claimed = outgoing.subarray(0, end);
    this.#waiting += end + frameCostBytes;
    if (this.#waiting > this.#bounds.outgoingBytesHigh) this.writable = false;
    const other = this.#other;
    other.#incoming.push(outgoing === scratch ? Buffer.from(claimed) : claimed);
    other.#deliverLater();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliverLater();
  }

  end(): void {
    if (this.#ended || this.#reason !== undefined) return;
    this.#ended = true;
    this.#other.#peerEnded = true;
    this.#other.#deliverLater();
    this.#closeWhenDone();
  }

  destroy(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#close({ kind: "destroyed", message: reason });
    this.#other.#close({ kind: "lost", message: "the peer is gone" });
  }

  #deliverLater(): void {
    if (this.#delivering || this.#paused || this.#receiver === undefined) return;
    if (this.#reason !== undefined) return;
    this.#delivering = true;
    // Not `defer`: two ends that answer each other at once would keep the process from everything else.
    this.#env.yield(() => {
      this.#delivering = false;
      this.#deliver(this.#receiver!);
    });
  }

  /** Passes on the frames that are there now; those that come meanwhile have their own turn. */
  #deliver(receiver: Receiver): void {
    for (let left = this.#incoming.size; left > 0; left--) {
      if (this.#paused || this.#reason !== undefined) return;
      const frame = this.#incoming.shift()!;
      if (frame.length > this.#bounds.frameBytesMax) return this.#refuse(frame.length);
      this.#other.#taken(frame.length + frameCostBytes);
      try {
        receiver.frame(frame, 0, frame.length);
      } catch (error) {
        this.destroy("the receiver of its frames threw");
        throw error;
      }
    }
    if (this.#paused || this.#reason !== undefined) return;
    if (this.#incoming.size > 0) return this.#deliverLater();
    if (!this.#peerEnded || this.#endTold) return;
    this.#endTold = true;
    receiver.ended();
    this.#closeWhenDone();
  }

  #taken(bytes: number): void {
    this.#waiting -= bytes;
    if (this.writable || this.#waiting > this.#bounds.outgoingBytesHigh / 2) return;
    this.writable = true;
    this.#env.yield(() => {
      if (this.writable && this.#reason === undefined && !this.#ended) this.#receiver?.drain();
    });
  }

  #refuse(bytes: number): void {
    const message = `the peer sent a frame of ${bytes} bytes, at most ${this.#bounds.frameBytesMax} are taken`;
    this.#close({ kind: "broken", message });
    this.#other.#close({ kind: "lost", message: "the peer is gone" });
  }

  #closeWhenDone(): void {
    if (this.#ended && this.#endTold)
      this.#close({ kind: "done", message: "both sides had ended" });
  }

  #close(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#incoming.clear();
    this.#onClose();
    if (this.#receiver !== undefined) this.#tellClosed();
  }

  #tellClosed(): void {
    this.#env.yield(() => this.#receiver!.closed(this.#reason!));
  }

  #closedError(): Error {
    const why =
      this.#reason === undefined
        ? "this side has ended the connection"
        : `the connection is closed: ${this.#reason.message}`;
    return systemError("UNAVAILABLE", why, { executed: "no" });
  }
}
