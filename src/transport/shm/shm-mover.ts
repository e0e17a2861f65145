import { userInfo } from "node:os";

import type { Env } from "../../base/env.ts";
import type { Addon, Watch } from "../../os/addon.ts";
import {
  adoptSegment,
  createSegment,
  nonceBytes,
  type OwnSegment,
  type Segment,
} from "../../os/segment.ts";
import type { Line, Mover } from "../mover.ts";
import { MovingStream } from "../moving-stream.ts";
import type { SocketStream } from "../socket-stream.ts";
import type { ShmSettings } from "./settings.ts";
import { ShmStream } from "./shm-stream.ts";

/** What is said of it among transports: the layout and this conversation are version 1. */
const offer = "shm/1";

/** What goes by the socket while nobody else reads it, one byte each; descriptors go along with the first. */
const Byte = { memory: 0x4d, yes: 0x59, no: 0x4e } as const;

type State = "idle" | "offered" | "sent" | "awaited" | "answered" | "moved" | "stayed";

/**
 * Moves a connection over a Unix socket into shared memory. Who dialled begins:
 *
 *     dialled                              accepted
 *     word "offer NONCE"        →          its last bytes by the socket; stops reading, makes its memory
 *     stops reading             ←          word "ready", its last bytes by the socket (or "no": all stays as it is)
 *     M, memory and bell        →          looks at them
 *     looks at them             ←          M, memory and bell (or N)
 *     Y, and goes by the rings  →          goes by the rings (or N)
 *
 * What is sent meanwhile is held, and goes by whatever way it has become. The socket stays: its end tells that the other side is gone.
 */
export class ShmMover implements Mover {
  readonly stream: MovingStream;
  readonly offer: string;
  way = "unix";
  readonly #os: Addon;
  readonly #socket: SocketStream;
  readonly #settings: ShmSettings;
  readonly #dialled: boolean;
  readonly #env: Env;
  #line!: Line;
  #state: State = "idle";
  #nonce: Buffer = Buffer.alloc(0);
  #own: OwnSegment | undefined;
  #bellFd = -1;
  #socketFd = -1;
  #watch: Watch | undefined;
  #peer: Segment | undefined;
  #peerBellFd = -1;

  constructor(os: Addon, socket: SocketStream, settings: ShmSettings, dialled: boolean, env: Env) {
    this.#os = os;
    this.#socket = socket;
    this.#settings = settings;
    this.#dialled = dialled;
    this.#env = env;
    this.offer = offer;
    this.stream = new MovingStream(socket, () => this.#peerEnded());
    socket.socket.once("close", () => this.#clear());
  }

  attach(line: Line): void {
    this.#line = line;
  }

  heard(theirs: string): void {
    if (!this.#dialled || theirs !== offer || this.#state !== "idle") return;
    if (!this.#sameUser() || !this.#prepare(this.#newNonce())) return this.#stay();
    this.#state = "offered";
    try {
      this.#line.say(`offer ${this.#nonce.toString("hex")}`);
    } catch {
      return this.#stay(); // it has ended
    }
    this.stream.hold();
  }

  /** Whoever has ended says no word any more. */
  #peerEnded(): void {
    if (this.#state !== "offered") return;
    this.#stay();
    this.#goOn();
  }

  word(word: string): void {
    const [name, nonce = ""] = word.split(" ");
    if (name === "offer" && !this.#dialled && this.#state === "idle") this.#offered(nonce);
    else if (name === "ready" && this.#state === "offered") this.#ready();
    else if (name === "no" && this.#state === "offered") {
      this.#stay();
      this.#goOn();
    } else this.#line.close(`the peer said "${name}" when it was not to be said`);
  }

  #offered(nonce: string): void {
    const bytes = Buffer.from(nonce, "hex");
    const can =
      bytes.length === nonceBytes && this.#sameUser() && this.#prepare(bytes) && this.#listen();
    try {
      this.#line.say(can ? "ready" : "no");
    } catch {
      // This side has ended, and the other one will see that: what it has held comes by the socket.
      if (can) this.#socket.attach();
      return this.#clear();
    }
    if (!can) return this.#stay();
    this.#state = "awaited";
    this.stream.hold();
  }

  #ready(): void {
    if (!this.#listen()) return this.#line.close("the socket could not be watched");
    this.#state = "sent";
    this.#send(Byte.memory);
  }

  /** Nobody else reads the socket from here on. */
  #listen(): boolean {
    const os = this.#os;
    const fd = this.#socket.detach();
    if (fd < 0) return false;
    try {
      this.#socketFd = os.descriptorCopy(fd);
      this.#watch = os.watchStart(this.#socketFd, os.readable, false, () => this.#received());
      return true;
    } catch {
      this.#socket.attach();
      return false;
    }
  }

  #received(): void {
    const os = this.#os;
    const byte = Buffer.alloc(1);
    const fds: number[] = [];
    const count = os.socketReceive(this.#socketFd, byte, 0, 1, fds);
    if (count === again) return;
    if (count <= 0) {
      for (const fd of fds) os.descriptorClose(fd);
      this.#socket.destroy();
      return;
    }
    const [said] = byte;
    if (this.#state === "answered" && fds.length === 0) return this.#concluded(said!);
    if (this.#state === "sent" && said === Byte.no && fds.length === 0) return this.#back();
    const awaits = this.#state === "sent" || this.#state === "awaited";
    const fault =
      awaits && said === Byte.memory && this.#line.clean()
        ? this.#adopt(fds)
        : "it was not to be said";
    if (fault !== undefined) for (const fd of fds) os.descriptorClose(fd);
    if (this.#state === "sent") {
      this.#send(fault === undefined ? Byte.yes : Byte.no);
      if (fault === undefined) this.#move();
      else this.#back();
    } else if (fault === undefined) {
      this.#state = "answered";
      this.#send(Byte.memory);
    } else {
      this.#send(Byte.no);
      this.#back();
    }
  }

  #concluded(said: number): void {
    if (said === Byte.yes) this.#move();
    else if (said === Byte.no) this.#back();
    else this.#line.close("the peer answered with something else");
  }

  /** Takes the memory and the bell of the other side, or says what is wrong with them. */
  #adopt(fds: readonly number[]): string | undefined {
    const [memory, bell] = fds;
    if (memory === undefined || bell === undefined || fds.length !== 2)
      return `${fds.length} descriptors came along`;
    try {
      const peer = adoptSegment(this.#os, memory, this.#nonce, this.#settings.ringBytesMax);
      if (typeof peer === "string") return peer;
      this.#peer = peer;
    } catch (error) {
      return String(error);
    }
    this.#os.descriptorClose(memory);
    this.#peerBellFd = bell;
    return undefined;
  }

  #send(byte: number): void {
    const fds = byte === Byte.memory ? [this.#own!.fd, this.#bellFd] : [];
    const sent = this.#os.socketSend(this.#socketFd, Buffer.of(byte), 0, 1, fds, "");
    if (sent !== 1) this.#line.close("the socket took nothing");
    else if (fds.length > 0) this.#os.descriptorClose(this.#own!.fd);
  }

  #move(): void {
    this.#os.watchStop(this.#watch!);
    this.#state = "moved";
    const passage = {
      os: this.#os,
      socket: this.#socket.socket,
      socketFd: this.#socketFd,
      own: this.#own!,
      peer: this.#peer!,
      bellFd: this.#bellFd,
      peerBellFd: this.#peerBellFd,
    };
    const rings = new ShmStream(passage, this.#env);
    this.way = "shm";
    this.stream.go(rings);
    this.#line.push();
    this.stream.readFrom(rings);
  }

  /** All goes on by the socket. */
  #back(): void {
    this.#stay();
    this.#socket.attach();
    this.#goOn();
  }

  #goOn(): void {
    this.stream.go();
    this.#line.push();
  }

  #stay(): void {
    this.#clear();
    this.#state = "stayed";
  }

  #prepare(nonce: Buffer): boolean {
    const os = this.#os;
    this.#nonce = nonce;
    try {
      this.#own = createSegment(os, this.#settings.ringBytes, nonce);
      this.#bellFd = os.bellCreate();
      return true;
    } catch {
      return false; // no memory, or no descriptor: the socket needs neither
    }
  }

  /** It tells connections apart, and is no secret: who could forge it has the socket anyway. */
  #newNonce(): Buffer {
    return Buffer.from(Array.from({ length: nonceBytes }, () => this.#env.random() * 256));
  }

  /** Others could be let in, and are safe to speak with, but memory of theirs would be counted as ours. */
  #sameUser(): boolean {
    const peer = this.#os.socketPeer(this.#socket.fd);
    return typeof peer !== "number" && peer[1] === userInfo().uid;
  }

  /** Lets go of what a move that did not come about has made. */
  #clear(): void {
    if (this.#state === "moved" || this.#state === "stayed") return;
    const os = this.#os;
    if (this.#watch !== undefined) os.watchStop(this.#watch);
    this.#peer?.release();
    for (const fd of [this.#bellFd, this.#socketFd, this.#peerBellFd])
      if (fd >= 0) os.descriptorClose(fd);
    if (this.#own !== undefined) {
      if (this.#state !== "sent" && this.#state !== "answered") os.descriptorClose(this.#own.fd);
      this.#own.release();
    }
    this.#state = "stayed";
  }
}

/** EAGAIN, as the addon gives it. */
const again = -11;
