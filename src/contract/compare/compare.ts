import type { ContractShape, OperationShape } from "../../base/contract-shape.ts";
import { judged, type Judgement } from "./advice.ts";
import type { Finding } from "./finding.ts";
import { finding, operationFindings } from "./operations.ts";
import { same } from "./schema-node.ts";

/** What has changed between two versions of a contract, and what that means for its version. */
export interface ContractDiff extends Judgement {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly findings: readonly Finding[];
}

/** Looks for further changes in an operation that both have: those of one format on the wire. */
export type FormatRules = (
  older: ContractShape,
  newer: ContractShape,
  operation: string,
) => readonly Finding[];

/**
 * Compares two versions of a contract, as JSON carries them and Trunkline checks them; `rules` add what another format makes of
 * it. What it calls `ok` was shown to be so from the JSON Schemas: what a library checks beyond them (refinements) it cannot
 * see, and where a library gives none it says `unknown`.
 */
export function compareContracts(
  older: ContractShape,
  newer: ContractShape,
  rules: FormatRules = () => [],
): ContractDiff {
  const findings: Finding[] = [];
  if (older.name !== newer.name)
    findings.push(finding("name", `was ${older.name}, is ${newer.name}`, "breaks", "breaks"));
  for (const [operation, was] of Object.entries(older.operations)) {
    const is = newer.operations[operation];
    const own =
      is === undefined
        ? [removed(was, older, newer)]
        : [...operationFindings(was, is), ...rules(older, newer, operation)];
    findings.push(...own.map((each) => ({ operation, ...each })));
  }
  for (const operation of Object.keys(newer.operations)) {
    if (Object.hasOwn(older.operations, operation)) continue;
    findings.push({ operation, ...finding("operation", "was added", "ok", "breaks") });
  }
  const [from, to] = [older.version, newer.version];
  return { name: newer.name, from, to, findings, ...judged(findings, from, to) };
}

function removed(was: OperationShape, older: ContractShape, newer: ContractShape): Finding {
  const { digest: _, ...told } = was as OperationShape & { readonly digest?: string };
  const renamed = Object.entries(newer.operations).find(
    ([name, is]) =>
      !Object.hasOwn(older.operations, name) && same(told, { ...is, digest: undefined }),
  );
  const change = renamed === undefined ? "was removed" : `was removed, or renamed to ${renamed[0]}`;
  return finding("operation", change, "breaks", "ok");
}
