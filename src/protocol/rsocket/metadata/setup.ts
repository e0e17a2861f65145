import type { ContractName } from "../../operation.ts";

/** The version of what Trunkline adds to RSocket: SETUP data, compact metadata, error bodies. */
export const wireVersion = 1;

/** How a client introduces itself: the data of SETUP, as JSON. Unknown members are ignored. */
export interface Introduction {
  readonly wire: number;
  readonly codecs: readonly string[];
  readonly instance: string;
  /** The largest item that it takes; Infinity when it does not say. */
  readonly itemBytesMax: number;
  /** The id of its host's clock; undefined when it does not say. */
  readonly clock?: string;
  readonly contracts: readonly ContractName[];
}

/** What a server says of itself in a METADATA_PUSH that nobody waits for. */
export interface Hello {
  readonly wire: number;
  readonly codecs: readonly string[];
  readonly instance: string;
  readonly bootId: string;
  /** The largest item that it takes; Infinity when it does not say. */
  readonly itemBytesMax: number;
  /** The id of its host's clock; undefined when it does not say. */
  readonly clock?: string;
  /** What its end of the connection can move to (`Moves.offer`); undefined when it does not say. */
  readonly moves?: string;
}

/** The most operations one connection can number: the index is 16 bits wide. */
export const operationsMax = 0xffff;

export function encodeIntroduction(introduction: Introduction): string {
  return JSON.stringify({ ...introduction, contracts: introduction.contracts.map(toRow) });
}

/** A contract that joins an open connection, announced before its first use. */
export function encodeContracts(contracts: readonly ContractName[]): string {
  return JSON.stringify({ contracts: contracts.map(toRow) });
}

function toRow(contract: ContractName): unknown[] {
  return [contract.name, contract.major, contract.digest, contract.operations];
}

/** Undefined when the text is not an introduction of any version. */
export function readIntroduction(text: string): Introduction | undefined {
  const value = parseObject(text);
  if (value === undefined || typeof value["wire"] !== "number") return undefined;
  const contracts = readContracts(value["contracts"]);
  if (contracts === undefined) return undefined;
  return {
    wire: value["wire"],
    codecs: strings(value["codecs"]),
    instance: text_(value["instance"]),
    itemBytesMax: bound(value["itemBytesMax"]),
    ...clockIn(value["clock"]),
    contracts,
  };
}

/** What a METADATA_PUSH says: contracts from a client, a hello from a server, or nothing that we know. */
export function readPush(text: string): {
  contracts: readonly ContractName[];
  hello: Hello | undefined;
} {
  const value = parseObject(text) ?? {};
  const contracts = readContracts(value["contracts"]) ?? [];
  if (typeof value["bootId"] !== "string" || typeof value["wire"] !== "number")
    return { contracts, hello: undefined };
  const hello = {
    wire: value["wire"],
    codecs: strings(value["codecs"]),
    instance: text_(value["instance"]),
    bootId: value["bootId"],
    itemBytesMax: bound(value["itemBytesMax"]),
    ...clockIn(value["clock"]),
    ...(typeof value["moves"] === "string" ? { moves: value["moves"] } : {}),
  };
  return { contracts, hello };
}

function readContracts(value: unknown): ContractName[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return undefined;
  const contracts: ContractName[] = [];
  for (const row of value as unknown[]) {
    if (!Array.isArray(row)) return undefined;
    const [name, major, digest, operations] = row as unknown[];
    if (typeof name !== "string" || typeof major !== "number" || !Array.isArray(operations))
      return undefined;
    contracts.push({ name, major, digest: text_(digest), operations: strings(operations) });
  }
  return contracts;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The texts of a list in their places; anything else in it becomes the empty text, which names nothing. */
function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text_) : [];
}

function clockIn(value: unknown): { clock?: string } {
  return typeof value === "string" ? { clock: value } : {};
}

/** What is no bound is none. */
function bound(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : Infinity;
}

function text_(value: unknown): string {
  return typeof value === "string" ? value : "";
}
