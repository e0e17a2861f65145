import { sleep } from "../base/alarm.ts";
import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { Alarm } from "../base/timer-wheel.ts";
import type { MessageContext, MessageInfo } from "../messaging/on.ts";
import { park, reject, retryLater, type Verdict } from "../messaging/outcome.ts";

export interface NextOptions {
  /** Messages at most. Default 1. */
  readonly max?: number;
  /** How long to wait for the first one; 0: not at all. Default: until one comes, or the receiver is closed. */
  readonly within?: Duration;
}

/** A message in the hands of who has pulled it: exactly one of `done`, `retry`, `reject` and `park` settles it, what is said later changes nothing. */
export interface ReceivedItem<Data> {
  readonly data: Data;
  readonly message: MessageInfo;
  /** Aborts when its time is over, which began when it was taken, or it belongs to somebody else by now. */
  readonly signal: AbortSignal;
  /** It is still being worked on: its time begins anew. */
  heartbeat(): void;
  done(): void;
  /** It comes again: as the back-off says, or after so long. */
  retry(after?: Duration, reason?: string): void;
  reject(reason: string): void;
  park(reason: string): void;
}

/** Pulls messages. As an iterable it gives one after the other until it is closed; leaving the loop closes it. */
export interface Receiver<Data> extends AsyncIterable<ReceivedItem<Data>>, AsyncDisposable {
  /** What is there, as soon as there is something; empty when nothing came in time, or the receiver is closed. */
  next(options?: NextOptions): Promise<readonly ReceivedItem<Data>[]>;
  /** Lets go of what is not settled: it comes to somebody else. */
  close(): Promise<void>;
}

/** Who waits for messages at a time. */
const waitersMax = 1_000;
/** How long closing waits for what has been settled to be told to the broker. */
const settlingMs = 5_000;
const lookMs = 10;

/** What consumes for a receiver. */
export interface Pulling {
  /** Attempts under way: those that nobody has taken, those in hand, and those that are being told to the broker. */
  running(): number;
  close(): Promise<void>;
}

/** A message that was fetched, and its handler's promise. */
class Item implements ReceivedItem<unknown> {
  readonly data: unknown;
  readonly message: MessageInfo;
  readonly #context: MessageContext;
  readonly #settle: (verdict: Verdict | undefined) => void;

  constructor(
    data: unknown,
    context: MessageContext,
    settle: (verdict: Verdict | undefined) => void,
  ) {
    this.data = data;
    this.message = context.message;
    this.#context = context;
    this.#settle = settle;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  heartbeat(): void {
    this.#context.heartbeat();
  }

  done(): void {
    this.#settle(undefined);
  }

  retry(after?: Duration, reason?: string): void {
    this.#settle(retryLater(after, reason));
  }

  reject(reason: string): void {
    this.#settle(reject(reason));
  }

  park(reason: string): void {
    this.#settle(park(reason));
  }
}

/** Somebody who waits for messages. */
class Waiter extends Alarm {
  readonly max: number;
  readonly #resolve: (items: readonly Item[]) => void;

  constructor(max: number, resolve: (items: readonly Item[]) => void) {
    super();
    this.max = max;
    this.#resolve = resolve;
  }

  give(items: readonly Item[]): void {
    this.#resolve(items);
  }

  ring(): void {
    this.give([]);
  }
}

/** Between a consumer that calls and somebody who pulls: what came and was not taken waits, its time not running. */
export class Pulled extends Alarm implements Receiver<unknown> {
  readonly #withinMs: number;
  readonly #env: Env;
  #queue: Item[] = [];
  readonly #held = new Set<Item>();
  #waiters: Waiter[] = [];
  #pulling: Pulling | undefined;
  #closing: Promise<void> | undefined;

  constructor(withinMs: number, env: Env) {
    super();
    this.#withinMs = withinMs;
    this.#env = env;
  }

  opened(pulling: Pulling): this {
    this.#pulling = pulling;
    return this;
  }

  /** One that was delivered: resolves when it is settled. */
  async arrived(data: unknown, context: MessageContext): Promise<Verdict | undefined> {
    const { promise, resolve } = Promise.withResolvers<Verdict | undefined>();
    const item: Item = new Item(data, context, resolve);
    // It belongs to somebody else: whoever has taken it hears of it by the same signal.
    const gone = (): void => void (this.#queue = this.#queue.filter((each) => each !== item));
    item.signal.addEventListener("abort", gone, { once: true });
    if (this.#queue.push(item) === 1) this.#beat();
    this.#deal();
    try {
      return await promise;
    } finally {
      this.#held.delete(item);
      item.signal.removeEventListener("abort", gone);
    }
  }

  async next({ max = 1, within }: NextOptions = {}): Promise<readonly Item[]> {
    if (!Number.isInteger(max) || max < 1)
      throw refused(`max is a number from 1 on, not ${max}`, "leave it away for one message");
    const withinMs = within === undefined ? Infinity : milliseconds(within);
    if (this.#queue.length > 0) return this.#take(max);
    if (withinMs === 0 || this.#closing !== undefined) return [];
    if (this.#waiters.length >= waitersMax)
      throw refused(`${waitersMax} wait for messages already`, "await one before the next");
    const { promise, resolve } = Promise.withResolvers<readonly Item[]>();
    const waiter = new Waiter(max, resolve);
    this.#waiters.push(waiter);
    this.#env.set(waiter, this.#env.now() + withinMs);
    try {
      return await promise;
    } finally {
      this.#env.clear(waiter);
      this.#waiters = this.#waiters.filter((each) => each !== waiter);
    }
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Item> {
    try {
      for (;;) {
        const [item] = await this.next();
        if (item === undefined) return;
        yield item;
      }
    } finally {
      await this.close();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What waits to be taken is not being worked on, and must not run out of time. */
  ring(): void {
    for (const item of this.#queue) item.heartbeat();
    this.#beat();
  }

  #beat(): void {
    if (this.#queue.length > 0) this.#env.set(this, this.#env.now() + this.#withinMs / 2);
  }

  #deal(): void {
    while (this.#queue.length > 0) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) return;
      waiter.give(this.#take(waiter.max));
    }
  }

  #take(max: number): readonly Item[] {
    const taken = this.#queue.splice(0, max);
    for (const item of taken) {
      item.heartbeat();
      this.#held.add(item);
    }
    return taken;
  }

  async #close(): Promise<void> {
    for (const waiter of this.#waiters) waiter.give([]);
    const until = this.#env.now() + settlingMs;
    const open = (): number => this.#queue.length + this.#held.size;
    await sleep(this.#env, 0);
    while ((this.#pulling?.running() ?? 0) > open() && this.#env.now() < until)
      await sleep(this.#env, lookMs);
    this.#env.clear(this);
    await this.#pulling?.close();
    this.#queue = [];
  }
}

function refused(reason: string, advice: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", advice });
}
