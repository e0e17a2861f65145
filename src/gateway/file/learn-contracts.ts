import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { isTrunklineError, systemError } from "../../base/error.ts";
import { client } from "../../chassis/client.ts";
import { ownPrefix, Reflection } from "../../chassis/reflection.ts";
import { toldContract } from "../../chassis/told-contract.ts";
import { info, type AnyContract } from "../../contract/contract.ts";
import type { ContractDescription } from "../../contract/describe.ts";
import type { RestBinding } from "../../protocol/rest/binding/bind-rest.ts";

/** Contracts, and how they stand on HTTP where somebody has said so. */
export interface Learned {
  readonly contracts: readonly AnyContract[];
  readonly bindings: readonly RestBinding[];
}

/** How long a process may take to say what it serves. */
const askedFor = "5s";

/**
 * The contracts that a text names: a module that exports them (its code runs), a JSON file of descriptions as `trunkline contract lock`
 * and `trunkline describe --json` write them, or the address of a process that describes itself. Paths are relative to `folder`.
 *
 * @throws TrunklineError INVALID_ARGUMENT, or what the process answers, when nothing can be learned there.
 */
export async function learnContracts(text: string, folder: string): Promise<Learned> {
  const path = resolve(folder, text);
  if (/\.[cm]?[jt]s$/.test(text)) return exportedBy(path, text);
  if (text.endsWith(".json")) return { contracts: await describedIn(path, text), bindings: [] };
  return { contracts: await servedAt(text), bindings: [] };
}

async function exportedBy(path: string, text: string): Promise<Learned> {
  let exported: object;
  try {
    exported = (await import(pathToFileURL(path).href)) as object;
  } catch (cause) {
    throw unlearned(`${text} cannot be loaded: ${firstLine(cause)}`, cause);
  }
  const values = Object.values(exported).flat() as unknown[];
  const contracts = [...new Set(values.filter(isContract))];
  if (contracts.length === 0) throw unlearned(`${text} exports no contract`);
  return { contracts, bindings: [...new Set(values.filter(isBinding))] };
}

async function describedIn(path: string, text: string): Promise<AnyContract[]> {
  let told: unknown;
  try {
    told = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw unlearned(`${text} cannot be read: ${firstLine(cause)}`, cause);
  }
  const { contracts = told } = Object(told) as { readonly contracts?: unknown };
  const list = [contracts].flat<unknown[]>();
  if (list.length === 0 || !list.every(isDescription))
    throw unlearned(`${text} describes no contracts`);
  return list.map(toldContract);
}

async function servedAt(address: string): Promise<AnyContract[]> {
  await using asked = client(Reflection, address);
  try {
    const { contracts } = await asked.describe(undefined, { deadline: askedFor });
    return contracts.filter(({ name }) => !name.startsWith(ownPrefix)).map(toldContract);
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    const advice =
      error.code === "UNIMPLEMENTED"
        ? "start that process with `reflection: true`, or name the contract's module"
        : "start that process first, or name the contract's module";
    throw systemError("UNAVAILABLE", `${address} does not say what it serves: ${error.reason}`, {
      executed: "no",
      cause: error,
      advice,
    });
  }
}

function isContract(value: unknown): value is AnyContract {
  return typeof value === "object" && value !== null && Object.hasOwn(value, info);
}

function isBinding(value: unknown): value is RestBinding {
  if (typeof value !== "object" || value === null) return false;
  const { contract, major, terms } = value as Partial<RestBinding>;
  return typeof contract === "string" && typeof major === "number" && typeof terms === "object";
}

function isDescription(value: unknown): value is ContractDescription {
  const { name, version, operations } = Object(value) as Partial<ContractDescription>;
  return typeof name === "string" && typeof version === "string" && typeof operations === "object";
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0]!;
}

function unlearned(reason: string, cause?: unknown): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", cause });
}
