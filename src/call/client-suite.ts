import { answerCases } from "./client-suite/answers.ts";
import { authorizationCases } from "./client-suite/authorization.ts";
import type { Case } from "./client-suite/case.ts";
import { contextCases } from "./client-suite/context.ts";
import { duplexCases } from "./client-suite/duplexes.ts";
import { givingUpCases } from "./client-suite/giving-up.ts";
import { inheritanceCases } from "./client-suite/inheritance.ts";
import { interceptorCases } from "./client-suite/interceptors.ts";
import { misunderstandingCases } from "./client-suite/misunderstandings.ts";
import { observingCases } from "./client-suite/observing.ts";
import { onceCases } from "./client-suite/once.ts";
import { orderCases } from "./client-suite/order.ts";
import { Stage } from "./client-suite/stage.ts";
import { stoppingCases } from "./client-suite/stopping.ts";
import { streamEndCases } from "./client-suite/stream-ends.ts";
import { streamCases } from "./client-suite/streams.ts";
import type { ClientSubject } from "./client-suite/subject.ts";
import { truthCases } from "./client-suite/truth.ts";
import { uploadEndCases } from "./client-suite/upload-ends.ts";
import { uploadCases } from "./client-suite/uploads.ts";

export { overProtocol } from "./client-suite/subject.ts";
export type { ClientSubject, ClientTerms, Serving, ServingTerms } from "./client-suite/subject.ts";

/** One sentence about clients and what serves them, and its proof. */
export interface ClientCase {
  readonly name: string;
  /** Rejects when the sentence does not hold. Give it a watchdog: a lost answer is waited for. */
  run(): Promise<void>;
}

const cases: readonly Case[] = [
  ...answerCases,
  ...truthCases,
  ...misunderstandingCases,
  ...onceCases,
  ...contextCases,
  ...inheritanceCases,
  ...givingUpCases,
  ...whereStreams(streamCases),
  ...whereStreams(streamEndCases),
  ...uploadCases,
  ...uploadEndCases,
  ...duplexCases,
  ...interceptorCases,
  ...orderCases,
  ...observingCases,
  ...stoppingCases,
  ...authorizationCases,
];

function whereStreams(of: readonly Case[]): readonly Case[] {
  return of.map(({ when, ...rest }) => ({
    ...rest,
    when: (capabilities, subject) =>
      capabilities.kinds.includes("stream") && (when?.(capabilities, subject) ?? true),
  }));
}

/**
 * The whole of what a user sees of every kind of operation, from the client's function to the handler and back, over one
 * address. Needs a protocol that carries calls and notifications. Register the cases with any test runner.
 */
export function clientCases(subject: ClientSubject): ClientCase[] {
  const { capabilities } = subject;
  return cases
    .filter(({ when }) => when === undefined || when(capabilities, subject))
    .map(({ name, play }) => ({ name, run: () => Stage.set(subject, play) }));
}
