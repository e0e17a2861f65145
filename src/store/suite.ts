import { deadCases } from "./suite/dead.ts";
import { inboxCases } from "./suite/inbox.ts";
import { keyCases } from "./suite/keys.ts";
import { relayingCases } from "./suite/relaying.ts";
import { Stage, type Case, type StoreStand, type StoreSubject } from "./suite/stage.ts";
import { transactionCases } from "./suite/transactions.ts";
import { writingCases } from "./suite/writing.ts";

export type { StoreStand, StoreSubject };

/** One sentence about the behaviour of a store, and its proof. */
export interface StoreCase {
  readonly name: string;
  /** Rejects when the sentence does not hold. Give it a watchdog: what never comes is waited for. */
  run(): Promise<void>;
}

/** Parts of the suite, each for one group of operations. */
export type StorePart = "transactions" | "writing" | "relaying" | "dead" | "inbox" | "keys";

const parts: Readonly<Record<StorePart, readonly Case[]>> = {
  transactions: transactionCases,
  writing: writingCases,
  relaying: relayingCases,
  dead: deadCases,
  inbox: inboxCases,
  keys: keyCases,
};

/**
 * The conformance suite of stores: transactions, migrations, and each operation of the outbox, the inbox and the keys, with the rules of
 * messages in databases (OB-…, IN-…) by name. Register the cases with any test runner. `only`: some parts, for one more client of a
 * database whose statements are tried elsewhere.
 */
export function storeCases(
  subject: StoreSubject,
  only: readonly StorePart[] = Object.keys(parts) as StorePart[],
): StoreCase[] {
  return only
    .flatMap((part) => parts[part])
    .filter(({ when }) => when === undefined || when(subject))
    .map((each) => ({ name: each.name, run: () => Stage.set(subject, each) }));
}
