import type { TrunklineError } from "../../base/error.ts";
import type { Attempt } from "../attempt.ts";
import type { Operation } from "../operation.ts";
import type { Caller, Source, StreamOptions } from "../protocol.ts";

export interface ReadingTerms {
  readonly idleMs?: number;
  readonly accept?: (item: unknown) => unknown;
  /** Of the items that go the other way: then it is a duplex. */
  readonly source?: Source;
}

/** How a stream of a case is read, and what its reader was told. */
export class Reading {
  readonly stream: AsyncIterableIterator<unknown, undefined>;
  /** What `settled` was called with, oldest first. */
  readonly settled: (string | undefined)[] = [];
  /** Items that it has given out. */
  taken = 0;

  constructor(
    caller: Caller,
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    terms: ReadingTerms = {},
  ) {
    const options: StreamOptions = {
      idleMs: terms.idleMs ?? Infinity,
      accept: terms.accept ?? ((item) => item),
      settled: (failure: TrunklineError | undefined) => {
        this.settled.push(failure?.code);
        return failure;
      },
    };
    const { source } = terms;
    this.stream = (
      source === undefined
        ? caller.stream(operation, input, attempt, options)
        : caller.duplex(operation, input, source, attempt, options)
    ) as AsyncIterableIterator<unknown, undefined>;
  }

  /** The next `count` items, or as many as there are. */
  async take(count: number): Promise<unknown[]> {
    const items: unknown[] = [];
    while (items.length < count) {
      const result = await this.stream.next();
      if (result.done === true) break;
      items.push(result.value);
      this.taken++;
    }
    return items;
  }

  all(): Promise<unknown[]> {
    return this.take(Infinity);
  }
}
