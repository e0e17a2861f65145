import { readFile, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";

import { systemError, type TrunklineError } from "../../base/error.ts";
import type { AnyContract } from "../../contract/contract.ts";
import type { TlsFiles } from "../../transport/tls/index.ts";
import type { GatewayOptions, GatewaySettings, RouteOptions } from "../options.ts";
import { routesProblems } from "../routing/check-routes.ts";
import { checkNode } from "./check-node.ts";
import { gatewaySchema } from "./gateway-schema.ts";
import { JsonFault, parseJson, type FileProblem, type JsonNode } from "./json-node.ts";

/** The largest file that is read, in bytes. */
const fileBytesMax: number = 4 * 1024 * 1024;

/** Problems that are told, past which it is only said how many there are. */
const problemsTold = 20;

/** What a gateway's file says. */
export interface GatewayFile {
  readonly path: string;
  readonly text: string;
  readonly node: JsonNode;
  readonly said: Said;
}

/** Members of the file; `Partial` because a file need not say what has a default. */
type Said = Omit<GatewayOptions, "contracts" | keyof GatewaySettings> &
  Partial<
    Pick<
      GatewaySettings,
      | "name"
      | "insecure"
      | "stop"
      | "inFlightMax"
      | "itemBytesMax"
      | "connectionsMax"
      | "requestWithin"
      | "register"
      | "reflection"
      | "upstream"
    >
  > & {
    readonly contracts?: readonly string[];
    readonly tls?: TlsFiles & { readonly clientCertificate?: "none" | "optional" | "required" };
  };

/** Members that are read anew while it runs; all others only when it starts. */
const hot: ReadonlySet<string> = new Set(["routes", "$schema"]);

/**
 * Reads the file of a gateway and checks its form.
 *
 * @throws TrunklineError INVALID_ARGUMENT that tells every problem with line and column.
 */
export async function readGatewayFile(path: string): Promise<GatewayFile> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > fileBytesMax) throw new Error(`it has more than ${fileBytesMax} bytes`);
    text = await readFile(path, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw systemError("INVALID_ARGUMENT", `${path} cannot be read: ${why}`, {
      executed: "no",
      cause,
    });
  }
  let node: JsonNode;
  try {
    node = parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw fileError(path, [error.problem]);
  }
  const problems = checkNode(gatewaySchema, node);
  if (problems.length > 0) throw fileError(path, problems);
  return { path, text, node, said: node.value as Said };
}

/** The routes of the file. Throws, with line and column, when they do not suit the contracts. */
export function routesOf(
  file: GatewayFile,
  contracts: readonly AnyContract[],
): readonly RouteOptions[] {
  const { routes } = file.said;
  const problems = routesProblems(routes, contracts).map(({ at, reason }) => {
    const { line, column } = nodeAt(file.node, at);
    return { line, column, reason };
  });
  if (problems.length > 0) throw fileError(file.path, problems);
  return routes;
}

/** Throws when the file says something else than before that is only read at the start. */
export function refuseCold(file: GatewayFile, before: GatewayFile): void {
  const names = new Set([...file.node.members!.keys(), ...before.node.members!.keys()]);
  const problems = [...names]
    .filter((name) => !hot.has(name) && !same(file.node, before.node, name))
    .map((name) => {
      const { line, column } = file.node.members!.get(name) ?? file.node;
      const reason = `"${name}" is only read at the start: roll the gateway to change it`;
      return { line, column, reason };
    });
  if (problems.length > 0) throw fileError(file.path, problems);
}

function same(one: JsonNode, other: JsonNode, name: string): boolean {
  const text = ({ members }: JsonNode): string => JSON.stringify(members!.get(name)?.value ?? null);
  return text(one) === text(other);
}

/** The place of a member; of what is around it where it is not there. */
function nodeAt(node: JsonNode, at: readonly (string | number)[]): JsonNode {
  let found = node;
  for (const part of at) {
    const next = typeof part === "number" ? found.items?.[part] : found.members?.get(part);
    if (next === undefined) return found;
    found = next;
  }
  return found;
}

function fileError(path: string, problems: readonly FileProblem[]): TrunklineError {
  const name = basename(path);
  const lines = problems
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .slice(0, problemsTold)
    .map(({ line, column, reason }) => `\n  ${name}:${line}:${column}: ${reason}`);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return systemError("INVALID_ARGUMENT", `${path} has ${count}:${lines.join("")}`, {
    executed: "no",
    advice: "trunkline gateway --schema prints what it may say",
  });
}

/** A path that the file names, as this process reaches it. */
export function besideFile(file: GatewayFile, path: string): string {
  return resolve(folderOf(file), path);
}

export function folderOf({ path }: GatewayFile): string {
  return dirname(resolve(path));
}
