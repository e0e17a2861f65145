import { milliseconds } from "../../base/duration.ts";
import { systemError } from "../../base/error.ts";
import type { ConsumeTerms } from "../on.ts";

/** `ConsumeTerms.letters`, with what was not said filled in. */
export interface LetterTerms {
  readonly perKeyMax: number;
  readonly max: number;
  /** In milliseconds; undefined: they stay. */
  readonly expiresMs: number | undefined;
}

/** A look at all of them takes memory and time for each: there is no use in more. */
const lettersMax = 1_000_000;

/** Reads the terms. @throws TrunklineError INVALID_ARGUMENT for what cannot be meant. */
export function letterTerms(
  { perKeyMax = 1_000, max = 10_000, expires }: NonNullable<ConsumeTerms["letters"]> = {},
  dead: NonNullable<ConsumeTerms["dead"]>,
): LetterTerms {
  for (const [name, value] of Object.entries({ perKeyMax, max }))
    if (!Number.isInteger(value) || value < 1 || value > lettersMax)
      throw systemError(
        "INVALID_ARGUMENT",
        `letters.${name} is a number from 1 to ${lettersMax}, not ${value}`,
        { executed: "no" },
      );
  if (expires !== undefined && dead === "park-key")
    throw systemError("INVALID_ARGUMENT", "dead letters of blocked keys cannot expire", {
      executed: "no",
      advice:
        'later messages of the key would overtake them: leave expires away, or say dead: "park-message"',
    });
  return { perKeyMax, max, expiresMs: expires === undefined ? undefined : milliseconds(expires) };
}
