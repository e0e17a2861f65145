import { channels } from "../../base/diagnostics.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Store } from "../../store/store.ts";
import type { Transaction } from "../../store/transaction.ts";
import type { Received } from "../work.ts";
import { short } from "./message-key.ts";

/** What was seen of the order of messages that count themselves. */
export interface SuccessionStats {
  /** Messages before which some of their key are missing. */
  readonly gaps: number;
  /** Messages after which a later one of their key was processed before. */
  readonly reorderings: number;
}

/**
 * Watches the order of messages that say which of their key they are (IN-6): it tells of gaps and reorderings, and refuses nothing.
 * What was noted counts when the message is processed, and not when that is rolled back.
 */
export class Succession {
  readonly #store: Store;
  #gaps = 0;
  #reorderings = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get stats(): SuccessionStats {
    return { gaps: this.#gaps, reorderings: this.#reorderings };
  }

  async note(
    transaction: Transaction,
    consumer: string,
    { envelope }: Pick<Received, "envelope">,
  ): Promise<void> {
    const { subject: key, attributes, id } = envelope;
    const sequence = Number(attributes[attribute.sequence]);
    if (key === undefined || !Number.isSafeInteger(sequence)) return;
    const found = await this.#store.inbox.follow(transaction, consumer, short(key), sequence);
    if (found === "next") return;
    transaction.afterCommit(() => {
      if (found === "gap") this.#gaps++;
      else this.#reorderings++;
      const { address: store } = this.#store;
      if (channels.inbox.hasSubscribers)
        channels.inbox.publish({ store, consumer, what: found, id, key, sequence });
    });
  }
}
