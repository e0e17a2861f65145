import type { ProtocolCapabilities } from "./protocol.ts";
import { answerCases } from "./suite/answers.ts";
import { bothRolesCases } from "./suite/both-roles.ts";
import { boundCases } from "./suite/bounds.ts";
import type { Case } from "./suite/case.ts";
import { connectionCases } from "./suite/connections.ts";
import { creditCases } from "./suite/credit.ts";
import { drainingCases } from "./suite/draining.ts";
import { duplexCases } from "./suite/duplexes.ts";
import { givingUpCases } from "./suite/giving-up.ts";
import { largeCases } from "./suite/large.ts";
import { notificationCases } from "./suite/notifications.ts";
import { oneWayCases } from "./suite/one-way.ts";
import { refusalCases } from "./suite/refusals.ts";
import { Stage, type ProtocolSubject } from "./suite/stage.ts";
import { standingCases } from "./suite/standing.ts";
import { streamEndCases } from "./suite/stream-ends.ts";
import { streamCases } from "./suite/streams.ts";
import { uploadCases } from "./suite/uploads.ts";

export type { ProtocolSubject };

/** One sentence about the behaviour of a protocol, and its proof. */
export interface ProtocolCase {
  readonly name: string;
  /** Rejects when the sentence does not hold. Give it a watchdog: a lost answer is waited for. */
  run(): Promise<void>;
}

/**
 * The conformance suite of protocols: each promise of the port and of the capabilities, over whatever connections the
 * protocol was made with. Register the cases with any test runner.
 */
export function protocolCases(subject: ProtocolSubject): ProtocolCase[] {
  const { capabilities } = subject.make();
  return casesFor(capabilities).map(({ name, play }) => ({
    name,
    run: () => Stage.set(subject, play),
  }));
}

function casesFor(capabilities: ProtocolCapabilities): Case[] {
  const { kinds } = capabilities;
  const holds = ({ when }: Case): boolean => when === undefined || when(capabilities);
  if (!kinds.includes("call")) return oneWayCases.filter(holds);
  const cases = [
    ...answerCases,
    ...refusalCases,
    ...boundCases,
    ...largeCases,
    ...givingUpCases,
    ...standingCases,
    ...(kinds.includes("stream") ? [...streamCases, ...streamEndCases, ...creditCases] : []),
    ...(kinds.includes("upload") ? uploadCases : []),
    ...(kinds.includes("duplex") ? duplexCases : []),
    ...(kinds.includes("notification") ? notificationCases : []),
    ...(capabilities.callback ? bothRolesCases : []),
    ...connectionCases,
    ...drainingCases,
  ];
  return cases.filter(holds);
}
