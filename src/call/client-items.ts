import { AsyncLocalStorage } from "node:async_hooks";
import { systemError, type TrunklineError } from "../base/error.ts";
import type { Validation } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { Sink, Source } from "../protocol/protocol.ts";
import { unchecked, type Calling } from "./calling.ts";
import type { Member } from "./compile.ts";
import { isItems, iteratorOf, type Items, type Iteration } from "./items.ts";
import { Pump } from "./pump.ts";

/** Iterators that were read: a second request would take what is left, or nothing, for the whole. */
const read = new WeakSet<object>();

/**
 * The items of an upload or duplex on their way out. What gives them is opened when the server has accepted, is asked for an
 * item only when there is room for one, and is returned when it is left early.
 */
export class ClientItems {
  readonly #member: Member;
  readonly #calling: Calling;
  readonly #items: Items<unknown>;
  /** They are made on behalf of who made the call, whoever's frame asks for them. */
  readonly #inContext = AsyncLocalStorage.snapshot();
  #pump: Pump | undefined;
  #stopped = false;

  /** @throws TrunklineError INVALID_ARGUMENT when `items` cannot give any. */
  constructor(member: Member, calling: Calling, items: unknown) {
    if (!isItems(items)) {
      throw systemError("INVALID_ARGUMENT", "the items cannot be iterated", {
        executed: "no",
        advice: "give an array, a generator, or anything else that can be iterated",
      });
    }
    if (read.has(items)) throw readBefore("no");
    this.#member = member;
    this.#calling = calling;
    this.#items = items;
  }

  readonly source: Source = (sink) => this.#inContext(() => this.#send(sink));

  /** Nobody wants them any more. */
  stop(): void {
    this.#stopped = true;
    this.#pump?.cancel();
  }

  async #send(sink: Sink): Promise<void> {
    if (this.#stopped) return;
    let failure: TrunklineError | undefined;
    try {
      const iterator = iteratorOf(this.#items);
      failure = read.has(iterator) ? readBefore("maybe") : await this.#pumpInto(sink, iterator);
    } catch (cause) {
      if (this.#stopped || sink.closed) return; // nobody is left to be told
      throw systemError("CANCELLED", "the items to be sent failed", {
        executed: "maybe",
        cause,
        advice: "see its cause: it was thrown by what gives the items",
      });
    }
    if (failure !== undefined) throw failure;
  }

  #pumpInto(sink: Sink, iterator: Iteration): Promise<TrunklineError | undefined> {
    read.add(iterator);
    this.#pump = new Pump(iterator, sink, this.#calling.checkSent ? this.#check : undefined);
    return this.#pump.run();
  }

  readonly #check = (
    item: unknown,
    index: number,
  ): TrunklineError | undefined | Promise<TrunklineError | undefined> => {
    const threw = (cause: unknown): TrunklineError =>
      unchecked(`item at index ${index}`, "maybe", cause);
    let checked: ReturnType<typeof validate>;
    try {
      checked = validate(this.#member.declared.in, item);
    } catch (cause) {
      return threw(cause);
    }
    if (!isPending(checked)) return misfit(checked, index);
    return Promise.resolve(checked).then((valid) => misfit(valid, index), threw);
  };
}

function readBefore(executed: "no" | "maybe"): TrunklineError {
  return systemError("INVALID_ARGUMENT", "the items were read before, by another request", {
    executed,
    advice: "give each request an array, or a generator of its own",
  });
}

/** It is known only after items before it may have been worked on. */
function misfit({ issues }: Validation<unknown>, index: number): TrunklineError | undefined {
  if (issues === undefined) return undefined;
  const reason = `the item at index ${index} does not match the contract: ${explain(issues)}`;
  return systemError("INVALID_ARGUMENT", reason, { executed: "maybe" });
}
