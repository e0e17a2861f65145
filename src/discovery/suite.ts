import { registeringCases } from "./suite/registering.ts";
import { Stage } from "./suite/stage.ts";
import type { DiscoverySubject, Grip, RegistryStand } from "./suite/stand.ts";
import { watchingCases } from "./suite/watching.ts";

export type { DiscoverySubject, Grip, RegistryStand };

/** One sentence about the behaviour of a registry, and its proof. */
export interface DiscoveryCase {
  readonly name: string;
  /** Rejects when the sentence does not hold. Give it a watchdog: what is never told is waited for. */
  run(): Promise<void>;
}

/**
 * The conformance suite of discoveries: each promise that the port makes and each that the capabilities add, and what is
 * refused instead where a capability is missing. Register the cases with any test runner.
 */
export function discoveryCases(subject: DiscoverySubject): DiscoveryCase[] {
  const { capabilities, grips: given } = subject;
  return [...watchingCases, ...registeringCases]
    .filter(({ when }) => when === undefined || when(capabilities))
    .filter(({ grips = [] }) => grips.every((grip) => given.includes(grip)))
    .map(({ name, play }) => ({ name, run: () => Stage.set(subject, play) }));
}
