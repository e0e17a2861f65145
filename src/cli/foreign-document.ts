import { readFileSync } from "node:fs";
import { isTrunklineError } from "../base/error.ts";
import { UsageError, type Line } from "./command.ts";
import { styled } from "./terminal.ts";

/** Tells people what could not be taken over; as JSON it is in the result. */
export function tellNotes({ terminal, json }: Line, warnings: readonly string[]): void {
  if (json) return;
  for (const warning of warnings)
    terminal.tell(`${styled(terminal, "yellow", "note")} ${warning}\n`);
}

/** A file that cannot be used is a mistake of the command line. */
export function usable<Made>(file: string, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    const { reason, advice } = error;
    throw new UsageError([`${file}: ${reason}`, advice ?? []].flat().join("; "), { cause: error });
  }
}

/** The text of a file that was named. */
export function documentAt(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** The name that a contract is to have, where one was given. */
export function contractNameIn(name: string | undefined): string | undefined {
  if (name === undefined || /^[a-z][a-z0-9-]{0,99}$/.test(name)) return name;
  throw new UsageError(
    `--name takes a contract's name, as in petstore or pet-store, not "${name}"`,
  );
}
