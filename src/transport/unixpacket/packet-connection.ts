import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import type { Addon, Watch } from "../../os/addon.ts";
import type { OutgoingBounds } from "../outgoing-bounds.ts";
import type { CloseReason, Connection, Receiver } from "../transport.ts";
import { eagain, kindBytes, kinds, packetBytesMax, systemErrorOf } from "./packet-socket.ts";
import { PacketQueue } from "./packet-queue.ts";

/** Packets that are read before others get their turn. */
const packetsATurn = 64;

/** Frames after which a batch leaves before the turn is over, as over byte streams. */
const batchFramesMax = 32;

const nobody: readonly number[] = [];

/** One for all connections of the process: what is read is borrowed, and used up within the call. */
let sharedReadBuffer: Buffer | undefined;

/** A connection of frames over a socket that keeps boundaries. The descriptor becomes its own. */
export class PacketConnection implements Connection {
  readonly peer: Peer;
  readonly #native: Addon;
  readonly #fd: number;
  readonly #env: Env;
  readonly #frameBytesMax: number;
  readonly #queue: PacketQueue;
  readonly #onClosed: () => void;
  readonly #into: Buffer;
  #watch: Watch | undefined;
  #watched = 0;
  #receiver: Receiver | undefined;
  #reason: CloseReason | undefined;
  #paused = false;
  #ended = false;
  #peerEnded = false;
  #flushing = false;

  constructor(
    native: Addon,
    fd: number,
    peer: Peer,
    bounds: OutgoingBounds,
    env: Env,
    onClosed: () => void = () => {},
  ) {
    this.#native = native;
    this.#fd = fd;
    this.peer = peer;
    this.#env = env;
    this.#frameBytesMax = bounds.frameBytesMax;
    this.#queue = new PacketQueue(bounds);
    this.#onClosed = onClosed;
    // One byte more than the largest: what is longer is seen to be.
    this.#into = sharedReadBuffer ??= Buffer.allocUnsafeSlow(packetBytesMax + kindBytes);
  }

  get outgoing(): Buffer {
    return this.#queue.memory;
  }

  get writable(): boolean {
    return this.#queue.writable;
  }

  open(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#reason !== undefined) return this.#tellClosed();
    this.#listen();
  }

  claim(bytesMax: number): number {
    if (this.#reason !== undefined) {
      throw over(`the connection is closed: ${this.#reason.message}`);
    }
    if (this.#ended) throw over("this side has ended the connection");
    return this.#queue.claim(bytesMax);
  }

  commit(end: number): void {
    this.#queue.commit(end);
    if (this.#queue.fresh >= batchFramesMax) return this.#flush();
    if (this.#flushing) return;
    this.#flushing = true;
    this.#env.defer(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  pause(): void {
    this.#paused = true;
    this.#listen();
  }

  resume(): void {
    this.#paused = false;
    this.#listen();
  }

  end(): void {
    if (this.#ended || this.#reason !== undefined) return;
    this.#ended = true;
    this.#flush();
  }

  destroy(reason: string): void {
    this.#close({ kind: "destroyed", message: reason });
  }

  /** Watches for what is waited for, and for nothing else: an end, and room, would be told without end. */
  #listen(): void {
    if (this.#reason !== undefined) return;
    const reads = this.#receiver !== undefined && !this.#paused && !this.#peerEnded;
    const writes = this.#queue.waits;
    const events = (reads ? this.#native.readable : 0) | (writes ? this.#native.writable : 0);
    if (events === this.#watched) return;
    this.#watched = events;
    if (this.#watch !== undefined) return this.#native.watchEvents(this.#watch, events);
    this.#watch = this.#native.watchStart(this.#fd, events, false, (what) => this.#ready(what));
  }

  #ready(what: number): void {
    // An error is told by the next call of the socket, to which both lead. Nothing is watched for from then on, and there may be more to read.
    if (what < 0) this.#watched = 0;
    if (what < 0 || (what & this.#native.writable) !== 0) this.#flush();
    if (what < 0 || (what & this.#native.readable) !== 0) this.#read();
    if (what < 0) this.#listen();
  }

  #read(): void {
    for (let packets = 0; packets < packetsATurn; packets++) {
      if (this.#reason !== undefined || this.#paused || this.#peerEnded) return;
      const strangers: number[] = [];
      const into = this.#into;
      const bytes = this.#native.socketReceive(this.#fd, into, 0, into.length, strangers);
      if (bytes === -eagain) return;
      if (strangers.length > 0) {
        for (const fd of strangers) this.#native.descriptorClose(fd);
        return this.#broken("the peer has sent descriptors, which are not taken");
      }
      if (bytes === 0) return this.#heardEnd();
      if (bytes === -econnreset) continue; // told once, before what had come
      if (bytes === -emsgsize) return this.#broken("the peer has sent a packet that is too large");
      if (bytes < 0) return this.#lost(bytes, "recvmsg");
      this.#packet(into, bytes);
    }
  }

  #packet(memory: Buffer, bytes: number): void {
    const [kind] = memory;
    if (kind === kinds.question && bytes === kindBytes) return;
    if (kind !== kinds.frame) return this.#broken("the peer has sent a packet of another kind");
    if (bytes - kindBytes > this.#frameBytesMax) {
      const length = bytes - kindBytes;
      const message = `the peer has sent a frame of ${length} bytes, more than ${this.#frameBytesMax}`;
      return this.#broken(message);
    }
    try {
      this.#receiver!.frame(memory, kindBytes, bytes);
    } catch (error) {
      this.#close({ kind: "destroyed", message: "the receiver of its frames threw" });
      throw error;
    }
  }

  /** A peer that has only ended still takes what we send, one that has died does not: a packet that it passes over tells. */
  #heardEnd(): void {
    if (!this.#ended && this.#sent() && !this.#queue.waits) {
      const asked = this.#native.socketSend(this.#fd, question, 0, kindBytes, nobody, "");
      if (asked < 0 && asked !== -eagain) return this.#lost(asked, "sendmsg");
    }
    if (this.#reason !== undefined) return;
    this.#peerEnded = true;
    this.#listen();
    this.#receiver!.ended();
    this.#done();
  }

  #flush(): void {
    if (this.#reason !== undefined || !this.#sent()) return;
    if (this.#ended && !this.#queue.waits) this.#native.socketEnd(this.#fd);
    this.#listen();
    // From within `end` nothing may be told.
    if (this.#ended) this.#env.defer(() => this.#done());
  }

  /** Sends as much as there is room for. False: the peer is gone. */
  #sent(): boolean {
    const { failed, drained } = this.#queue.send((bytes, from, to) =>
      this.#native.socketSend(this.#fd, bytes, from, to, nobody, ""),
    );
    if (failed !== 0) this.#lost(failed, "sendmsg");
    if (drained) this.#env.defer(() => this.#tellDrain());
    return failed === 0;
  }

  #tellDrain(): void {
    if (this.#reason !== undefined || this.#ended || !this.writable) return;
    this.#receiver?.drain();
  }

  #done(): void {
    if (this.#reason !== undefined || !this.#ended || !this.#peerEnded || this.#queue.waits) return;
    this.#close({ kind: "done", message: "both sides had ended" });
  }

  #broken(message: string): void {
    this.#close({ kind: "broken", message });
  }

  #lost(number: number, call: string): void {
    this.#close({
      kind: "lost",
      message: `the peer is gone (${systemErrorOf(number, call).code})`,
    });
  }

  #close(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#queue.close();
    if (this.#watch !== undefined) this.#native.watchStop(this.#watch);
    this.#native.descriptorClose(this.#fd);
    this.#onClosed();
    if (this.#receiver !== undefined) this.#tellClosed();
  }

  #tellClosed(): void {
    this.#env.defer(() => this.#receiver!.closed(this.#reason!));
  }
}

/** Linux; errors of the addon are negative. */
const emsgsize = 90;
const econnreset = 104;

const question = Buffer.of(kinds.question);

function over(reason: string): Error {
  return systemError("UNAVAILABLE", reason, { executed: "no" });
}
