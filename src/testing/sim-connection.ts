import { BoundedQueue } from "../base/bounded-queue.ts";
import { systemError } from "../base/error.ts";
import type { Peer } from "../base/peer.ts";
import { claimRefused, outgoingBounds, type OutgoingBounds } from "../transport/outgoing-bounds.ts";
import type {
  CloseReason,
  Connection,
  ConnectionOptions,
  Receiver,
} from "../transport/transport.ts";
import type { SimEnv } from "./sim-env.ts";
import type { SimPipe } from "./sim-link.ts";

/** What a frame costs beside its bytes, so that empty ones cannot wait without bound. */
const frameCostBytes = 64;

/** Frames up to this size are claimed here and copied in their true size. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** The most bytes that arrive at once. */
const parcelBytesMax = 64 * 1024;

/** A frame that was read is overwritten with this: whoever keeps borrowed memory reads nonsense. */
const poison = 0xa5;

/** Sees every frame at the end that sends and at the end that reads it. */
export interface FrameObserver {
  sent(end: SimConnection, frame: Buffer): void;
  received(end: SimConnection, frame: Buffer): void;
}

/** How the network concerns one end of a connection. */
export interface EndHost {
  /** How fast this node reads, in bytes a millisecond; Infinity for at once. */
  readRate(env: SimEnv): number;
  /** Whether the news that the peer is gone overtakes what it had sent. */
  overtakes(): boolean;
  readonly observer: FrameObserver | undefined;
}

/** One end of a connection of the simulated network. */
export class SimConnection implements Connection {
  readonly peer: Peer;
  readonly env: SimEnv;
  /** Tells connections apart, for people. */
  readonly id: number;
  /** The end that has dialled. */
  readonly dialled: boolean;
  outgoing: Buffer = scratch;
  writable = true;
  readonly #host: EndHost;
  readonly #onClose: (end: SimConnection) => void;
  readonly #bounds: OutgoingBounds;
  #out!: SimPipe;
  #other!: SimConnection;
  /** Frames that were committed in this turn. */
  #committed: Buffer[] = [];
  /** Bytes that were committed and of which we do not know that the other end has read them. */
  #waiting = 0;
  /** Bytes that we have read and not yet said so. */
  #unsaid = 0;
  readonly #incoming: BoundedQueue<Buffer> = new BoundedQueue(Infinity);
  #receiver: Receiver | undefined;
  #paused = false;
  #readPlanned = false;
  #busyUntil = 0;
  #ended = false;
  #peerEnded = false;
  #peerGone: CloseReason | undefined;
  #endTold = false;
  #reason: CloseReason | undefined;

  constructor(
    id: number,
    dialled: boolean,
    address: string,
    options: ConnectionOptions,
    env: SimEnv,
    host: EndHost,
    onClose: (end: SimConnection) => void,
  ) {
    this.id = id;
    this.dialled = dialled;
    this.peer = { address, sameHost: true };
    this.env = env;
    this.#host = host;
    this.#onClose = onClose;
    this.#bounds = outgoingBounds(options);
  }

  /** Called once, before anything else. */
  join(other: SimConnection, out: SimPipe): void {
    this.#other = other;
    this.#out = out;
  }

  get closed(): boolean {
    return this.#reason !== undefined;
  }

  /** Frames that wait in this end or on their way from it. */
  get held(): number {
    return this.#incoming.size + this.#committed.length + this.#out.size;
  }

  // ---- sending ------------------------------------------------------------------------------------------------------

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
    const frame = Buffer.from(this.outgoing.subarray(0, end));
    this.#host.observer?.sent(this, frame);
    this.#waiting += end + frameCostBytes;
    if (this.#waiting > this.#bounds.outgoingBytesHigh) this.writable = false;
    if (this.#committed.push(frame) === 1) this.env.defer(() => this.#flush());
  }

  #flush(): void {
    if (this.#reason !== undefined) return;
    const other = this.#other;
    let frames: Buffer[] = [];
    let bytes = 0;
    const send = (): void => {
      const parcel = frames;
      this.#out.send(() => other.#arrived(parcel));
      frames = [];
      bytes = 0;
    };
    for (const frame of this.#committed.splice(0)) {
      frames.push(frame);
      bytes += frame.length + frameCostBytes;
      if (bytes >= parcelBytesMax) send();
    }
    if (frames.length > 0) send();
  }

  #acknowledged(bytes: number): void {
    this.#waiting -= bytes;
    if (this.writable || this.#waiting > this.#bounds.outgoingBytesHigh / 2) return;
    this.writable = true;
    this.env.yield(() => {
      if (this.#reason === undefined && !this.#ended && this.writable) this.#receiver?.drain();
    });
  }

  // ---- receiving ----------------------------------------------------------------------------------------------------

  open(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#reason !== undefined) this.#tellClosed();
    else this.#readLater();
  }

  pause(): void {
    this.#paused = true;
    if (this.#peerGone !== undefined) this.#close(this.#peerGone); // nobody would resume for it
  }

  resume(): void {
    this.#paused = false;
    this.#readLater();
  }

  #arrived(frames: readonly Buffer[]): void {
    if (this.#reason !== undefined) return;
    const idle = this.#incoming.size === 0 && !this.#readPlanned;
    for (const frame of frames) this.#incoming.push(frame);
    if (idle && this.#busyUntil <= this.env.world.now) this.#read();
    else this.#readLater();
  }

  #readLater(): void {
    if (this.#readPlanned || this.#paused || this.#receiver === undefined) return;
    if (this.#reason !== undefined) return;
    this.#readPlanned = true;
    this.env.in(this.#busyUntil - this.env.world.now, () => {
      this.#readPlanned = false;
      this.#read();
    });
  }

  /** Gives the receiver the frames that are there, as fast as this node reads. */
  #read(): void {
    const receiver = this.#receiver;
    if (receiver === undefined) return;
    const rate = this.#host.readRate(this.env);
    for (let left = this.#incoming.size; left > 0; left--) {
      if (this.#paused || this.#reason !== undefined) return;
      const frame = this.#incoming.shift()!;
      if (frame.length > this.#bounds.frameBytesMax) {
        this.#break(frame.length);
        return;
      }
      this.#take(frame, receiver);
      if (rate < Infinity) {
        this.#busyUntil = this.env.world.now + frame.length / rate;
        break;
      }
    }
    if (this.#paused || this.#reason !== undefined) return;
    if (this.#incoming.size > 0) this.#readLater();
    else this.#afterTheLast(receiver);
  }

  #take(frame: Buffer, receiver: Receiver): void {
    this.#unsaid += frame.length + frameCostBytes;
    // Often enough that the sender notices in time, and not for every frame.
    if (this.#unsaid * 4 >= this.#other.#bounds.outgoingBytesHigh) {
      const [bytes, other] = [this.#unsaid, this.#other];
      this.#unsaid = 0;
      this.#out.send(() => other.#acknowledged(bytes));
    }
    this.#host.observer?.received(this, frame);
    try {
      receiver.frame(frame, 0, frame.length);
    } catch (error) {
      this.destroy("the receiver of its frames threw");
      throw error;
    }
    frame.fill(poison);
  }

  #afterTheLast(receiver: Receiver): void {
    if (this.#peerGone !== undefined) {
      this.#close(this.#peerGone);
    } else if (this.#peerEnded && !this.#endTold) {
      this.#endTold = true;
      receiver.ended();
      this.#closeWhenDone();
    }
  }

  // ---- closing ------------------------------------------------------------------------------------------------------

  end(): void {
    if (this.#ended || this.#reason !== undefined) return;
    this.#flush();
    this.#ended = true;
    const other = this.#other;
    this.#out.send(() => {
      other.#peerEnded = true;
      other.#readLater();
    });
    this.#closeWhenDone();
  }

  destroy(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#close({ kind: "destroyed", message: reason });
    this.#tellPeer("the peer is gone");
  }

  /** The process of this end has died: the system tells the other one. */
  die(): void {
    if (this.#reason === undefined) this.#tellPeer("the peer's process has died");
  }

  /** The peer, or the way to it, is gone. */
  lose(message: string): void {
    if (this.#reason !== undefined) return;
    this.#peerGone = { kind: "lost", message };
    const unread = this.#incoming.size > 0 && !this.#paused && this.#receiver !== undefined;
    if (unread && !this.#host.overtakes()) this.#readLater();
    else this.#close(this.#peerGone);
  }

  /** Nothing that this end sends arrives any more, and nobody is told. */
  silence(): void {
    this.#out.silence();
  }

  #tellPeer(message: string): void {
    const other = this.#other;
    this.#out.send(() => other.lose(message));
  }

  #break(bytes: number): void {
    const message = `the peer sent a frame of ${bytes} bytes, at most ${this.#bounds.frameBytesMax} are taken`;
    this.#close({ kind: "broken", message });
    this.#tellPeer("the peer is gone");
  }

  #closeWhenDone(): void {
    if (this.#ended && this.#endTold)
      this.#close({ kind: "done", message: "both sides had ended" });
  }

  #close(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#incoming.clear();
    this.#committed = [];
    this.#other.silence(); // what it still sends has no reader
    this.#onClose(this);
    if (this.#receiver !== undefined) this.#tellClosed();
  }

  #tellClosed(): void {
    this.env.yield(() => this.#receiver!.closed(this.#reason!));
  }

  #closedError(): Error {
    const why =
      this.#reason === undefined
        ? "this side has ended the connection"
        : `the connection is closed: ${this.#reason.message}`;
    return systemError("UNAVAILABLE", why, { executed: "no" });
  }
}
