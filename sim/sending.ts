import type { Piece, Transfer } from "./contract.ts";
import { padOf } from "./contract.ts";
import type { Entry } from "./ledger.ts";
import { Sent, type Giving } from "./sent.ts";
import type { Stage } from "./stage.ts";
import { wait } from "./wait.ts";

/** What no schema here takes. */
const invalid = 7 as never;

type Result = IteratorResult<Piece, undefined>;

const done: Result = { done: true, value: undefined };

/** The items that one caller sends: gives them as drawn, and looks at how it is asked for them. */
export class Sending extends Sent implements AsyncIterableIterator<Piece> {
  #overAt = Infinity;
  readonly #stage: Stage;
  readonly #entry: Entry;
  #wake: (() => void) | undefined;

  constructor(stage: Stage, entry: Entry, order: Transfer, giving: Giving) {
    super(order, giving);
    this.#stage = stage;
    this.#entry = entry;
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
