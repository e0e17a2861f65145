import type { Piece, Transfer } from "./contract.ts";
import { padOf } from "./contract.ts";
import type { Entry } from "./ledger.ts";
import type { Stage } from "./stage.ts";
import { wait } from "./wait.ts";

/** What no schema here takes. */
const invalid = 7 as never;

/** How a caller gives its items. */
export interface Giving {
  /** How many there are. */
  readonly count: number;
  /** How long it takes to make one. */
  readonly everyMs: number;
  /** It can be iterated without waiting. */
  readonly sync: boolean;
  /** Before this item it throws, the item does not match the contract, or it never comes; Infinity for none. */
  readonly failsAt: number;
  readonly invalidAt: number;
  readonly waitsAt: number;
}

type Result = IteratorResult<Piece, undefined>;

const done: Result = { done: true, value: undefined };

/** The items that one caller sends: gives them as drawn, and looks at how it is asked for them. */
export class Sending implements AsyncIterableIterator<Piece> {
  readonly giving: Giving;
  readonly order: Transfer;
  /** What it throws. */
  readonly failure: Error = new Error("the items have failed");
  openedAt: number | undefined;
  /** Items that were given, and that the handler has read. */
  given = 0;
  received = 0;
  /** When the handler read the latest one, and when it was given. */
  receivedAt = 0;
  givenAt = 0;
  /** It has ended by itself, or thrown. */
  ended = false;
  failed = false;
  #overAt = Infinity;
  returned = 0;
  /** It is asked for an item now. */
  asked = false;
  readonly #stage: Stage;
  readonly #entry: Entry;
  #wake: (() => void) | undefined;

  constructor(stage: Stage, entry: Entry, order: Transfer, giving: Giving) {
    this.#stage = stage;
    this.#entry = entry;
    this.order = order;
    this.giving = giving;
  }

  /** What the client is given. */
  get items(): AsyncIterable<Piece> | Iterable<Piece> {
    if (!this.giving.sync) return this;
    const iterator = {
      next: (): Result => {
        this.#begin();
        return this.#end(() => this.#step());
      },
      return: (): Result => this.#leave(),
    };
    return { [Symbol.iterator]: () => (this.#open(), iterator) };
  }

  [Symbol.asyncIterator](): this {
    this.#open();
    return this;
  }

  async next(): Promise<Result> {
    const { everyMs, waitsAt } = this.giving;
    this.#begin();
    if (this.given === waitsAt) await new Promise<void>((resolve) => (this.#wake = resolve));
    else if (everyMs > 0) await wait(this.#entry.env, everyMs, undefined);
    return this.#end(() => (this.returned > 0 ? done : this.#step()));
  }

  return(): Promise<Result> {
    this.#wake?.();
    return Promise.resolve(this.#leave());
  }

  #open(): void {
    const { ledger, world } = this.#stage;
    const { id, member, env, dueAt, runs } = this.#entry;
    if (this.openedAt !== undefined) ledger.complain(`the items of ${id} are taken twice`);
    this.openedAt = world.now;
    const upload = member === "gather" || member === "pour";
    if (upload && runs.length === 0 && this.#entry.refusals === 0)
      ledger.complain(`the items of ${id} are taken before its handler has begun`);
    const late = world.now - ledger.latest(env, dueAt + 4);
    if (late > 0.01) ledger.complain(`${id} was accepted ${late.toFixed(2)} ms too late`);
  }

  #begin(): void {
    const { ledger, world } = this.#stage;
    const { id, settledAt } = this.#entry;
    if (this.asked) ledger.complain(`the items of ${id} are asked for two at once`);
    if (this.ended || this.failed) ledger.complain(`the items of ${id} are asked after their end`);
    if (this.returned > 0) ledger.complain(`the items of ${id} are asked after they were left`);
    if (settledAt !== undefined && world.now > settledAt)
      ledger.complain(`the items of ${id} are asked for after it has settled`);
    this.asked = true;
  }

  #end(step: () => Result): Result {
    try {
      return step();
    } finally {
      this.asked = false;
      this.givenAt = this.#stage.world.now;
    }
  }

  #step(): Result {
    const { count, failsAt, invalidAt } = this.giving;
    const { id, bytes } = this.order;
    const n = this.given;
    if (n === failsAt) {
      this.failed = true;
      this.#overAt = this.#stage.world.now;
      throw this.failure;
    }
    if (n === count) {
      this.ended = true;
      this.#overAt = this.#stage.world.now;
      return done;
    }
    this.given++;
    this.#stage.checkBacklog(this.#entry, "sent", this.given - this.received, bytes);
    const mark = n === invalidAt ? invalid : `${n}`;
    return { done: false, value: { id, n, mark, pad: padOf(id, n, bytes) } };
  }

  #leave(): Result {
    const { id } = this.#entry;
    if (++this.returned > 1) this.#stage.ledger.complain(`the items of ${id} are left twice`);
    if (this.#overAt < this.#stage.world.now)
      this.#stage.ledger.complain(`the items of ${id} are left after their end`);
    return done;
  }
}
