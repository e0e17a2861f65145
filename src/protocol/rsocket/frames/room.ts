import type { Env } from "../../../base/env.ts";
import type { Connection } from "../../../transport/transport.ts";

interface Asker {
  readonly outstanding: number;
}

/** Stands for the set that has not been made yet; nothing is put into it. */
const nobody = new Set<() => void>();

/**
 * The room for outgoing frames of one connection. Whoever finds none waits here, and all who wait take turns: each runs
 * once, in the order of arrival, before any of them runs again, and the others of the process get a turn in between.
 */
export class Room {
  readonly #connection: Connection;
  readonly #env: Env;
  /** Answers of which fragments are unsent, in bytes. */
  backlogBytes = 0;
  readonly #backlogBytesMax: number;
  readonly #asker: Asker;
  /** Made when somebody waits: most connections always have room, and idle ones are many. */
  #waiting: Set<() => void> = nobody;
  #planned = false;
  #heldOff = false;
  #closed = false;

  /** `asker` is who waits for answers of the peer. */
  constructor(connection: Connection, env: Env, backlogBytesMax: number, asker: Asker) {
    this.#connection = connection;
    this.#env = env;
    this.#backlogBytesMax = backlogBytesMax;
    this.#asker = asker;
  }

  /** True when a frame can be sent now. */
  get writable(): boolean {
    return this.#connection.writable;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Runs `turn` once, in a later turn, when the connection can take more, or is closed. */
  when(turn: () => void): void {
    if (this.#waiting === nobody) this.#waiting = new Set();
    this.#waiting.add(turn);
    if (this.#connection.writable) this.#plan();
  }

  /** `turn` is not to run any more. */
  leave(turn: () => void): void {
    this.#waiting.delete(turn);
  }

  /**
   * A peer that does not read what we send, or has asked for more than may wait here, is not read until it does: what waits
   * for it stays within what it asked. Who waits for answers reads on: two ends that hold each other off would do so for
   * ever.
   */
  holdOff(): void {
    if (this.#heldOff || !this.#full) return;
    this.#heldOff = true;
    this.#connection.pause();
    this.when(this.#readAgain);
  }

  /** We have asked the peer something: it is read, whatever waits for it. */
  readOn(): void {
    if (!this.#heldOff) return;
    this.#waiting.delete(this.#readAgain);
    this.#readAgain();
  }

  /** There is room again: each that waits now has its turn, as long as it lasts. */
  wake(): void {
    for (let left = this.#waiting.size; left > 0 && this.#open; left--) {
      const turn = this.#waiting.values().next().value!;
      this.#waiting.delete(turn);
      turn();
    }
    // Who was only woken up makes use of the room a little later: before those who want more of it.
    if (this.#waiting.size > 0 && this.#open) this.#plan();
  }

  /** The connection is closed: all who wait run, and find out. */
  close(): void {
    this.#closed = true;
    this.wake();
  }

  readonly #readAgain = (): void => {
    if (this.#full && !this.#closed) return this.when(this.#readAgain);
    this.#heldOff = false;
    this.#connection.resume();
  };

  get #full(): boolean {
    if (this.#asker.outstanding > 0) return false;
    return !this.#connection.writable || this.backlogBytes > this.#backlogBytesMax;
  }

  get #open(): boolean {
    return this.#closed || this.#connection.writable;
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#env.yield(() => {
      this.#planned = false;
      this.wake();
    });
  }
}
