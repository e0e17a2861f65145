import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The root of the repository; the files of the table are named from there. */
export const root: string = join(import.meta.dirname, "..");

/** One way to break the library, and who must notice. */
export interface Mutant {
  /** What is broken, in words and without spaces: `npm run mutants -- NAME` runs it alone. */
  readonly name: string;
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What a user would suffer. */
  readonly because: string;
  /** The suite that kills it. */
  readonly killedBy: SuiteName;
}

export type SuiteName =
  | "sim"
  | "sim-broker"
  | "sim-messaging"
  | "sim-outbox"
  | "amqp"
  | "embedded"
  | "embeddedPort"
  | "embeddedRouting"
  | "messaging"
  | "broker"
  | "protocol"
  | "attempts"
  | "client"
  | "deadLetters"
  | "testing"
  | "codec"
  | "resilience"
  | "discovery"
  | "directory"
  | "dns"
  | "bridge"
  | "inbox"
  | "replies"
  | "gateway"
  | "keys"
  | "sameHost"
  | "shm"
  | "mmap"
  | "sharedFile";

/** The file with the mutant in it; throws when the table no longer fits the source. */
export function broken(mutant: Mutant): string {
  const misfit = misfitOf(mutant);
  if (misfit !== undefined) throw new Error(misfit);
  return partsOf(mutant).join(mutant.replace);
}

/** What is to be done about a mutant that no longer fits the source; undefined when it does. */
export function misfitOf(mutant: Mutant): string | undefined {
  const found = partsOf(mutant).length - 1;
  if (found === 1) return undefined;
  return (
    `mutant ${mutant.name}: adapt it to what ${mutant.file} says now, ` +
    `which contains ${found} times, not once:\n${mutant.find}`
  );
}

function partsOf({ file, find }: Mutant): string[] {
  return readFileSync(join(root, file), "utf8").split(find);
}
