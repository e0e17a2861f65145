import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Incoming } from "../incoming.ts";
import type { Operation } from "../operation.ts";
import type { Dispatcher, ServedOperation, Sink } from "../protocol.ts";

type Answer = (input: unknown, incoming: Incoming) => unknown;
type Produce = (input: unknown, incoming: Incoming, sink: Sink) => Promise<void>;

/** What a case serves, without anything that the layers above a protocol add. */
export class Services implements Dispatcher {
  /** Exceptions that were reported, oldest first; the caller's error has the id `report-<index>`. */
  readonly incidents: unknown[] = [];
  /** Every request that began, oldest first. */
  readonly begun: Incoming[] = [];
  readonly #served = new Map<string, ServedOperation>();

  find(contract: string, major: number, member: string): ServedOperation | undefined {
    return this.#served.get(`${contract}@${major}/${member}`);
  }

  /** Serves a call or a notification. */
  answer(operation: Operation, answer: Answer): void {
    const handle = async (input: unknown, incoming: Incoming): Promise<unknown> =>
      answer(input, incoming);
    this.#add(operation, handle, () => Promise.reject(new Error("it is no stream")));
  }

  /** Serves a stream. */
  produce(operation: Operation, produce: Produce): void {
    this.#add(operation, () => Promise.reject(new Error("it is a stream")), produce);
  }

  #add(operation: Operation, handle: ServedOperation["handle"], stream: Produce): void {
    const { name, major } = operation.owner;
    const begin = (incoming: Incoming): void => void this.begun.push(incoming);
    this.#served.set(`${name}@${major}/${operation.member}`, {
      operation,
      handle: async (input, incoming) => {
        begin(incoming);
        try {
          return await handle(input, incoming);
        } catch (error) {
          throw this.#typed(error);
        }
      },
      stream: async (input, incoming, sink) => {
        begin(incoming);
        try {
          await stream(input, incoming, sink);
        } catch (error) {
          throw this.#typed(error);
        }
      },
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
