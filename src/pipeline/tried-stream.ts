import type { TrunklineError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import type { Caller, StreamOptions } from "../protocol/protocol.ts";
import type { Job } from "./job.ts";

type Result = IteratorResult<unknown, undefined>;
type Items = AsyncIterableIterator<unknown>;

const done: Result = Object.freeze({ done: true, value: undefined });

/** How a stream or duplex is begun at an endpoint. */
export interface Opening {
  readonly operation: Operation;
  open(caller: Caller, attempt: Attempt, options: StreamOptions): Items;
  /** Nothing of it is used up. */
  repeatable(): boolean;
}

/**
 * A stream until its first item: up to then it may be tried elsewhere like a call, and what ends a try does not end the stream.
 * From the first item on it is the stream of the endpoint that gave it.
 */
export class TriedStream implements AsyncIterableIterator<unknown>, Job {
  readonly operation: Operation;
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
  /** What the caller has of it is final: it must not be told again how it ended. */
  #settled = false;
  #left = false;

  constructor(
    opening: Opening,
    attempt: Attempt,
    options: StreamOptions,
    run: (job: Job) => Promise<unknown>,
  ) {
    this.operation = opening.operation;
    this.#opening = opening;
    this.#attempt = attempt;
    this.#options = options;
    this.#run = run;
  }

  get repeatable(): boolean {
    return this.#opening.repeatable();
  }

  next(): Promise<Result> {
    if (this.#begun) return this.#ended === undefined ? this.#items!.next() : this.#last();
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
    this.#items = this.#opening.open(caller, attempt, {
      idleMs: this.#options.idleMs,
      accept: this.#options.accept,
      settled: (failure) => {
        if (this.#begun) return this.#settle(failure);
        this.#ended = { failure };
        return failure;
      },
    });
    return this.#items.next() as Promise<Result>;
  }

  /** Its end came before its first item was taken: what is still to be read comes first. */
  async #last(): Promise<Result> {
    try {
      return (await this.#items!.next()) as Result;
    } catch (failure) {
      throw (await this.#settle(failure as TrunklineError)) ?? failure;
    }
  }

  /** Tells how it ended, once; gives the failure as the caller is to see it. */
  #settle(failure: TrunklineError | undefined): ReturnType<StreamOptions["settled"]> {
    if (this.#settled) return failure;
    this.#settled = true;
    return this.#options.settled(failure);
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
