import { lookingCases } from "./suite/looking.ts";
import { queueCases } from "./suite/queues.ts";
import { receiptCases } from "./suite/receipts.ts";
import { settlingCases } from "./suite/settling.ts";
import { timeCases } from "./suite/time.ts";
import { Stage, type BrokerStand, type BrokerSubject } from "./suite/stage.ts";

export type { BrokerStand, BrokerSubject };

/** One sentence about the behaviour of a broker, and its proof. */
export interface BrokerCase {
  readonly name: string;
  /** Rejects when the sentence does not hold. Give it a watchdog: what never comes is waited for. */
  run(): Promise<void>;
}

/**
 * The conformance suite of brokers: each promise that the port makes and each that the capabilities add, and what is refused
 * instead where a capability is missing. `grips` says what its stands can do. Register the cases with any test runner.
 */
export function brokerCases(
  subject: BrokerSubject,
  grips: readonly ("restart" | "cut")[] = [],
): BrokerCase[] {
  const { capabilities } = subject;
  return [...queueCases, ...receiptCases, ...settlingCases, ...timeCases, ...lookingCases]
    .filter(({ when }) => when === undefined || when(capabilities))
    .filter(({ grip }) => grip === undefined || grips.includes(grip))
    .map(({ name, play }) => ({ name, run: () => Stage.set(subject, play) }));
}
