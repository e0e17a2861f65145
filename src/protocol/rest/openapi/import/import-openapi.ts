import type { CallOperation } from "../../../../contract/call.ts";
import { contract, type Contract } from "../../../../contract/contract.ts";
import type { NoErrors } from "../../../../contract/operation.ts";
import type { Schema } from "../../../../contract/schema.ts";
import { operationOf } from "../../../../schema/foreign/operation-of.ts";
import { bindRest, type RestBinding } from "../../binding/bind-rest.ts";
import { planImport, type ImportTerms } from "./plan.ts";
import type { ImportPlan } from "./planned.ts";

/**
 * A contract whose operations are known when the program runs. The compiler takes each for a call of anything; `trunkline import openapi`
 * writes a module that says more.
 */
export type ImportedContract = Contract<
  string,
  Readonly<Record<string, CallOperation<Schema, Schema, NoErrors>>>
>;

export interface ImportedApi {
  readonly contract: ImportedContract;
  /** Where each operation stands: for `rest({ bindings: [binding], versions: "none" })`. */
  readonly binding: RestBinding;
  /** What could not be taken over, and where: forms, cookies, objects in queries, references to other documents. */
  readonly warnings: readonly string[];
}

/**
 * Makes a contract and its binding from somebody's OpenAPI document (3.0 or 3.1; JSON, as text or parsed), to call what it describes. What
 * cannot be taken over is left out and told in `warnings`. The document may come from anybody: nothing is fetched, everything is bounded.
 *
 * @throws TrunklineError INVALID_ARGUMENT when it is no such document, or larger than any that people mean.
 */
export function importOpenApi(document: unknown, terms: ImportTerms = {}): ImportedApi {
  const plan = planImport(document, terms);
  const operations = plan.operations.map(({ member, shape }) => [
    member,
    operationOf(shape, plan.definitions),
  ]);
  const made = contract(
    plan.name,
    { version: plan.version as "1.0.0" },
    Object.fromEntries(operations) as object,
  ) as unknown as ImportedContract;
  return {
    contract: made,
    binding: bindRest(made, { base: plan.base, routes: routesIn(plan) }),
    warnings: plan.warnings,
  };
}

function routesIn({ operations }: ImportPlan) {
  return Object.fromEntries(operations.map(({ member, route }) => [member, route]));
}
