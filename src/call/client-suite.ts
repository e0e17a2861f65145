import { answerCases } from "./client-suite/answers.ts";
import { Stage } from "./client-suite/stage.ts";
import type { ClientSubject } from "./client-suite/subject.ts";
import { truthCases } from "./client-suite/truth.ts";

export { overProtocol } from "./client-suite/subject.ts";
export type { ClientSubject, ClientTerms, Serving, ServingTerms } from "./client-suite/subject.ts";

/** One sentence about clients and what serves them, and its proof. */
export interface ClientCase {
  readonly name: string;
  /** Rejects when the sentence does not hold. Give it a watchdog: a lost answer is waited for. */
  run(): Promise<void>;
}

/**
 * The whole of what a user sees of calls, streams and notifications, from the client's function to the handler and back,
 * over one address. Register the cases with any test runner.
 */
export function clientCases(subject: ClientSubject): ClientCase[] {
  const { capabilities } = subject;
  const cases = [...answerCases, ...truthCases];
  return cases
    .filter(({ when }) => when === undefined || when(capabilities))
    .map(({ name, play }) => ({ name, run: () => Stage.set(subject, play) }));
}
