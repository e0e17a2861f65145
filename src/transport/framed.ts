import type { Env } from "../base/env.ts";
import type { Peer } from "../base/peer.ts";
import { RulesBroken, type ByteSink, type ByteStream } from "./byte-stream.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter, lengthBytes } from "./frame-writer.ts";
import type { Mover } from "./mover.ts";
import { outgoingBounds } from "./outgoing-bounds.ts";
import type { CloseReason, Connection, ConnectionOptions, Receiver } from "./transport.ts";
import { readWord, wordBytes, writeWord } from "./word.ts";

/** As much as the frame of a word takes that tells of bytes that were lent. */
const lentWordBytesMax = 64;

/**
 * What is kept at most, in bytes, while the user has paused and a word of the peer is waited for: twice what may wait to be sent at the peer unless
 * it is told otherwise. Each frame counts for what it takes beside its bytes, too.
 */
const keptBytesMax = 128 * 1024 * 1024;
const keptFrameBytes = 128;

/** Makes a connection of whole frames from a stream of bytes. `mover`: whoever changes the way below it. */
export function framed(
  stream: ByteStream,
  peer: Peer,
  options: ConnectionOptions,
  env: Env,
  mover?: Mover,
): Connection {
  return new FramedConnection(stream, peer, options, env, mover);
}

class FramedConnection implements Connection, ByteSink {
  readonly peer: Peer;
  readonly moves: Mover | undefined;
  readonly #stream: ByteStream;
  readonly #writer: FrameWriter;
  readonly #env: Env;
  readonly #frameBytesMax: number;
  #reader: FrameReader | undefined;
  #receiver: Receiver | undefined;
  #ended = false;
  #peerEnded = false;
  #endTold = false;
  /** Both sides had ended and the stream has closed, before the user has read everything. */
  #doneUntold = false;
  #reason: CloseReason | undefined;
  #paused = false;
  #catchingUp = false;
  /** What came while the user had paused, before a word that had to be heard: as much as the peer had sent by then. */
  #kept: Buffer[] = [];
  #keptBytes = 0;

  constructor(
    stream: ByteStream,
    peer: Peer,
    options: ConnectionOptions,
    env: Env,
    mover: Mover | undefined,
  ) {
    this.peer = peer;
    this.moves = mover;
    this.#stream = stream;
    this.#env = env;
    const bounds = outgoingBounds(options);
    this.#frameBytesMax = bounds.frameBytesMax;
    this.#writer = new FrameWriter(stream, bounds, env, () => this.#receiver?.drain());
    mover?.attach({
      say: (word) => this.#say(word),
      push: () => this.#writer.push(),
      clean: () => this.#reader!.clean,
      close: (message, kind) => this.#close({ kind: kind ?? "broken", message }),
      heard: () => this.#holdBack(),
    });
  }

  get outgoing(): Buffer {
    return this.#writer.memory;
  }

  get writable(): boolean {
    return this.#writer.writable;
  }

  open(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#reason !== undefined) return this.#tellClosed();
    this.#reader = new FrameReader(this.#hearing(receiver), this.#frameBytesMax, (message) =>
      this.#close({ kind: "broken", message }),
    );
    this.#reader.paused = this.#paused;
    this.#stream.open(this);
    if (this.#paused) this.#stream.pause();
  }

  claim(bytesMax: number): number {
    return this.#writer.claim(bytesMax);
  }

  commit(end: number): void {
    this.#writer.commit(end);
  }

  lend(bytes: Uint8Array, frameBytesMax: number): boolean {
    const { moves } = this;
    if (moves?.lend === undefined) return false;
    // Room for both: the word must not go without its frame.
    const at = this.#writer.claim(lentWordBytesMax + lengthBytes + frameBytesMax);
    const word = moves.lend(bytes);
    if (word === undefined) return false;
    this.#writer.commit(writeWord(this.#writer.memory, at, word));
    return true;
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    if (this.moves?.waits !== true) this.#holdBack();
  }

  /** Reads nothing, while the user has paused. */
  #holdBack(): void {
    if (!this.#paused || this.#reader === undefined || this.#reason !== undefined) return;
    this.#reader.paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#reader === undefined || this.#reason !== undefined) return;
    this.#reader.paused = false;
    const behind = this.#kept.length > 0 || this.#reader.behind;
    if (!behind && this.#peerEnded === this.#endTold) this.#stream.resume();
    else if (!this.#catchingUp) {
      this.#catchingUp = true;
      this.#env.defer(() => this.#catchUp(this.#reader!));
    }
  }

  end(): void {
    if (this.#ended || this.#reason !== undefined) return;
    this.#ended = true;
    this.#writer.end("this side has ended the connection");
    this.#stream.end();
  }

  destroy(reason: string): void {
    this.#close({ kind: "destroyed", message: reason });
  }

  bytes(memory: Buffer, from: number, to: number): void {
    if (this.#reason !== undefined) return;
    try {
      this.#reader!.read(memory, from, to);
    } catch (error) {
      this.#failed(error);
    }
  }

  ended(): void {
    if (this.#reason !== undefined) return;
    this.#peerEnded = true;
    if (this.#endTold || this.#kept.length > 0 || this.#reader!.behind) return; // told after the frames that came before it
    if (!this.#reader!.clean) {
      return this.#close({ kind: "lost", message: "the peer ended in the middle of a frame" });
    }
    this.#endTold = true;
    this.#receiver!.ended();
  }

  closed(error: Error | undefined): void {
    if (this.#reason !== undefined) return;
    const done = error === undefined && this.#ended && this.#peerEnded;
    // What came before it is passed on when the user resumes.
    if (done && !this.#endTold) return void (this.#doneUntold = true);
    const message = error === undefined ? "the connection has closed" : describe(error);
    const kind = error instanceof RulesBroken ? "broken" : "lost";
    this.#finish(done ? { kind: "done", message: "both sides had ended" } : { kind, message });
    this.#receiver?.closed(this.#reason!);
  }

  #catchUp(reader: FrameReader): void {
    this.#catchingUp = false;
    if (this.#paused || this.#reason !== undefined) return;
    try {
      this.#passKept();
      if (!this.#paused && this.#reason === undefined) reader.catchUp();
    } catch (error) {
      this.#failed(error);
    }
    if (this.#paused || this.#reason !== undefined) return;
    if (this.#peerEnded) this.ended();
    if (this.#doneUntold && this.#endTold) this.closed(undefined);
    else if (!this.#paused) this.#stream.resume();
  }

  #keep(frame: Buffer): void {
    this.#kept.push(Buffer.from(frame));
    this.#keptBytes += frame.length + keptFrameBytes;
    if (this.#keptBytes <= keptBytesMax) return;
    const message = `the peer has sent more than ${keptBytesMax} bytes instead of the word that was waited for`;
    this.#close({ kind: "broken", message });
  }

  #passKept(): void {
    while (this.#kept.length > 0 && !this.#paused && this.#reason === undefined) {
      const frame = this.#kept.shift()!;
      this.#keptBytes -= frame.length + keptFrameBytes;
      this.#receiver!.frame(frame, 0, frame.length);
    }
  }

  /** What is a word of the transports among themselves is not for the receiver. */
  #hearing(receiver: Receiver): Pick<Receiver, "frame"> {
    const { moves } = this;
    if (moves === undefined) return receiver;
    return {
      frame: (memory, from, to) => {
        const word = readWord(memory, from, to);
        if (word !== undefined) return moves.word(word);
        if (this.#paused || this.#kept.length > 0) return this.#keep(memory.subarray(from, to));
        if (moves.owes !== true) return receiver.frame(memory, from, to);
        const whole = moves.whole!(memory.subarray(from, to));
        if (whole !== undefined) receiver.frame(whole, 0, whole.length);
      },
    };
  }

  #say(word: string): void {
    const at = this.#writer.claim(wordBytes(word));
    this.#writer.commit(writeWord(this.#writer.memory, at, word));
    this.#writer.push();
  }

  /** The receiver threw: what it has missed by that nobody knows, so the connection cannot go on. */
  #failed(error: unknown): never {
    this.#close({ kind: "destroyed", message: "the receiver of its frames threw" });
    throw error;
  }

  #close(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#finish(reason);
    this.#stream.destroy();
    if (this.#receiver !== undefined) this.#tellClosed();
  }

  #finish(reason: CloseReason): void {
    this.#reason = reason;
    this.#kept = [];
    this.#writer.close(`the connection is closed: ${reason.message}`);
    this.#reader?.close();
  }

  #tellClosed(): void {
    this.#env.defer(() => this.#receiver!.closed(this.#reason!));
  }
}

function describe(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EPIPE" || code === "ECONNRESET") return `the peer is gone (${code})`;
  return error.message;
}
