import { locate, type TrunklineError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import type { Caller, StreamOptions } from "../protocol/protocol.ts";
import { placeOf } from "./history.ts";
import type { Job } from "./job.ts";
import type { Target } from "./target.ts";

type Result = IteratorResult<unknown, undefined>;
type Items = AsyncIterableIterator<unknown>;

const done: Result = Object.freeze({ done: true, value: undefined });

/** How a stream or duplex is begun at an endpoint. */
export interface Opening {
  readonly operation: Operation;
  /** The head of a duplex, the input of a stream. */
  readonly first: unknown;
  /** Undefined where items are sent: interceptors are around the whole then. */
  readonly input: unknown;
  open(caller: Caller, attempt: Attempt, options: StreamOptions, input: unknown): Items;
  /** Nothing of it is used up. */
  repeatable(): boolean;
}

/**
 * A stream until its first item: up to then it may be tried elsewhere like a call, and what ends a try does not end the stream.
 * From the first item on it is the stream of the endpoint that gave it.
 */
export class TriedStream implements AsyncIterableIterator<unknown>, Job {
  readonly operation: Operation;
  readonly first: unknown;
  readonly hedgeable = false;
  readonly #opening: Opening;
  readonly #attempt: Attempt;
  readonly #options: StreamOptions;
  readonly #run: (job: Job) => Promise<unknown>;
  #first: Promise<Result> | undefined;
  #begun = false;
  #items: Items | undefined;
  /** The stream of this try has ended before its first item was taken: with a failure, or without. */
  #ended: { readonly failure: TrunklineError | undefined } | undefined;
  /** Interceptors gave the items. */
  #guarded = false;
  /** What the caller has of it is final: it must not be told again how it ended. */
  #settled = false;
  #left = false;
  /** The endpoint that gives the items. */
  #target: Target | undefined;

  constructor(
    opening: Opening,
    attempt: Attempt,
    options: StreamOptions,
    run: (job: Job) => Promise<unknown>,
  ) {
    this.operation = opening.operation;
    this.first = opening.first;
    this.#opening = opening;
    this.#attempt = attempt;
    this.#options = options;
    this.#run = run;
  }

  get repeatable(): boolean {
    return this.#opening.repeatable();
  }

  next(): Promise<Result> {
    if (this.#begun) {
      const watched = this.#guarded || this.#ended !== undefined;
      return watched ? this.#watched() : (this.#items!.next() as Promise<Result>);
    }
    if (this.#first === undefined) return (this.#first = this.#begin());
    return this.#afterFirst();
  }

  /** Items are asked for in their order, and come in it: also those that were asked for before there was a stream. */
  async #afterFirst(): Promise<Result> {
    const first = await this.#first!.catch(() => done); // told to whoever asked first
    return first.done === true ? done : this.next();
  }

  async #begin(): Promise<Result> {
    if (this.#left) return done;
    let first: Result;
    try {
      first = (await this.#run(this)) as Result;
    } catch (failure) {
      if (this.#left) {
        await this.#settle(undefined);
        return done;
      }
      throw (await this.#settle(failure as TrunklineError)) ?? failure;
    }
    this.#begun = true;
    if (this.#left) void this.#items?.return?.();
    if (this.#ended !== undefined && this.#ended.failure === undefined) {
      this.#ended = undefined;
      await this.#settle(undefined);
    }
    return first;
  }

  /** One try: the stream is accepted when its first item, or its end, is there. */
  send(caller: Caller, attempt: Attempt): Promise<Result> {
    this.#ended = undefined;
    const settings: StreamOptions = {
      idleMs: this.#options.idleMs,
      accept: this.#options.accept,
      settled: (failure) => {
        if (this.#begun) return this.#settle(failure);
        this.#ended = { failure };
        return failure;
      },
    };
    const { around } = attempt;
    const { input } = this.#opening;
    const open = (given: unknown, own: Attempt): Items =>
      this.#opening.open(caller, own, settings, given);
    if (around === undefined) {
      this.#items = open(input, attempt);
      return this.#items.next() as Promise<Result>;
    }
    const sending = around(attempt, caller.endpoint, input, undefined, async (given, own) =>
      open(given, own),
    );
    return sending.then((items) => {
      this.#items = iteratorOf(items);
      this.#guarded = true;
      return this.#items.next() as Promise<Result>;
    });
  }

  /**
   * An item of a stream that has ended already, before its first item was taken, or of what interceptors gave, which may be
   * items of their own: of their end nobody else would tell.
   */
  async #watched(): Promise<Result> {
    try {
      const result = (await this.#items!.next()) as Result;
      if (result.done === true) void this.#settle(undefined);
      return result;
    } catch (failure) {
      throw (await this.#settle(failure as TrunklineError)) ?? failure;
    }
  }

  goesOn(target: Target): void {
    if (this.#ended !== undefined || this.#settled) return;
    this.#target = target;
    target.streams++;
  }

  /** Tells how it ended, once; gives the failure as the caller is to see it. */
  #settle(failure: TrunklineError | undefined): ReturnType<StreamOptions["settled"]> {
    if (this.#settled) return failure;
    this.#settled = true;
    if (this.#target === undefined) return this.#options.settled(failure);
    this.#target.streams--;
    return this.#options.settled(failure && locate(failure, placeOf(this.#target)));
  }

  async return(): Promise<Result> {
    if (this.#left) return done;
    this.#left = true;
    if (this.#begun) return ((await this.#items!.return?.()) as Result | undefined) ?? done;
    if (this.#first === undefined) {
      await this.#settle(undefined);
      return done;
    }
    this.#attempt.cancel("caller");
    await this.#first.catch(() => undefined);
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

function iteratorOf(items: unknown): Items {
  if (typeof items === "object" && items !== null) {
    if (Symbol.asyncIterator in items) return (items as Items)[Symbol.asyncIterator]();
    if (Symbol.iterator in items) return asynchronous(items as Iterable<unknown>);
  }
  throw new TypeError("an interceptor did not return an iterable of items");
}

async function* asynchronous(items: Iterable<unknown>): AsyncGenerator {
  yield* items;
}
