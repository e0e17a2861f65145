import { existsSync, readFileSync } from "node:fs";
import { describe, type ContractDescription } from "../contract/describe.ts";
import type { CallOptions } from "../call/client-type.ts";
import { UsageError } from "./command.ts";
import { loadContracts } from "./contract-module.ts";
import { describeRemote } from "./remote.ts";

/**
 * The contracts that a word of the command line names: a module that exports them, a lock file or another JSON with their
 * descriptions, or the address of a process that serves them.
 */
export async function contractsAt(
  word: string,
  options: CallOptions,
): Promise<readonly ContractDescription[]> {
  if (!existsSync(word)) {
    if (/^[a-z][a-z0-9+]*:/.test(word)) return (await describeRemote(word, options)).contracts;
    throw new UsageError(
      `there is no file ${word}: name a module, a lock file, or an address as in unix:./run/orders.sock`,
    );
  }
  if (word.endsWith(".json")) return describedIn(word);
  return (await loadContracts(word)).contracts.map((each) => describe(each));
}

/** A lock file, what `describe --json` prints, or one description. */
function describedIn(path: string): readonly ContractDescription[] {
  let told: unknown;
  try {
    told = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${path} cannot be read: ${why}`, { cause: error });
  }
  const { contracts = told } = Object(told) as { readonly contracts?: unknown };
  const list = [contracts].flat();
  if (list.length > 0 && list.every(isDescription)) return list;
  throw new UsageError(
    `${path} describes no contracts: make it with \`trunkline contract lock\`, or \`trunkline describe ADDRESS --json\``,
  );
}

function isDescription(value: unknown): value is ContractDescription {
  const { name, version, operations } = Object(value) as Partial<ContractDescription>;
  return (
    typeof name === "string" &&
    typeof version === "string" &&
    typeof operations === "object" &&
    operations !== null
  );
}
