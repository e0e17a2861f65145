import { deepEqual, equal } from "node:assert/strict";

import type { Env } from "../../../base/env.ts";
import { ownUser } from "../../../base/process-owner.ts";
import type { Addon, Watch } from "../../../os/addon.ts";
import type { ByteSink, ByteStream } from "../../byte-stream.ts";
import { framed } from "../../framed.ts";
import type { CloseReason, Connection } from "../../transport.ts";
import { shmSettings } from "../settings.ts";
import { ShmMover } from "../shm-mover.ts";

/** Calls of the system that can go wrong. */
export type Fault =
  | "memoryCreate"
  | "memoryMap"
  | "memorySeal"
  | "bellCreate"
  | "descriptorCopy"
  | "watchStart"
  | "watchStart of the bell"
  | "watchStart of the socket"
  | "socketSend"
  | "socketReceive"
  | "memorySeals"
  | "socketPeer";

/** A number: sends a frame of so many bytes. `hear`: is told what the other one can. */
export type Act = number | "hear" | "end" | "destroy";

interface Item {
  bytes: Buffer;
  readonly fds: readonly number[];
  readonly end: boolean;
}

interface Opened {
  readonly memory?: ArrayBuffer;
  seals: number;
  rung: number;
}

const again = -11;
const tooMany = -90;

/** What both processes share: descriptors stand for the same things in both. */
export class Kernel {
  readonly open = new Map<number, Opened>();
  maps = 0;
  #next = 10;

  made(what: Partial<Opened>): number {
    this.open.set(this.#next, { seals: 0, rung: 0, ...what });
    return this.#next++;
  }

  copied(fd: number): number {
    this.open.set(this.#next, this.open.get(fd)!);
    return this.#next++;
  }

  closed(fd: number): void {
    equal(this.open.delete(fd), true, "a descriptor is closed that is not open");
  }
}

/** One end: a real connection and a real mover, over a socket and an addon that are played. */
export class End {
  readonly frames: number[] = [];
  readonly sent: number[] = [];
  readonly reasons: CloseReason[] = [];
  readonly log: string[] = [];
  ended = false;
  readonly mover: ShmMover;
  readonly connection: Connection;
  other!: End;
  /** What has come by the socket and was not read. */
  inbox: Item[] = [];
  readonly #kernel: Kernel;
  readonly #acts: readonly Act[];
  readonly #fault: Fault | undefined;
  /** Its own memory. */
  #own: ArrayBuffer | undefined;
  #acted = 0;
  #failed = false;
  readonly #ticks: (() => void)[] = [];
  #turns: (() => void)[] = [];
  readonly #watches = new Map<number, { readonly ready: (events: number) => void; on: boolean }>();
  readonly #socketFd: number;
  readonly #socket = new PlayedSocket(this);

  constructor(kernel: Kernel, dialled: boolean, acts: readonly Act[], fault: Fault | undefined) {
    this.#kernel = kernel;
    this.#acts = acts;
    this.#fault = fault;
    this.#socketFd = kernel.made({});
    const env = {
      now: () => 0,
      random: () => 0.5,
      defer: (work: () => void) => void this.#ticks.push(work),
      yield: (work: () => void) => void this.#turns.push(work),
    } as unknown as Env;
    const settings = shmSettings({ ringBytes: 65_536 });
    this.mover = new ShmMover(this.#os() as Addon, this.#socket as never, settings, dialled, env);
    const peer = { address: "played:", sameHost: true };
    this.connection = framed(this.mover.stream, peer, {}, env, this.mover);
    this.connection.open({
      frame: (_memory, from, to) => void this.frames.push(to - from),
      drain: () => {},
      ended: () => (this.ended = true),
      closed: (reason) => void this.reasons.push(reason),
    });
  }

  get fd(): number {
    return this.#socket.closed ? -1 : this.#socketFd;
  }

  defer(work: () => void): void {
    this.#ticks.push(work);
  }

  /** What may happen here next. */
  events(): string[] {
    const all: string[] = [];
    if (this.#acted < this.#acts.length) all.push("act");
    const { inbox } = this;
    if (this.#socket.reads && inbox.length > 0) {
      all.push("read");
      if (inbox.length > 1 && inbox[0]!.fds.length + inbox[1]!.fds.length === 0 && !inbox[1]!.end)
        all.push("read two");
    }
    for (const [fd, { on }] of this.#watches) {
      if (!on) continue;
      const what = this.#kernel.open.get(fd)!;
      const isSocket = what === this.#kernel.open.get(this.#socketFd);
      if (isSocket ? inbox.length > 0 : what.rung > 0) all.push(`watch ${fd}`);
    }
    return all;
  }

  happen(event: string): void {
    this.log.push(event + this.other.words());
    if (event === "act") this.#act(this.#acts[this.#acted++]!);
    else if (event === "read") this.#socket.deliver(this.inbox.shift()!);
    else if (event === "read two") {
      const [one, two] = this.inbox.splice(0, 2);
      this.#socket.deliver({ ...one!, bytes: Buffer.concat([one!.bytes, two!.bytes]) });
    } else {
      const fd = Number(event.slice(6));
      this.#kernel.open.get(fd)!.rung = 0;
      this.#watches.get(fd)!.ready(1);
    }
    this.rest();
  }

  /** Until nothing is left to be done here; what the rings do in detail is looked at elsewhere. */
  rest(): void {
    for (let left = 1_000; left > 0; left--) {
      for (const work of this.#ticks) work();
      this.#ticks.length = 0;
      const turn = this.#turns.shift();
      if (turn === undefined) return;
      turn();
    }
    throw new Error("it does not come to rest");
  }

  /** Its words: what happens at the other end depends on them. */
  words(): string {
    return this.#own === undefined
      ? ""
      : new Int32Array(this.#own, 4_096, 160).filter((word) => word !== 0).join();
  }

  #act(act: Act): void {
    const { connection } = this;
    if (act === "hear") this.mover.heard("shm/1");
    else if (act === "end") connection.end();
    else if (act === "destroy") connection.destroy("the script says so");
    else {
      try {
        const at = connection.claim(act);
        connection.outgoing.fill(1, at, at + act);
        connection.commit(at + act);
        this.sent.push(act);
      } catch {
        return; // it has ended
      }
    }
  }

  #fails(what: Fault): boolean {
    if (this.#fault !== what || this.#failed) return false;
    this.#failed = true;
    return true;
  }

  #os(): Partial<Addon> {
    const kernel = this.#kernel;
    const may = (what: Fault): void => {
      if (this.#fails(what)) throw new Error(`no ${what}`);
    };
    return {
      readable: 1,
      sealSeal: 1,
      sealShrink: 2,
      sealGrow: 4,
      sealFutureWrite: 16,
      memoryCreate: (_name, bytes) => {
        may("memoryCreate");
        this.#own = new ArrayBuffer(bytes);
        return kernel.made({ memory: this.#own });
      },
      memorySeal: (fd, seals) => {
        may("memorySeal");
        kernel.open.get(fd)!.seals = seals;
      },
      memorySeals: (fd) => (this.#fails("memorySeals") ? -22 : kernel.open.get(fd)!.seals),
      memoryBytes: (fd) => kernel.open.get(fd)!.memory!.byteLength,
      memoryMap: (fd) => {
        may("memoryMap");
        kernel.maps++;
        return kernel.open.get(fd)!.memory!;
      },
      memoryLetGo: () => void kernel.maps--,
      bellCreate: () => {
        may("bellCreate");
        return kernel.made({});
      },
      isBell: (fd) => kernel.open.get(fd)?.memory === undefined,
      bellRing: (fd) => {
        kernel.open.get(fd)!.rung++;
        return 0;
      },
      descriptorCopy: (fd) => {
        may("descriptorCopy");
        return kernel.copied(fd);
      },
      descriptorClose: (fd) => kernel.closed(fd),
      watchStart: (fd, _events, counts, ready) => {
        may("watchStart");
        if (counts) may("watchStart of the bell");
        else if (this.#watches.size > 0) may("watchStart of the socket");
        this.#watches.set(fd, { ready, on: true });
        return fd as never;
      },
      watchHold: () => {},
      watchEvents: (watch, events) => {
        this.#watches.get(fdOf(watch))!.on = events !== 0;
      },
      watchStop: (watch) => void this.#watches.delete(fdOf(watch)),
      socketPeer: () => (this.#fails("socketPeer") ? -95 : [1, ownUser() ?? -1, 1]),
      socketSend: (_fd, bytes, from, to, fds) => {
        if (fds.length > 0 && this.#fails("socketSend")) return -109;
        if (this.other.gone) return -32;
        const copies = fds.map((fd) => kernel.copied(fd));
        this.other.inbox.push({
          bytes: Buffer.from(bytes.subarray(from, to)),
          fds: copies,
          end: false,
        });
        return to - from;
      },
      socketReceive: (_fd, into, from, _to, fds) => this.#receive(into, from, fds),
    };
  }

  get gone(): boolean {
    return this.#socket.closed;
  }

  #receive(into: Uint8Array, from: number, fds: number[]): number {
    const [item] = this.inbox;
    if (item === undefined) return again;
    if (item.end) return 0;
    into[from] = item.bytes[0]!;
    const { fds: came } = item;
    if (item.bytes.length === 1) this.inbox.shift();
    else this.inbox[0] = { ...item, bytes: item.bytes.subarray(1), fds: [] };
    if (came.length > 0 && this.#fails("socketReceive")) {
      for (const fd of came) this.#kernel.closed(fd);
      return tooMany;
    }
    fds.push(...came);
    return 1;
  }

  /** Whatever was going on: nothing is left open of it. */
  destroy(): void {
    this.connection.destroy("the test is over");
    this.rest();
    equal(this.reasons.length, 1, "it is told of the end once");
    for (const { fds } of this.inbox.splice(0)) for (const fd of fds) this.#kernel.closed(fd);
    this.#kernel.closed(this.#socketFd);
    equal(this.#watches.size, 0, "a watch is left");
  }

  /** What came is what was sent, up to somewhere. */
  check(): void {
    deepEqual(this.frames, this.other.sent.slice(0, this.frames.length));
  }
}

/** As much of a `SocketStream` as a mover and a `MovingStream` need. */
class PlayedSocket implements ByteStream {
  readonly busy = false;
  closed = false;
  readonly #end: End;
  #sink: ByteSink | undefined;
  #attached = true;
  #paused = false;
  #eof = false;
  #ended = false;
  readonly #onClose: (() => void)[] = [];

  constructor(end: End) {
    this.#end = end;
  }

  /** What Node would call the socket. */
  get socket(): object {
    const on = (_event: string, run: () => void): void => void this.#onClose.push(run);
    return { on, once: on, destroy: () => this.destroy() };
  }

  get fd(): number {
    return this.#end.fd;
  }

  get reads(): boolean {
    return (
      this.#sink !== undefined && this.#attached && !this.#paused && !this.closed && !this.#eof
    );
  }

  open(sink: ByteSink): void {
    this.#sink = sink;
  }

  write(bytes: Uint8Array, written: () => void): void {
    if (this.closed || this.#end.other.gone) return;
    this.#end.other.inbox.push({ bytes: Buffer.from(bytes), fds: [], end: false });
    this.#end.defer(written);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  end(): void {
    this.#ended = true;
    this.#says();
    if (this.#eof) this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.#says();
    this.#end.defer(() => {
      for (const run of this.#onClose) run();
      this.#sink?.closed(undefined);
    });
  }

  detach(): number {
    this.#attached = false;
    return this.fd;
  }

  attach(): void {
    this.#attached = true;
  }

  deliver({ bytes, end, fds }: Item): void {
    equal(fds.length, 0, "somebody who takes none is sent descriptors");
    if (!end) return this.#sink!.bytes(bytes, 0, bytes.length);
    this.#eof = true;
    if (this.#end.other.gone && !this.#ended) return this.destroy();
    this.#sink!.ended();
    if (this.#ended) this.destroy();
  }

  #says(): void {
    const { inbox } = this.#end.other;
    if (inbox.at(-1)?.end !== true) inbox.push({ bytes: Buffer.alloc(0), fds: [], end: true });
  }
}

function fdOf(watch: Watch): number {
  return watch as unknown as number;
}
