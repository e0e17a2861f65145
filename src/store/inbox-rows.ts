import type { Transaction } from "./transaction.ts";

/** A message in the eyes of one consumer. */
export interface InboxKey {
  /** Who consumes: said by the user, so that renaming code changes nothing. At most 200 characters. */
  readonly consumer: string;
  /** The id of the message, with its source where the id alone is not unique. At most 200 characters. */
  readonly message: string;
}

/** What is known of a message that was processed. */
export interface Processed {
  readonly processedAt: number;
  /** What was answered, for a command. */
  readonly reply: Uint8Array | undefined;
}

/** How often handlers of a message were begun and came to an end, whatever end. */
export interface Attempts {
  readonly started: number;
  readonly finished: number;
}

/** What the sequence of a message says about those of its key that came before it. */
export type Succession = "next" | "gap" | "earlier";

/** The tables of the inbox: which messages were processed, PROCESSED_MESSAGES of the literature. */
export interface InboxRows {
  /**
   * Marks a message as processed in `tx`, as its first statement (IN-1). Resolves with undefined when that is new, else with what is
   * known; waits for another transaction that is about to mark it. A rollback takes the mark away (IN-2).
   */
  mark(tx: Transaction, key: InboxKey): Promise<Processed | undefined>;
  /** Keeps the reply of one that was marked in `tx` (IN-3). */
  answer(tx: Transaction, key: InboxKey, reply: Uint8Array): Promise<void>;
  /** What is known, without marking it. */
  find(key: InboxKey): Promise<Processed | undefined>;

  /** A handler begins (IN-5): counted in a transaction of its own. Resolves with the counts, this one included in `started`. */
  started(key: InboxKey): Promise<Attempts>;
  /** It came to an end. With `forget` nothing needs to be known of its attempts any more. */
  finished(key: InboxKey, forget: boolean): Promise<void>;

  /**
   * Notes the sequence of a message within `tx` (IN-6): `next` when it follows on what was noted for this consumer and ordering key, or
   * nothing was; `gap` when some between are missing; `earlier` when a later one was noted before.
   */
  follow(tx: Transaction, consumer: string, key: string, sequence: number): Promise<Succession>;

  /** Takes out marks and counts older than `olderThanMs`, at most `limit` of them; resolves with how many. */
  purge(olderThanMs: number, limit: number): Promise<number>;
  /** How many marks there are of a consumer, and how old the oldest is, in milliseconds. Reads all: for people. */
  status(): Promise<readonly { consumer: string; marks: number; oldestMs: number }[]>;
}
