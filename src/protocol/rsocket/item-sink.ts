import { requestNMax } from "../../wire/limits.ts";
import type { Sink } from "../protocol.ts";

/** A connection, as far as somebody needs it who waits until it takes more. */
export interface Room {
  readonly writable: boolean;
  /** Runs `resume` when the connection can take more, or is closed. */
  whenRoom(resume: () => void): void;
}

/** The sending half of a stream: takes items as long as the peer has given credit and the connection has room. */
export abstract class ItemSink implements Sink {
  closed = false;
  #credit: number;
  #wake: (() => void) | undefined;
  #roomAwaited = false;

  constructor(credit: number) {
    this.#credit = credit;
  }

  protected abstract readonly room: Room;
  abstract put(item: unknown): void;

  get ready(): boolean {
    return this.#credit > 0 && this.room.writable;
  }

  whenReady(): Promise<void> {
    if (this.closed || this.ready) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#awaitRoom();
    });
  }

  /** The peer takes that many more items. */
  requested(items: number): void {
    this.#credit = Math.min(requestNMax, this.#credit + items);
    this.#wakeUp();
  }

  /** An item is put in. */
  protected spend(): void {
    this.#credit--;
  }

  /** Nobody takes items any more. */
  protected close(): void {
    this.closed = true;
    this.#wakeUp();
  }

  /** With credit it is the connection that has no room. */
  #awaitRoom(): void {
    if (this.#credit === 0 || this.#roomAwaited) return;
    this.#roomAwaited = true;
    this.room.whenRoom(() => {
      this.#roomAwaited = false;
      this.#wakeUp();
    });
  }

  #wakeUp(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    if (!this.closed && !this.ready) {
      this.#awaitRoom();
      return;
    }
    this.#wake = undefined;
    wake();
  }
}
