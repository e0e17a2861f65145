import type { Format } from "./format.ts";
import { hostileCases } from "./suite/hostile.ts";
import { plainCases } from "./suite/plain.ts";
import { roundTripCases } from "./suite/round-trip.ts";

/** One sentence about the behaviour of a format, and its proof. */
export interface CodecCase {
  readonly name: string;
  /** Rejects when the sentence does not hold. */
  run(): Promise<void>;
}

export interface CodecTerms {
  /** Names of samples of the corpus that the format refuses, as it may where it cannot carry them. Default none. */
  readonly refuses?: readonly string[];
}

/**
 * The conformance suite of formats: whatever a contract describes comes back as JSON would bring it back or is refused, and
 * bytes that are not what the format writes end in an error or in a plain value. Register the cases with any test runner.
 */
export function codecCases(format: Format, { refuses = [] }: CodecTerms = {}): CodecCase[] {
  return [...roundTripCases(format, refuses), ...plainCases(format), ...hostileCases(format)].map(
    ({ name, play }) => ({ name, run: async () => play() }),
  );
}
