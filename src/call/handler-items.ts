import type { Env } from "../base/env.ts";
import { systemError, type TrunklineError } from "../base/error.ts";
import type { Validation } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { ItemSource } from "../protocol/protocol.ts";
import type { ItemStream } from "./client-type.ts";
import type { Member } from "./compile.ts";
import { incident } from "./incident.ts";

type Result = IteratorResult<unknown, undefined>;

/**
 * The items of an upload or duplex as its handler reads them, each as its schema reads it. The end is only told when the
 * caller said that it was the end: where items are missing, the handler gets an exception.
 */
export class HandlerItems implements ItemStream<unknown> {
  /** What the items failed with: it is the caller's doing, and no incident when it escapes the handler. */
  failure: TrunklineError | undefined;
  readonly #source: ItemSource;
  readonly #member: Member;
  readonly #env: Env;
  #items: AsyncIterator<unknown> | undefined;
  #accepted = 0;
  #settled = false;

  constructor(source: ItemSource, member: Member, env: Env) {
    this.#source = source;
    this.#member = member;
    this.#env = env;
  }

  /** The caller may begin to send: its request is accepted. */
  open(): AsyncIterator<unknown> {
    return (this.#items ??= this.#source.open(this.#accept));
  }

  /** The handler has settled: nobody is told of an end any more that perhaps is none. */
  settle(): void {
    this.#settled = true;
  }

  next(): Promise<Result> {
    return this.open().next().then(this.#told, this.#failed);
  }

  async return(): Promise<Result> {
    await this.open().return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  readonly #told = (result: IteratorResult<unknown>): Result => {
    if (result.done !== true) return result;
    if (!this.#settled) return { done: true, value: undefined };
    throw systemError(
      "CANCELLED",
      "the handler has answered: the items that it had not read are dropped",
      {
        executed: "yes",
        operation: this.#member.operation.name,
      },
    );
  };

  readonly #failed = (failure: unknown): never => {
    this.failure = failure as TrunklineError;
    throw failure;
  };

  readonly #accept = (item: unknown): unknown => {
    const index = this.#accepted++;
    let checked: ReturnType<typeof validate>;
    try {
      checked = validate(this.#member.declared.in, item);
    } catch (exception) {
      throw this.#unchecked(exception);
    }
    if (!isPending(checked)) return valueOf(checked, index);
    return Promise.resolve(checked).then(
      (valid) => valueOf(valid, index),
      (exception: unknown) => {
        throw this.#unchecked(exception);
      },
    );
  };

  /** A schema's own code threw. */
  #unchecked(exception: unknown): TrunklineError {
    return incident(exception, this.#member, this.#env, "yes", "an item could not be checked");
  }
}

function valueOf(checked: Validation<unknown>, index: number): unknown {
  if (checked.issues === undefined) return checked.value;
  const reason = `the item at index ${index} does not match the contract: ${explain(checked.issues)}`;
  throw systemError("INVALID_ARGUMENT", reason, { executed: "yes" });
}
