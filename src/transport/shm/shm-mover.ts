import type { Env } from "../../base/env.ts";
import { ownUser } from "../../base/process-owner.ts";
import type { Addon, Watch } from "../../os/addon.ts";
import {
  adoptSegment,
  createSegment,
  nonceBytes,
  type OwnSegment,
  type Segment,
  segmentBytes,
} from "../../os/segment.ts";
import type { Line, Mover } from "../mover.ts";
import { MovingStream } from "../moving-stream.ts";
import type { SocketStream } from "../socket-stream.ts";
import type { Descriptors } from "./descriptors.ts";
import { Lending } from "./lending.ts";
import type { ParcelPlace } from "./parcels.ts";
import { processMemory } from "./process-memory.ts";
import type { ShmSettings } from "./settings.ts";
import { ShmStream } from "./shm-stream.ts";

/** What is said of it among transports: the layout and this conversation are version 1. */
export const shmOffer = "shm/1";

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
  onMoved: (() => void) | undefined;
  stayed: string | undefined;
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
  /** Of the memory that this process may have, in bytes. */
  #taken = 0;
  /** Once it has moved. */
  #lending: Lending | undefined;

  constructor(os: Addon, socket: SocketStream, settings: ShmSettings, dialled: boolean, env: Env) {
    this.#os = os;
    this.#socket = socket;
    this.#settings = settings;
    this.#dialled = dialled;
    this.#env = env;
    this.offer = shmOffer;
    this.stream = new MovingStream(socket, () => this.#peerEnded());
    socket.socket.once("close", () => {
      this.#clear();
      this.#lending?.close();
    });
  }

  attach(line: Line): void {
    this.#line = line;
  }

  heard(theirs: string): void {
    if (!this.#dialled || this.#state !== "idle") return;
    if (theirs !== shmOffer) return this.#settles("the peer offers no shared memory");
    if (!this.#sameUser()) return this.#settles("the peer is of another user");
    if (!this.#prepare(this.#newNonce())) return this.#settles("there is no memory to be shared");
    this.#state = "offered";
    try {
      this.#line.say(`offer ${this.#nonce.toString("hex")}`);
    } catch {
      return this.#clear(); // it has ended
    }
    this.stream.hold();
  }

  get moving(): boolean {
    return this.#state !== "idle" && this.#state !== "moved" && this.#state !== "stayed";
  }

  get waits(): boolean {
    return this.#state === "offered";
  }

  /** Whoever has ended says no word any more. */
  #peerEnded(): void {
    if (this.#state === "idle") this.#clear();
    else if (this.#state === "offered") this.#stays();
  }

  /** The other side cannot. */
  #stays(): void {
    this.#clear();
    this.#line.heard();
    this.#goOn();
  }

  /** This side does not move; without memory, where that is required, it ends. */
  #settles(why: string): void {
    this.#clear();
    this.stayed = why;
    this.onMoved?.();
    if (this.#settings.required) this.#line.close(`${required}: ${why}`);
  }

  word(word: string): void {
    const [name, nonce = ""] = word.split(" ");
    const lends = name === "loan" || name === "parcel";
    if (lends && this.#lending !== undefined && !this.owes) this.#lending.heard(word);
    else if (name === "offer" && !this.#dialled && this.#state === "idle") this.#offered(nonce);
    else if (name === "ready" && this.#state === "offered") this.#ready();
    else if (name === "no" && this.#state === "offered") this.#refused();
    else this.#line.close(`the peer said "${name}" when it was not to be said`);
  }

  #refused(): void {
    this.#stays();
    this.#settles("the peer has refused shared memory");
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
    if (!can) return this.#settles("memory cannot be shared with the peer");
    this.#state = "awaited";
    this.stream.hold();
  }

  #ready(): void {
    if (!this.#listen()) return; // it is closed, and that will be told
    this.#sendMemory("sent");
    this.#line.heard();
  }

  /** Nobody else reads the socket from here on. False: it is closed. */
  #listen(): boolean {
    if (this.#socket.detach() < 0) return false;
    this.#os.watchEvents(this.#watch!, this.#os.readable);
    return true;
  }

  #received(): void {
    const os = this.#os;
    const byte = Buffer.alloc(1);
    const fds: number[] = [];
    const count = os.socketReceive(this.#socketFd, byte, 0, 1, fds);
    if (count === again) return;
    // Where this process may open no more descriptors the byte is there all the same, and none came along.
    if (count !== 1 && count !== tooMany) return this.#socket.destroy();
    const [said] = byte;
    const awaits = this.#state === "sent" || this.#state === "awaited";
    if (awaits && said === Byte.memory) return this.#answer(this.#adopt(fds));
    for (const fd of fds) os.descriptorClose(fd);
    if (said === Byte.no) this.#back();
    else if (said === Byte.yes && this.#state === "answered") this.#move();
    else this.#line.close("the peer said what was not to be said while the connection moved");
  }

  #answer(fault: string | undefined): void {
    if (fault !== undefined) {
      if (this.#say(Byte.no)) this.#back();
    } else if (this.#state === "awaited") this.#sendMemory("answered");
    else if (this.#say(Byte.yes)) this.#move();
  }

  /** Takes the memory and the bell of the other side, or closes them and says what is wrong with them. */
  #adopt(fds: readonly number[]): string | undefined {
    const [memory, bell] = fds;
    let fault: string | undefined;
    if (memory === undefined || bell === undefined || fds.length !== 2)
      fault = `${fds.length} descriptors came along`;
    else if (!this.#os.isBell(bell)) fault = "its bell is none";
    else if (!this.#line.clean()) fault = "a frame before it is not whole";
    else fault = this.#map(memory);
    for (const fd of fds) if (fd !== bell || fault !== undefined) this.#os.descriptorClose(fd);
    if (fault === undefined) this.#peerBellFd = bell!;
    return fault;
  }

  #map(memory: number): string | undefined {
    const { ringBytesMax, processBytesMax, ringBytes } = this.#settings;
    // So far it was taken to be as large as our own.
    processMemory.give(segmentBytes(ringBytes));
    this.#taken -= segmentBytes(ringBytes);
    const left = processBytesMax - processMemory.bytes - segmentBytes(0);
    try {
      const peer = adoptSegment(this.#os, memory, this.#nonce, Math.min(ringBytesMax, left));
      if (typeof peer === "string") return peer;
      this.#peer = peer;
      this.#taken += segmentBytes(peer.ring.length);
      processMemory.take(segmentBytes(peer.ring.length), processBytesMax);
      return undefined;
    } catch (error) {
      return String(error);
    }
  }

  #sendMemory(next: State): void {
    this.#state = next;
    const sent = this.#send(Byte.memory, [this.#own!.fd, this.#bellFd]);
    // Too many are on their way for the system, or the other side is gone, which is seen then.
    if (sent !== 1 && this.#say(Byte.no)) this.#back();
  }

  /** False: the other side is gone. There is room for a byte, for all that was sent before has been read. */
  #say(byte: number): boolean {
    const said = this.#send(byte, []) === 1;
    if (!said) this.#socket.destroy();
    return said;
  }

  #send(byte: number, fds: readonly number[]): number {
    return this.#os.socketSend(this.#socketFd, Buffer.of(byte), 0, 1, fds, "");
  }

  #move(): void {
    this.#os.watchStop(this.#watch!);
    const passage = {
      os: this.#os,
      socket: this.#socket.socket,
      socketFd: this.#socketFd,
      own: this.#own!,
      peer: this.#peer!,
      bellFd: this.#bellFd,
      peerBellFd: this.#peerBellFd,
      released: () => processMemory.give(this.#taken),
    };
    let rings: ShmStream;
    try {
      rings = new ShmStream(passage, this.#env);
    } catch (error) {
      // Both sides have agreed: there is no way back.
      return this.#line.close(`the shared memory could not be watched: ${String(error)}`, "lost");
    }
    this.#os.descriptorClose(this.#own!.fd);
    this.#state = "moved";
    this.#lending = new Lending(this.#parcelPlace(rings.descriptors), this.#line, this.#env);
    this.way = "shm";
    this.stream.go(rings);
    // Before what comes by them, which may be the end.
    this.onMoved?.();
    this.#line.push();
    this.stream.readFrom(rings);
  }

  #parcelPlace(descriptors: Descriptors): ParcelPlace {
    return {
      os: this.#os,
      descriptors,
      nonce: this.#nonce,
      own: this.#own!.words,
      peer: this.#peer!.words,
      processBytesMax: this.#settings.processBytesMax,
    };
  }

  lend(bytes: Uint8Array): string | undefined {
    return this.#lending?.lend(bytes);
  }

  get owes(): boolean {
    return this.#lending?.owes ?? false;
  }

  whole(frame: Buffer): Buffer | undefined {
    return this.#lending!.whole(frame);
  }

  /** All goes on by the socket. */
  #back(): void {
    this.#clear();
    this.#socket.attach();
    this.#goOn();
    this.#settles("the memory could not be handed over");
  }

  #goOn(): void {
    this.stream.go();
    this.#line.push();
  }

  /** All that a move needs of this process, so that nothing is missing once it is under way. */
  #prepare(nonce: Buffer): boolean {
    const os = this.#os;
    const { ringBytes, processBytesMax } = this.#settings;
    this.#nonce = nonce;
    const bytes = 2 * segmentBytes(ringBytes);
    if (!processMemory.take(bytes, processBytesMax)) return false;
    this.#taken = bytes;
    try {
      this.#own = createSegment(os, ringBytes, nonce);
      this.#bellFd = os.bellCreate();
      this.#socketFd = os.descriptorCopy(this.#socket.fd);
      this.#watch = os.watchStart(this.#socketFd, os.readable, false, () => this.#received());
      os.watchEvents(this.#watch, 0); // until nobody else reads it
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
    return typeof peer !== "number" && peer[1] === ownUser();
  }

  /** Lets go of what a move that did not come about has made. */
  #clear(): void {
    if (this.#state === "moved" || this.#state === "stayed") return;
    this.#state = "stayed";
    const os = this.#os;
    if (this.#watch !== undefined) os.watchStop(this.#watch);
    this.#peer?.release();
    this.#own?.release();
    for (const fd of [this.#bellFd, this.#socketFd, this.#peerBellFd, this.#own?.fd ?? -1])
      if (fd >= 0) os.descriptorClose(fd);
    processMemory.give(this.#taken);
  }
}

const required = "shared memory is required";

/** EAGAIN, and EMSGSIZE for descriptors that there was no room for, as the addon gives them. */
const again = -11;
const tooMany = -90;
