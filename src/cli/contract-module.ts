import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { info, type AnyContract } from "../contract/contract.ts";
import type { Binding } from "../messaging/channels.ts";
import { isSubscriber } from "../messaging/on.ts";
import type { RestBinding } from "../protocol/rest/binding/bind-rest.ts";
import { UsageError } from "./command.ts";

/** What a module of contracts exports, by kind; the order is that of the module's names. */
export interface ContractModule {
  /** Where it was found. */
  readonly path: string;
  readonly contracts: readonly AnyContract[];
  /** Everything that it exports, for commands that read more than contracts: bindings, for example. */
  readonly exported: Readonly<Record<string, unknown>>;
}

/**
 * Loads a module that exports contracts, one by one or in lists. It is the user's code, and it runs. TypeScript is read as Node does:
 * types are taken away, nothing is compiled.
 *
 * @throws UsageError when there is no such file, it cannot be loaded, or it exports no contract.
 */
export async function loadContracts(file: string): Promise<ContractModule> {
  const path = resolve(file);
  if (!existsSync(path) || !statSync(path).isFile())
    throw new UsageError(`there is no file ${file}: name a module that exports contracts`);
  if (!/\.[cm]?[jt]s$/.test(path))
    throw new UsageError(`${file} is no module: its name has to end in .ts, .js, .mts or .mjs`);
  const exported = await loaded(path, file);
  const contracts = [...new Set(Object.values(exported).flat().filter(isContract))];
  if (contracts.length > 0) return { path, contracts, exported };
  const names = Object.keys(exported);
  const found = names.length === 0 ? "exports nothing" : `exports ${names.join(", ")}`;
  throw new UsageError(`${file} ${found}, and no contract: export const Orders = contract(…)`);
}

async function loaded(path: string, file: string): Promise<Record<string, unknown>> {
  try {
    return { ...((await import(pathToFileURL(path).href)) as object) };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const why = error instanceof Error ? message : String(error);
    const advice =
      code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX"
        ? "\n  Node takes types away and compiles nothing: no enum, no namespace, no parameter property"
        : "";
    throw new UsageError(`${file} cannot be loaded: ${why.split("\n")[0]}${advice}`, {
      cause: error,
    });
  }
}

function isContract(value: unknown): value is AnyContract {
  return typeof value === "object" && value !== null && Object.hasOwn(value, info);
}

/** The bindings that a module exports, one by one or in lists. */
export function bindingsIn(exported: ContractModule["exported"]): RestBinding[] {
  return [...new Set(Object.values(exported).flat().filter(isBinding))];
}

function isBinding(value: unknown): value is RestBinding {
  if (typeof value !== "object" || value === null) return false;
  const { contract, major, terms } = value as Partial<RestBinding>;
  return typeof contract === "string" && typeof major === "number" && typeof terms === "object";
}

/** How channels are laid out, one by one or in lists. */
export function channelBindingsIn(exported: ContractModule["exported"]): Binding[] {
  return [...new Set(Object.values(exported).flat().filter(isChannelBinding))];
}

function isChannelBinding(value: unknown): value is Binding {
  if (typeof value !== "object" || value === null) return false;
  const { operation, terms } = value as Partial<Binding>;
  return typeof operation === "object" && typeof terms === "object" && !isSubscriber(value);
}
