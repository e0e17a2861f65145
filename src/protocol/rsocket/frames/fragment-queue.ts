import type { Connection } from "../../../transport/transport.ts";
import { fragmentHeadBytes, type Fragments } from "../../../wire/fragments.ts";
import { cancelFrameBytes, writeCancel } from "../../../wire/write.ts";
import type { Room } from "./room.ts";
import type { StreamIds } from "./stream-ids.ts";

/** The most data that goes in one frame: what is larger goes in fragments of so many bytes. */
export const fragmentBytesMax: number = 64 * 1024;

/**
 * Payloads that take turns at once; further ones wait until one of them has ended. The peer must hold what has come of
 * each: this is half of what `unfinishedBytesMax` lets it hold.
 */
export const turnsMax = 8;

/** A payload of which fragments are still to be sent. */
interface Unsent {
  readonly fragments: Fragments;
  /** The peer has asked for it. */
  readonly answer: boolean;
  /** Its turn: the next fragment. */
  readonly turn: () => void;
  /** Frames of its stream that go after its last fragment. */
  readonly behind: (() => void)[];
  settled: ((sent: boolean) => void) | undefined;
}

/** Stand for what has not been made yet; nothing is put into them. */
const noneUnsent = new Map<number, Unsent>();
const nobody = new Set<Unsent>();

/**
 * The large payloads of one connection that are on their way out, one a stream. They take turns by fragment, among
 * themselves and with all others who wait for room; frames of other streams that fit whole go in between.
 */
export class FragmentQueue {
  /** The most metadata and data in one frame: less than `fragmentBytesMax` where the transport's frames are smaller. */
  readonly bytesMax: number;
  readonly #connection: Connection;
  readonly #room: Room;
  readonly #ids: StreamIds;
  // Made with the first payload: most connections never have one, and idle ones are many.
  #unsent: Map<number, Unsent> = noneUnsent;
  #turning: Set<Unsent> = nobody;
  #waiting: Set<Unsent> = nobody;

  constructor(connection: Connection, room: Room, ids: StreamIds, frameBytesMax: number) {
    this.#connection = connection;
    this.#room = room;
    this.#ids = ids;
    this.bytesMax = Math.max(1, Math.min(fragmentBytesMax, frameBytesMax - fragmentHeadBytes));
  }

  /** Payloads of which fragments are still to be sent. */
  get size(): number {
    return this.#unsent.size;
  }

  /** True while fragments of this stream are still to be sent. */
  has(streamId: number): boolean {
    return this.#unsent.size > 0 && this.#unsent.has(streamId);
  }

  /** Sends a payload, a fragment at a time, from a later turn on. Its stream has no other that is unsent. */
  add(fragments: Fragments): void {
    const unsent: Unsent = {
      fragments,
      answer: this.#ids.foreign(fragments.streamId),
      turn: () => this.#advance(unsent),
      behind: [],
      settled: undefined,
    };
    if (this.#unsent === noneUnsent) {
      this.#unsent = new Map();
      this.#turning = new Set();
      this.#waiting = new Set();
    }
    this.#unsent.set(fragments.streamId, unsent);
    if (unsent.answer) this.#room.backlogBytes += fragments.left;
    if (this.#turning.size < turnsMax) this.#begin(unsent);
    else this.#waiting.add(unsent);
  }

  /**
   * Sends the first fragment of a request now, for stream ids go out in the order in which they are given, and the rest
   * in its turns; without room, or a place among those who take turns, the first carries no data. Throws like `claim`, and
   * then nothing of it was sent.
   */
  addRequest(fragments: Fragments): void {
    const turns = this.#connection.writable && this.#turning.size < turnsMax;
    this.#write(fragments, turns ? this.bytesMax : Math.min(this.bytesMax, fragments.metadataLeft));
    if (!fragments.done) this.add(fragments);
  }

  /**
   * Sends all fragments of a request at once: no later request of its operation may overtake it. Throws like `claim`; the
   * peer then forgets what it got of it.
   */
  addOrdered(fragments: Fragments): void {
    this.#write(fragments, this.bytesMax);
    try {
      while (!fragments.done) this.#write(fragments, this.bytesMax);
    } catch (error) {
      this.#cancel(fragments.streamId);
      throw error;
    }
  }

  /** Calls `write` after the last fragment of this stream, and never when that is not sent. False when there is none to wait for. */
  behind(streamId: number, write: () => void): boolean {
    const unsent = this.#unsent.get(streamId);
    unsent?.behind.push(write);
    return unsent !== undefined;
  }

  /**
   * Tells, once, when the last fragment of this stream and what goes behind it were handed to the connection (true), or
   * will never be (false). Only while `has` is true.
   */
  whenSettled(streamId: number, settled: (sent: boolean) => void): void {
    this.#unsent.get(streamId)!.settled = settled;
  }

  /** Sends no further fragment of this stream, if there is one. */
  drop(streamId: number): void {
    if (this.#unsent.size === 0) return;
    const unsent = this.#unsent.get(streamId);
    if (unsent !== undefined) this.#over(unsent, false);
  }

  /** Sends no further fragment of any stream. */
  clear(): void {
    for (const unsent of [...this.#unsent.values()]) this.#over(unsent, false);
  }

  #begin(unsent: Unsent): void {
    this.#turning.add(unsent);
    this.#room.when(unsent.turn);
  }

  #advance(unsent: Unsent): void {
    const { fragments, answer } = unsent;
    const { left } = fragments;
    try {
      this.#write(fragments, this.bytesMax);
    } catch (error) {
      // With room it is only refused by a connection that is beyond help: its end is told soon.
      this.#destroy(error);
      this.#over(unsent, false);
      return;
    }
    if (answer) {
      this.#room.backlogBytes -= left - fragments.left;
      this.#room.holdOff();
    }
    if (fragments.done) this.#over(unsent, true);
    else this.#room.when(unsent.turn);
  }

  #over(unsent: Unsent, sent: boolean): void {
    const { fragments, behind } = unsent;
    const { streamId } = fragments;
    this.#unsent.delete(streamId);
    this.#room.leave(unsent.turn);
    if (unsent.answer) this.#room.backlogBytes -= fragments.left;
    fragments.drop();
    if (this.#turning.delete(unsent)) this.#beginNext();
    else this.#waiting.delete(unsent);
    if (sent) for (const write of behind) write();
    // What went behind it may itself be large.
    const next = this.#unsent.get(streamId);
    if (next === undefined) unsent.settled?.(sent);
    else next.settled = unsent.settled;
  }

  #beginNext(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      this.#begin(next);
      return;
    }
  }

  #write(fragments: Fragments, bytesMax: number): void {
    const at = this.#connection.claim(fragmentHeadBytes + Math.min(bytesMax, fragments.left));
    this.#connection.commit(fragments.write(this.#connection.outgoing, at, bytesMax));
  }

  #cancel(streamId: number): void {
    try {
      const at = this.#connection.claim(cancelFrameBytes);
      this.#connection.commit(writeCancel(this.#connection.outgoing, at, streamId));
    } catch (error) {
      this.#destroy(error);
    }
  }

  #destroy(error: unknown): void {
    this.#connection.destroy(error instanceof Error ? error.message : String(error));
  }
}
