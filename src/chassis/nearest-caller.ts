import { isTrunklineError, type TrunklineError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import type {
  Caller,
  CallerState,
  ConnectionWay,
  Source,
  StreamOptions,
  UploadOptions,
} from "../protocol/protocol.ts";
import type { TakenCaller } from "./caller-pool.ts";

/**
 * One instance that has several addresses: the nearest is used as long as there is somebody. Where there is nothing at all (the
 * socket file is gone, say), the next one is asked, and that counts as no failure.
 */
export class NearestCaller implements Caller {
  readonly #ways: readonly (() => TakenCaller)[];
  readonly #taken: TakenCaller[] = [];
  #current = 0;

  constructor(ways: readonly (() => TakenCaller)[]) {
    this.#ways = ways;
    this.#take(0);
  }

  get #caller(): Caller {
    return this.#taken[this.#current]!.caller;
  }

  get endpoint(): string {
    return this.#caller.endpoint;
  }

  get state(): CallerState {
    return this.#caller.state;
  }

  get waiting(): number {
    return this.#caller.waiting;
  }

  get bootId(): string | undefined {
    return this.#caller.bootId;
  }

  get way(): ConnectionWay | undefined {
    return this.#caller.way;
  }

  call(operation: Operation, input: unknown, attempt: Attempt): Promise<unknown> {
    const used = this.#current;
    const answer = this.#caller.call(operation, input, attempt);
    if (used === this.#ways.length - 1) return answer;
    return answer.catch((failure: unknown) => {
      if (!this.#moves(failure, used)) throw failure;
      return this.call(operation, input, attempt);
    });
  }

  async notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    const used = this.#current;
    try {
      await this.#caller.notify(operation, input, attempt);
    } catch (failure) {
      if (!this.#moves(failure, used)) throw failure;
      await this.notify(operation, input, attempt);
    }
  }

  async upload(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: UploadOptions,
  ): Promise<unknown> {
    const used = this.#current;
    try {
      return await this.#caller.upload(operation, head, source, attempt, options);
    } catch (failure) {
      this.#moves(failure, used); // the pipeline sends it again, if nothing of it is used up
      throw failure;
    }
  }

  stream(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    return this.#caller.stream(operation, input, attempt, this.#watching(options));
  }

  duplex(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    return this.#caller.duplex(operation, head, source, attempt, this.#watching(options));
  }

  async close(withinMs?: number): Promise<void> {
    await Promise.all(this.#taken.map(({ release }) => release(withinMs)));
  }

  #watching(options: StreamOptions): StreamOptions {
    const used = this.#current;
    const settled: StreamOptions["settled"] = (failure) => {
      if (failure !== undefined) this.#moves(failure, used);
      return options.settled(failure);
    };
    return { ...options, settled };
  }

  /** True when the next address is to be asked from now on. */
  #moves(failure: unknown, used: number): boolean {
    if (!isTrunklineError(failure) || failure.executed !== "no" || !nothingThere(failure))
      return false;
    if (used === this.#ways.length - 1) return false;
    if (this.#current === used) this.#take(used + 1);
    return true;
  }

  #take(index: number): void {
    this.#taken[index] ??= this.#ways[index]!();
    this.#current = index;
  }
}

/** Nothing has ever been there, or it is gone: another failure may pass. */
function nothingThere(failure: TrunklineError): boolean {
  for (let cause: unknown = failure, depth = 0; depth < 4; depth++) {
    if (typeof cause !== "object" || cause === null) return false;
    if ((cause as { code?: unknown }).code === "ENOENT") return true;
    cause = (cause as { cause?: unknown }).cause;
  }
  return false;
}
