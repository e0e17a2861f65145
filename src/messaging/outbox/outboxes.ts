import type { Store } from "../../store/store.ts";
import { Outbox, type OutboxOptions } from "./outbox.ts";

/** The outboxes of one process: one for each store. */
export class Outboxes {
  readonly #options: OutboxOptions;
  readonly #made = new Map<Store, Outbox>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The same each time. */
  of(store: Store): Outbox {
    let made = this.#made.get(store);
    if (made === undefined) this.#made.set(store, (made = new Outbox(store, this.#options)));
    return made;
  }
}
