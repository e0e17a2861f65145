import type { JsonSchema, OperationShape } from "../../../../base/contract-shape.ts";
import { isBytes } from "../../../../base/contract-shape.ts";
import { bytes } from "../../../../contract/bytes.ts";
import type { CallOperation } from "../../../../contract/call.ts";
import { contract, type Contract } from "../../../../contract/contract.ts";
import { operation, type NoErrors } from "../../../../contract/operation.ts";
import type { Schema } from "../../../../contract/schema.ts";
import { jsonSchema } from "../../../../schema/json-schema.ts";
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

function operationOf(shape: OperationShape, definitions: Readonly<Record<string, JsonSchema>>) {
  const { kind, description, idempotent, key, deadlineMs, idleMs, errors = {} } = shape;
  const schemaOf = (schema: JsonSchema | undefined | null): Schema | undefined => {
    if (schema === undefined || schema === null) return undefined;
    if (!isBytes(schema)) return jsonSchema(schema, { definitions });
    const { maxLength } = schema;
    const bound = typeof maxLength === "number" ? { max: maxLength } : {};
    return bytes(bound);
  };
  const codes = Object.entries(errors).map(([code, schema]) => [code, schemaOf(schema)]);
  return operation(kind, {
    head: schemaOf(shape.head),
    in: schemaOf(shape.in),
    out: schemaOf(shape.out),
    errors: Object.fromEntries(codes),
    idempotent,
    ...(description === undefined ? {} : { description }),
    ...(key === undefined ? {} : { key }),
    ...(deadlineMs === undefined ? {} : { deadline: deadlineMs }),
    ...(idleMs === undefined ? {} : { idle: idleMs }),
  });
}
