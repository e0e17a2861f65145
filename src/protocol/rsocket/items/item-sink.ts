import { requestNMax } from "../../../wire/limits.ts";
import type { Sink } from "../../protocol.ts";
import type { FragmentQueue } from "../frames/fragment-queue.ts";
import type { Room } from "../frames/room.ts";

/** The outgoing half of a session. */
export interface Outgoing {
  readonly room: Room;
  /** Its payloads that go in fragments. */
  readonly unsent: FragmentQueue;
}

/** The sending half of a stream: takes items as long as the peer has given credit and the connection has room. */
export abstract class ItemSink implements Sink {
  closed = false;
  #credit: number;
  #wake: (() => void) | undefined;
  #roomAwaited = false;
  /** Fragments of the last item are still to be sent. */
  #unsent = false;

  constructor(credit: number) {
    this.#credit = credit;
  }

  protected abstract readonly outgoing: Outgoing;
  abstract put(item: unknown): void;

  get ready(): boolean {
    return this.#credit > 0 && !this.#unsent && this.outgoing.room.writable;
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

  /** An item was handed on; the next one has to wait until the last fragment of this one has gone. */
  protected spend(streamId: number): void {
    this.#credit--;
    const { unsent } = this.outgoing;
    if (!unsent.has(streamId)) return;
    this.#unsent = true;
    unsent.whenSettled(streamId, () => {
      this.#unsent = false;
      this.#wakeUp();
    });
  }

  /** Nobody takes items any more. */
  protected close(): void {
    this.closed = true;
    this.#wakeUp();
  }

  /** With credit it is the connection that has no room. */
  #awaitRoom(): void {
    if (this.#credit === 0 || this.#unsent || this.#roomAwaited) return;
    this.#roomAwaited = true;
    this.outgoing.room.when(() => {
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
