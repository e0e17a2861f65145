import { backPressureCases } from "./suite/back-pressure.ts";
import type { Case } from "./suite/case.ts";
import { closingCases } from "./suite/closing.ts";
import { datagramCases } from "./suite/datagrams.ts";
import { deliveryCases } from "./suite/delivery.ts";
import { listeningCases } from "./suite/listening.ts";
import { socketCases } from "./suite/sockets.ts";
import { Stage, type TransportSubject } from "./suite/stage.ts";
import type { TransportCapabilities } from "./transport.ts";

export type { TransportSubject };

/** One sentence about the behaviour of a transport, and its proof. */
export interface TransportCase {
  readonly name: string;
  /** Rejects when the sentence does not hold. Give it a watchdog: a lost frame is waited for. */
  run(): Promise<void>;
}

/**
 * The conformance suite of transports: each promise that the port makes and each that the capabilities add, and what is
 * refused instead where a capability is missing. Register the cases with any test runner.
 */
export function transportCases(subject: TransportSubject): TransportCase[] {
  const { capabilities, sockets } = subject.make();
  if (capabilities.connections === "none") return played(datagramCases, subject, capabilities);
  const cases = [...deliveryCases, ...backPressureCases, ...closingCases, ...listeningCases];
  if (sockets !== undefined) cases.push(...socketCases);
  return played(cases, subject, capabilities);
}

function played(
  cases: readonly Case[],
  subject: TransportSubject,
  capabilities: TransportCapabilities,
): TransportCase[] {
  return cases
    .filter(({ when }) => when === undefined || when(capabilities))
    .map(({ name, play }) => ({ name, run: () => Stage.set(subject, play) }));
}
