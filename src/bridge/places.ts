import { isTrunklineError, systemError } from "../base/error.ts";
import { detached } from "../call/served-context.ts";

/** One address at which something can be reached. */
export interface Place<Client> {
  readonly address: string;
  /** Makes a client of it. Nothing is sent before it is used. */
  open(): Client;
}

/** The longest that one place is asked, in milliseconds; then the next one is. */
export const askMs = 2_000;

/** Between two looks for somebody who does not answer; each time longer. */
export const lookWaits: { readonly baseMs: number; readonly capMs: number } = {
  baseMs: 100,
  capMs: 5_000,
};

/** What is asked of a place, within how many milliseconds, and its number. */
type Question<Client, T> = (client: Client, deadline: number, index: number) => Promise<T>;

/** Several places, the first one first, and their clients, made when they are needed. */
export class Places<Client extends AsyncDisposable> {
  readonly #places: readonly Place<Client>[];
  readonly #clients: (Client | undefined)[] = [];
  #closed = false;

  constructor(places: readonly Place<Client>[]) {
    this.#places = places;
  }

  get count(): number {
    return this.#places.length;
  }

  /** Throws CANCELLED when they are closed. */
  client(index: number): Client {
    if (this.#closed)
      throw systemError("CANCELLED", "the registry's client is closed", { executed: "no" });
    return (this.#clients[index] ??= this.#places[index]!.open());
  }

  /**
   * Asks the first that answers, on nobody's behalf: a handler that happens to run hands on neither its deadline nor its end.
   * Rejects with what the last one said.
   */
  ask<T>(question: Question<Client, T>): Promise<T> {
    return detached(() => this.#ask(question));
  }

  async #ask<T>(question: Question<Client, T>): Promise<T> {
    for (let index = 0; ; index++) {
      try {
        return await question(this.client(index), askMs, index);
      } catch (error) {
        if (index + 1 >= this.count || !isSilence(error)) throw error;
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const each of this.#clients) await each?.[Symbol.asyncDispose]();
  }
}

/** True when the place has not answered, so that another one may. */
function isSilence(error: unknown): boolean {
  if (!isTrunklineError(error)) return false;
  return error.code === "UNAVAILABLE" || error.code === "DEADLINE_EXCEEDED";
}
