import { equal, ok } from "node:assert/strict";
import type { Env } from "../src/base/env.ts";
import type { Addon } from "../src/os/addon.ts";
import type { Segment } from "../src/os/segment.ts";
import { SharedWords } from "../src/os/words.ts";
import { framed } from "../src/transport/framed.ts";
import { Patience } from "../src/transport/shm/patience.ts";
import { ShmStream } from "../src/transport/shm/shm-stream.ts";
import type { CloseReason, Connection } from "../src/transport/transport.ts";

/** Turns of the event loop in which all that can happen has happened. */
const turnsMost = 5_000;

/** The event loop of one process, as far as the memory needs it: it goes on when it is told to. */
export class Loop {
  readonly #ticks: (() => void)[] = [];
  #turns: (() => void)[] = [];
  readonly env: Env = {
    now: () => 0,
    random: () => 0,
    defer: (work: () => void) => void this.#ticks.push(work),
    yield: (work: () => void) => void this.#turns.push(work),
  } as unknown as Env;

  tick(): void {
    for (const work of this.#ticks) work(); // what they add too
    this.#ticks.length = 0;
  }

  /** Until nothing is left to be done. */
  rest(): void {
    this.tick();
    for (let left = turnsMost; this.#turns.length > 0; left--) {
      ok(left > 0, "it does not come to rest");
      const turns = this.#turns;
      this.#turns = [];
      for (const work of turns) {
        work();
        this.tick();
      }
    }
  }
}

/** What both have mapped, of one direction. */
export class Memory {
  readonly ring: Buffer;
  readonly words: SharedWords = new SharedWords(new ArrayBuffer(1_024), 0);

  constructor(ringBytes: number) {
    this.ring = Buffer.alloc(ringBytes);
  }
}

/** What came by the socket: so many bytes, the first of which is `byte`, with descriptors. */
export interface BySocket {
  readonly count: number;
  readonly byte: number;
  readonly fds: readonly number[];
}

const fd = { socket: 3, bell: 4, peerBell: 5 } as const;
/** EAGAIN. */
const nothing: BySocket = { count: -11, byte: 0, fds: [] };

/** An end that keeps the rules: a framed connection over shared memory, whose bells and socket are the test's. */
export class ShmEnd {
  readonly connection: Connection;
  readonly reasons: CloseReason[] = [];
  onFrame: (frame: Buffer) => void = () => {};
  onBell: () => void = () => {};
  /** What the socket gives to whoever reads it. */
  bySocket: BySocket[] = [];
  ends = 0;
  readonly #loop: Loop;
  readonly #watches = new Map<number, (events: number) => void>();
  readonly #open = new Set<number>(Object.values(fd));
  #released = 0;
  /** The number of the last bell that it has made for itself. */
  #bells = 1e6;

  constructor(loop: Loop, own: Memory, peer: Memory, frameBytesMax: number) {
    this.#loop = loop;
    const passage = {
      os: this.#os() as Addon,
      socket: { on: () => {}, destroy: () => {} } as never,
      socketFd: fd.socket,
      own: this.#segment(own),
      peer: this.#segment(peer),
      bellFd: fd.bell,
      peerBellFd: fd.peerBell,
      released: () => {},
    };
    const stream = new ShmStream(passage, loop.env, new Patience(1));
    const about = { address: "fuzz:", sameHost: true };
    this.connection = framed(stream, about, { frameBytesMax }, loop.env);
    this.connection.open({
      frame: (memory, from, to) => {
        equal(this.reasons.length, 0, "a frame after the end");
        this.onFrame(memory.subarray(from, to));
      },
      drain: () => {},
      ended: () => void this.ends++,
      closed: (reason) => void this.reasons.push(reason),
    });
  }

  /** Somebody has rung. */
  rung(): void {
    this.#told(fd.bell);
  }

  /** Something came by the socket. */
  heard(what: BySocket): void {
    this.bySocket.push(what);
    this.#told(fd.socket);
  }

  /** It has closed, once, and holds nothing any more. */
  over(): void {
    equal(this.reasons.length, 1, "it has not closed, or has said so twice");
    equal(this.#released, 2, "it has kept memory");
    equal(this.#watches.size, 0, "it has kept watches");
    equal(this.#open.size, 0, "it has kept descriptors");
  }

  #told(which: number): void {
    this.#watches.get(which)?.(1);
    this.#loop.tick();
  }

  #segment({ words, ring }: Memory): Segment {
    return { words, ring, release: () => void this.#released++ };
  }

  #os(): Partial<Addon> {
    return {
      readable: 1,
      watchStart: (which, _events, _counts, ready) => {
        this.#watches.set(which, ready);
        return which as never;
      },
      watchHold: () => {},
      watchEvents: () => {},
      watchStop: (watch) => void this.#watches.delete(watch as unknown as number),
      bellCreate: () => {
        this.#open.add(++this.#bells);
        return this.#bells;
      },
      bellRing: () => {
        ok(this.#open.has(fd.peerBell), "it rings a bell that it has closed");
        this.onBell();
        return 0;
      },
      socketReceive: (_fd, into, from, _to, fds) => {
        const { count, byte, fds: came } = this.bySocket.shift() ?? nothing;
        if (count > 0) into[from] = byte;
        // What nobody receives the system closes with the socket.
        for (const each of came) this.#open.add(each);
        fds.push(...came);
        return count;
      },
      descriptorClose: (which) => ok(this.#open.delete(which), "it closes what it has not opened"),
    };
  }
}
