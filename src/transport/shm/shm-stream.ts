import type { Socket } from "node:net";

import { BoundedQueue } from "../../base/bounded-queue.ts";
import type { Env } from "../../base/env.ts";
import type { Addon, Watch } from "../../os/addon.ts";
import { RingReader } from "../../os/ring-reader.ts";
import { RingWriter } from "../../os/ring-writer.ts";
import type { Segment } from "../../os/segment.ts";
import { RulesBroken, type ByteSink, type ByteStream } from "../byte-stream.ts";
import { Descriptors } from "./descriptors.ts";
import { Patience } from "./patience.ts";

/** What both sides have agreed on: memory and bells of each, and the socket whose end tells of the other side's death. */
export interface Passage {
  readonly os: Addon;
  readonly socket: Socket;
  /** A copy of the socket's descriptor, to be watched: the event loop knows the original one already. */
  readonly socketFd: number;
  readonly own: Segment;
  readonly peer: Segment;
  /** Rung by the other side: there are bytes, or there is room. */
  readonly bellFd: number;
  readonly peerBellFd: number;
  /** Called when both segments have been let go of. */
  readonly released: () => void;
}

interface Write {
  readonly bytes: Uint8Array;
  from: number;
  readonly written: () => void;
}

/**
 * Read from the ring at once: copied here, and then looked at. Shared by all connections of the process: what stands in it is
 * borrowed and used up before the next read.
 */
const scratch: Buffer = Buffer.allocUnsafeSlow(128 * 1024);

/** Two rings in shared memory, one for each direction, as a stream of bytes. */
export class ShmStream implements ByteStream {
  readonly #passage: Passage;
  readonly #env: Env;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #bell: Watch;
  /** What goes by the socket beside the rings. */
  readonly descriptors: Descriptors;
  /** What waits for room: the connection above bounds it. */
  readonly #writes: BoundedQueue<Write> = new BoundedQueue(Infinity);
  readonly #patience: Patience;
  #sink: ByteSink | undefined;
  #paused = false;
  #holds = true;
  #draining = false;
  #ending = false;
  #endTold = false;
  /** The socket has ended: nothing comes any more but what is in the ring. */
  #gone = false;
  #closed = false;

  constructor(passage: Passage, env: Env, patience: Patience = new Patience()) {
    const { os, own, peer, bellFd, peerBellFd, socketFd, socket } = passage;
    this.#passage = passage;
    this.#env = env;
    this.#patience = patience;
    const ring = (): void => void os.bellRing(peerBellFd);
    this.#writer = new RingWriter(own.ring, own.words, peer.words, ring);
    this.#reader = new RingReader(peer.ring, own.words, peer.words, ring);
    this.#bell = os.watchStart(bellFd, os.readable, true, () => this.#rung());
    try {
      this.descriptors = new Descriptors(os, socketFd, {
        gone: () => this.#peerGone(),
        broken: () =>
          this.#close(new RulesBroken("the peer has sent what makes no sense by the socket")),
      });
    } catch (error) {
      os.watchStop(this.#bell);
      throw error;
    }
    socket.on("close", () => this.#close(undefined));
  }

  open(sink: ByteSink): void {
    this.#sink = sink;
    this.#drainLater();
  }

  write(bytes: Uint8Array, written: (error?: Error | null) => void): void {
    if (this.#closed) return;
    if (this.#writes.size === 0) {
      const count = this.#put(bytes, 0);
      if (count < 0) return this.#broken();
      if (count > 0) this.#writer.publish();
      if (count === bytes.length) return this.#env.defer(written);
      this.#writes.push({ bytes, from: count, written });
    } else this.#writes.push({ bytes, from: 0, written });
    this.#fill();
  }

  get busy(): boolean {
    return this.#writes.size > 0;
  }

  pause(): void {
    this.#paused = true;
    this.#hold();
  }

  resume(): void {
    this.#paused = false;
    this.#hold();
    this.#drainLater();
  }

  /** As with a socket: the process goes on for the sake of what may come or is to go, and not for one that nobody reads. */
  #hold(): void {
    const holds = !this.#paused || this.#writes.size > 0;
    if (holds === this.#holds || this.#closed) return;
    this.#holds = holds;
    this.#passage.os.watchHold(this.#bell, holds);
    this.descriptors.hold(holds);
  }

  end(): void {
    this.#ending = true;
    this.#endWhenWritten();
  }

  destroy(): void {
    this.#close(undefined);
  }

  #peerGone(): void {
    this.#gone = true;
    if (this.#writes.size > 0) this.#fill();
    this.#drainLater();
  }

  #rung(): void {
    // A bell is rung once for each sleep and each wait: what goes on from here is the next one.
    if (this.#reader.wake()) this.#patience.wakes(this.#env.now());
    this.#writer.go();
    if (this.#writes.size > 0) this.#fill();
    if (!this.#draining) this.#drain();
  }

  /**
   * As `RingWriter.write`. Where the other side is gone there is always room: nobody would ever make any, and whoever reads nothing until
   * something has left has yet to read what the other side had said.
   */
  #put(bytes: Uint8Array, from: number): number {
    return this.#gone ? bytes.length - from : this.#writer.write(bytes, from);
  }

  /** Writes what waits, as far as there is room, and waits for more. */
  #fill(): void {
    if (this.#closed) return;
    for (let next = this.#writes.peek(); next !== undefined; next = this.#writes.peek()) {
      const count = this.#put(next.bytes, next.from);
      if (count < 0) return this.#broken();
      if (count > 0) this.#writer.publish();
      next.from += count;
      if (next.from === next.bytes.length) {
        this.#writes.shift();
        this.#env.defer(next.written);
      } else if (this.#writer.wait()) return this.#hold();
    }
    this.#writer.go();
    this.#hold();
    this.#endWhenWritten();
  }

  #endWhenWritten(): void {
    if (!this.#ending || this.#writes.size > 0 || this.#closed) return;
    this.#writer.end();
    this.#closeWhenDone();
  }

  #drainLater(): void {
    if (this.#draining || this.#closed || this.#sink === undefined) return;
    this.#draining = true;
    this.#env.yield(() => {
      this.#draining = false;
      this.#drain();
    });
  }

  /** Reads once. What comes of it, answers above all, is on its way before the next look. */
  #drain(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#paused || this.#closed) return;
    const count = this.#reader.read(scratch);
    if (count < 0) return this.#broken();
    if (count > 0) {
      this.#patience.found();
      sink.bytes(scratch, 0, count);
      this.#drainLater();
    } else if (this.#reader.ended) this.#peerEnded(sink);
    else if (this.#gone) this.#close(peerGone());
    else if (this.#patience.again(this.#env.now()) || !this.#reader.sleep()) this.#drainLater();
    else this.#patience.sleeps(this.#env.now());
  }

  #peerEnded(sink: ByteSink): void {
    // It said so after its last bytes: what came between the last look and this one is there now.
    const count = this.#reader.read(scratch);
    if (count < 0) return this.#broken();
    if (count > 0) {
      sink.bytes(scratch, 0, count);
      return this.#drainLater();
    }
    if (!this.#endTold) {
      this.#endTold = true;
      sink.ended();
    }
    this.#closeWhenDone();
    if (this.#gone) this.#close(peerGone());
  }

  #closeWhenDone(): void {
    if (this.#ending && this.#writes.size === 0 && this.#endTold) this.#close(undefined);
  }

  #broken(): void {
    this.#close(
      new RulesBroken("the peer has written what makes no sense into the memory that is shared"),
    );
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    const { os, own, peer, bellFd, peerBellFd, socketFd, socket, released } = this.#passage;
    os.watchStop(this.#bell);
    this.descriptors.close();
    for (const fd of [bellFd, peerBellFd, socketFd]) os.descriptorClose(fd);
    this.#writes.clear();
    socket.destroy();
    // Not in this turn: somebody may be in the midst of what was read.
    this.#env.defer(() => {
      own.release();
      peer.release();
      released();
      this.#sink?.closed(error);
    });
  }
}

function peerGone(): Error {
  return Object.assign(new Error("the peer is gone"), { code: "ECONNRESET" });
}
