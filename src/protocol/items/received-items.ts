import { BoundedQueue } from "../../base/bounded-queue.ts";

type Result = IteratorResult<unknown, undefined>;

/** Somebody who waits for an item. */
type Reader = (result: Result | Promise<Result>) => void;

const done: Result = Object.freeze({ done: true, value: undefined });

/** Says how far the producer may run ahead of the reader. */
export interface Window {
  /** The most items that wait here; the producer is to be held back before. */
  readonly itemsMax: number;
  /** An item of so many bytes has come. False when the producer sent more than it was granted. */
  arrived(bytes: number): boolean;
  /** The reader took an item; returns how many more to grant now, often 0. */
  taken(): number;
}

/** Whose items they are. */
export interface ItemsOwner {
  /** The producer may send that many more. */
  grant(items: number): void;
  /** Turns an item as it came into the item as the reader gets it; throws, or rejects, when it is not valid. */
  accept(item: unknown): unknown;
  /** `accept` refused an item: no further one is wanted. Returns what the reader is told, or a promise of it. */
  refused(error: unknown): unknown;
}

/** The receiving half of a stream: items wait here, as many as the window allows, until the reader takes them. */
export class ReceivedItems {
  /** No further item comes. */
  ended = false;
  readonly #owner: ItemsOwner;
  readonly #items: BoundedQueue<unknown>;
  readonly #readers: Reader[] = [];
  readonly #window: Window;
  /** What ended it early, in an envelope: it may be anything, and is told once. */
  #failure: { readonly told: unknown } | undefined;

  constructor(owner: ItemsOwner, window: Window) {
    this.#owner = owner;
    this.#window = window;
    this.#items = new BoundedQueue(window.itemsMax);
  }

  /** Somebody waits for the next item. */
  get awaited(): boolean {
    return this.#readers.length > 0;
  }

  /** Before each item. False when the producer sent more than it was granted. */
  admit(bytes: number): boolean {
    return this.#window.arrived(bytes);
  }

  push(item: unknown): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#items.push(item);
    else reader(this.#given(item));
  }

  /** The items before a failure are read first; only `clear` throws them away. */
  next(): Promise<Result> {
    if (this.#items.size > 0) {
      const given = this.#given(this.#items.shift());
      return given instanceof Promise ? given : Promise.resolve(given);
    }
    if (this.#failure !== undefined) {
      const { told } = this.#failure;
      this.#failure = undefined; // told once; then the stream is simply over
      return thrown(told);
    }
    if (this.ended) return Promise.resolve(done);
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  /** No further item comes: the reader is told so after those that wait. */
  end(): void {
    this.ended = true;
    for (const reader of this.#readers.splice(0)) reader(done);
  }

  /** The same, and then `told`, or what it is a promise of, to the one who asks next. */
  fail(told: unknown): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#failure = { told };
    else reader(thrown(told));
    this.end();
  }

  /** The reader has left: what waits is thrown away. */
  clear(): void {
    this.#items.clear();
    this.#failure = undefined;
  }

  /** What the reader gets who takes this item. */
  #given(item: unknown): Result | Promise<Result> {
    const grant = this.#window.taken();
    if (grant > 0 && !this.ended) this.#owner.grant(grant);
    let accepted: unknown;
    try {
      accepted = this.#owner.accept(item);
    } catch (error) {
      return this.#refused(error);
    }
    if (!(accepted instanceof Promise)) return { done: false, value: accepted };
    return accepted.then(
      (value: unknown) => ({ done: false, value }),
      (error: unknown) => this.#refused(error),
    );
  }

  /** An item that is not valid ends the stream. */
  #refused(error: unknown): Promise<never> {
    this.clear();
    if (this.ended) return thrown(error);
    this.ended = true;
    const told = thrown(this.#owner.refused(error));
    this.end();
    return told;
  }
}

async function thrown(told: unknown): Promise<never> {
  throw await told;
}
