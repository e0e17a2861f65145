import type { MessageEvent } from "../base/diagnostics.ts";

/** How often what became of messages; see `MessageEvent.outcome`. */
export type Counts = Readonly<Record<MessageEvent["outcome"], number>>;

/** Counts what becomes of messages. */
export class Tally {
  readonly #counts: Record<MessageEvent["outcome"], number> = {
    handled: 0,
    retry: 0,
    dead: 0,
    duplicate: 0,
    expired: 0,
    unwanted: 0,
    fenced: 0,
    lost: 0,
  };

  count(outcome: MessageEvent["outcome"]): void {
    this.#counts[outcome]++;
  }

  counts(): Counts {
    return { ...this.#counts };
  }
}
