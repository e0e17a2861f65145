import type { Env } from "../../../base/env.ts";
import type { Addon, Watch } from "../../../os/addon.ts";
import type { Segment } from "../../../os/segment.ts";
import type { Words } from "../../../os/words.ts";
import type { Patience } from "../patience.ts";
import type { ShmStream } from "../shm-stream.ts";
import { openedStream } from "./opened.ts";
import type { Ask, Program, Report } from "./places.ts";

const Stream = await openedStream();

/** What the user of one side does, one after the other, whenever the event loop has a turn for it. */
type Act = number | "end" | "destroy" | "pause" | "resume";

export interface Script {
  /** A number: writes so many bytes. */
  readonly acts: readonly Act[];
  /** Pauses from within the sink as soon as so many bytes have come, and resumes some time later. */
  readonly pausesAt?: number;
  /** Writes back as many bytes as come, from within the sink. */
  readonly echoes?: boolean;
  /** How often it looks again before it sleeps. Default 0. */
  readonly looks?: number;
}

export interface SideReport extends Report {
  acted: number;
  /** Bytes that the stream was given, and bytes that came. */
  given: number;
  came: number;
  /** Writes, and how many of them were confirmed. */
  writes: number;
  confirmed: number;
  paused: boolean;
  ended: boolean;
  endTold: boolean;
  destroyed: boolean;
  closed: "" | "well" | "badly";
}

export function newReport(): SideReport {
  return {
    hungUp: false,
    within: "",
    acted: 0,
    given: 0,
    came: 0,
    writes: 0,
    confirmed: 0,
    paused: false,
    ended: false,
    endTold: false,
    destroyed: false,
    closed: "",
  };
}

/** A real `ShmStream` over memory, bells and a socket of which each use is a step, with a user above it. */
export function shmSide(side: 0 | 1, ringBytes: number, script: Script): Program<SideReport> {
  return (ask, report) => new Side(side, ringBytes, script, ask, report).run();
}

/** A stream whose private fields can be looked at. */
type Opened = ShmStream & Readonly<Record<string, unknown>>;

type Asking = (what: Ask) => unknown;

class Side {
  readonly #side: 0 | 1;
  readonly #script: Script;
  readonly #ask: Asking;
  readonly #report: SideReport;
  readonly #stream: Opened;
  /** What waits for the end of the turn, and for a later one. */
  readonly #ticks: (() => void)[] = [];
  readonly #turns: (() => void)[] = [];
  /** What is watched, and how to tell of it. */
  readonly #watches = new Map<number, () => void>();
  readonly #closedFds = new Set<number>();
  #released = 0;
  #resumes = false;

  constructor(side: 0 | 1, ringBytes: number, script: Script, ask: Asking, report: SideReport) {
    this.#side = side;
    this.#script = script;
    this.#ask = ask;
    this.#report = report;
    const env: Pick<Env, "defer" | "yield" | "now"> = {
      now: () => 0,
      defer: (work) => void this.#ticks.push(work),
      yield: (work) => void this.#turns.push(work),
    };
    const socket = { on: () => {}, destroy: () => (report.hungUp = true) };
    this.#stream = new Stream(
      {
        os: this.#os() as Addon,
        socket: socket as never,
        socketFd: fds.socket,
        own: this.#segment(ringBytes),
        peer: this.#segment(ringBytes),
        bellFd: fds.bell,
        peerBellFd: fds.peerBell,
        released: () => {},
      },
      env as Env,
      patienceOf(script.looks ?? 0) as Patience,
    ) as Opened;
  }

  run(): void {
    this.#stream.open({
      bytes: (memory, from, to) => this.#bytes(memory, from, to),
      ended: () => {
        if (this.#report.endTold) throw new Error(`${this.#side} is told of the end twice`);
        this.#report.endTold = true;
      },
      closed: (error) => {
        if (this.#report.closed !== "")
          throw new Error(`${this.#side} is told twice that it has closed`);
        this.#report.closed = error === undefined ? "well" : "badly";
      },
    });
    for (;;) {
      this.#tick();
      const own: string[] = [];
      if (this.#report.acted < this.#script.acts.length) own.push("act");
      if (this.#turns.length > 0) own.push("turn");
      if (this.#resumes) own.push("resume");
      this.#report.within = this.#within();
      const event = this.#ask({
        kind: "event",
        bell: this.#watches.has(fds.bell),
        socket: this.#watches.has(fds.socket),
        own,
      });
      if (event === "bell") this.#watches.get(fds.bell)!();
      else if (event === "socket") this.#watches.get(fds.socket)!();
      else if (event === "turn") this.#turns.shift()!();
      else if (event === "resume") {
        this.#resumes = false;
        this.#act("resume");
      } else this.#act(this.#script.acts[this.#report.acted++]!);
    }
  }

  /** What turns are for is not told apart: the stream has only one use for them. */
  #within(): string {
    const shown = Object.entries(this.#stream).filter(([name]) => !outside.has(name));
    return JSON.stringify([shown, this.#turns.length, this.#resumes, [...this.#watches.keys()]]);
  }

  #tick(): void {
    for (let next = this.#ticks.shift(); next !== undefined; next = this.#ticks.shift()) next();
  }

  #act(act: Act): void {
    const report = this.#report;
    if (typeof act === "number") return this.#write(act);
    if (act === "end") report.ended = true;
    else if (act === "destroy") report.destroyed = true;
    else report.paused = act === "pause";
    this.#stream[act]();
  }

  #write(count: number): void {
    const report = this.#report;
    if (report.closed !== "" || report.ended || report.destroyed) return;
    const from = report.given;
    report.given += count;
    report.writes++;
    const bytes = Uint8Array.from({ length: count }, (_, i) => byteOf(this.#side, from + i));
    this.#stream.write(bytes, () => void report.confirmed++);
  }

  #bytes(memory: Buffer, from: number, to: number): void {
    const report = this.#report;
    if (report.paused) throw new Error(`${this.#side} is given bytes while it pauses`);
    if (report.endTold || report.closed !== "")
      throw new Error(`${this.#side} is given bytes after the end`);
    for (let at = from; at < to; at++) {
      if (memory[at] !== byteOf(this.#side === 0 ? 1 : 0, report.came++))
        throw new Error(`${this.#side} is given other bytes than were sent`);
    }
    const { pausesAt, echoes } = this.#script;
    if (pausesAt !== undefined && report.came >= pausesAt && report.came - (to - from) < pausesAt) {
      this.#act("pause");
      this.#resumes = true;
    }
    if (echoes === true) this.#write(to - from);
  }

  #os(): Partial<Addon> {
    return {
      readable: 1,
      watchStart: (fd, _events, _counts, ready) => {
        this.#watches.set(fd, () => ready(1));
        return { fd } as never;
      },
      watchHold: () => {},
      // The stream only ever watches for less.
      watchEvents: (watch) => void this.#watches.delete(fdOf(watch)),
      watchStop: (watch) => void this.#watches.delete(fdOf(watch)),
      bellRing: () => {
        this.#live();
        this.#ask({ kind: "ring" });
        return 0;
      },
      // What is kept back for descriptors, which nobody sends here.
      bellCreate: () => fds.reserve,
      socketReceive: () => (this.#ask({ kind: "gone" }) === 1 ? 0 : again),
      descriptorClose: (fd) => {
        if (fd === fds.reserve) return;
        if (this.#closedFds.has(fd)) throw new Error(`${this.#side} closes a descriptor twice`);
        this.#closedFds.add(fd);
      },
    };
  }

  #segment(ringBytes: number): Segment {
    const words: Words = {
      load: (index) => {
        this.#live();
        return this.#ask({ kind: "load", index }) as number;
      },
      store: (index, value) => {
        this.#live();
        this.#ask({ kind: "store", index, value: value >>> 0 });
      },
    };
    const ring = {
      length: ringBytes,
      set: (bytes: Uint8Array, at: number) => {
        this.#live();
        this.#ask({ kind: "write", at, bytes: Uint8Array.from(bytes) });
      },
      copy: (into: Buffer, to: number, from: number, end: number) => {
        this.#live();
        into.set(this.#ask({ kind: "read", at: from, count: end - from }) as Uint8Array, to);
      },
    };
    return { words, ring: ring as never, release: () => void this.#released++ };
  }

  #live(): void {
    if (this.#released > 0) throw new Error(`${this.#side} uses memory that it has let go of`);
  }
}

function patienceOf(looks: number): Pick<Patience, keyof Patience> {
  const patience = {
    left: looks,
    found: () => void (patience.left = looks),
    again: () => patience.left > 0 && patience.left-- > 0,
    sleeps: () => {},
    wakes: () => {},
  };
  return patience;
}

/** Fields of a stream that never change. */
const outside = new Set(["_passage", "_env", "_bell", "descriptors", "_sink"]);

const fds = { socket: 5, bell: 6, peerBell: 7, reserve: 8 } as const;
/** EAGAIN, as the addon gives it. */
const again = -11;

function fdOf(watch: Watch): number {
  return (watch as unknown as { fd: number }).fd;
}

function byteOf(side: 0 | 1, at: number): number {
  return ((at % 100) + 1) | (side << 7);
}
