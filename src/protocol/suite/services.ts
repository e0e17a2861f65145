import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Incoming } from "../incoming.ts";
import type { Operation } from "../operation.ts";
import type { Dispatcher, ItemSource, ServedOperation, Sink } from "../protocol.ts";

type Answer = (input: unknown, incoming: Incoming) => unknown;
type Take = (head: unknown, items: ItemSource, incoming: Incoming) => unknown;
type Converse = (head: unknown, items: ItemSource, incoming: Incoming, sink: Sink) => Promise<void>;
type Produce = (input: unknown, incoming: Incoming, sink: Sink) => Promise<void>;

/** What a case serves, without anything that the layers above a protocol add. */
export class Services implements Dispatcher {
  /** Exceptions that were reported, oldest first; the caller's error has the id `report-<index>`. */
  readonly incidents: unknown[] = [];
  /** Every request that began, oldest first. */
  readonly begun: Incoming[] = [];
  readonly #served = new Map<string, ServedOperation>();

  find(contract: string, major: number | undefined, member: string): ServedOperation | undefined {
    if (major !== undefined) return this.#served.get(`${contract}@${major}/${member}`);
    const versions = [...this.#served.values()].filter(
      ({ operation }) => operation.contract === contract && operation.member === member,
    );
    return versions.toSorted((a, b) => b.operation.owner.major - a.operation.owner.major)[0];
  }

  list(): readonly ServedOperation[] {
    return [...this.#served.values()];
  }

  /** Serves a call or a notification. */
  answer(operation: Operation, answer: Answer): void {
    this.#add(operation, { handle: async (input, incoming) => answer(input, incoming) });
  }

  /** Serves a stream. */
  produce(operation: Operation, produce: Produce): void {
    this.#add(operation, { stream: produce });
  }

  /** Serves an upload. */
  take(operation: Operation, take: Take): void {
    const upload = async (head: unknown, items: ItemSource, incoming: Incoming): Promise<unknown> =>
      take(head, items, incoming);
    this.#add(operation, { upload });
  }

  /** Serves a duplex. */
  converse(operation: Operation, converse: Converse): void {
    this.#add(operation, { duplex: converse });
  }

  #add(operation: Operation, served: Partial<ServedOperation>): void {
    const { name, major } = operation.owner;
    const run = async <T>(incoming: Incoming, work: () => T | Promise<T>): Promise<T> => {
      this.begun.push(incoming);
      try {
        const working = work();
        if (working === undefined) throw new Error(`it is a ${operation.kind}`);
        return await working;
      } catch (error) {
        throw this.#typed(error);
      }
    };
    this.#served.set(`${name}@${major}/${operation.member}`, {
      operation,
      handle: (input, incoming) => run(incoming, () => served.handle?.(input, incoming)),
      stream: (input, incoming, sink) =>
        run(incoming, () => served.stream?.(input, incoming, sink)),
      upload: (head, items, incoming) =>
        run(incoming, () => served.upload?.(head, items, incoming)),
      duplex: (head, items, incoming, sink) =>
        run(incoming, () => served.duplex?.(head, items, incoming, sink)),
      incident: (exception) => this.#incident(exception),
    });
  }

  #typed(error: unknown): TrunklineError {
    return isTrunklineError(error) ? error : this.#incident(error);
  }

  #incident(exception: unknown): TrunklineError {
    const id = `report-${this.incidents.push(exception) - 1}`;
    return systemError("INTERNAL", "the handler failed", { executed: "yes", id });
  }
}

/** Resolves when the request is not wanted any more, with the reason. */
export function whenCancelled(incoming: Incoming): Promise<string> {
  return new Promise((resolve) => incoming.bind({ cancel: resolve }));
}
