import type { ContractShape, JsonSchema, OperationShape } from "../../base/contract-shape.ts";
import type { Part, PayloadType } from "../format.ts";

/** One payload as a contract describes it, with values that must come back as they are. */
export interface Sample {
  /** `an order` */
  readonly name: string;
  readonly type: PayloadType;
  readonly values: readonly unknown[];
}

/** A payload before it has a place in a contract. */
export interface Listed {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly values: readonly unknown[];
}

const parts: readonly Part[] = ["in", "out", "head", "error FAILED"];

/** A contract with an operation for each payload, which it takes, or gives, or declares as an error's data, in turn. */
export function samplesOf(contract: string, listed: readonly Listed[]): Sample[] {
  const entries = listed.map(({ schema }, index) => {
    const part = partOf(index);
    const shape: OperationShape = {
      kind: part === "head" ? "upload" : "call",
      idempotent: false,
      ...(part.startsWith("error") ? { errors: { FAILED: schema } } : { [part]: schema }),
    };
    return [`operation${index + 1}`, shape] as const;
  });
  const shape: ContractShape = {
    name: contract,
    version: "1.0.0",
    operations: Object.fromEntries(entries),
  };
  return listed.map(({ name, values }, index) => ({
    name,
    values,
    type: { contract: shape, operation: `operation${index + 1}`, part: partOf(index) },
  }));
}

function partOf(index: number): Part {
  return parts[index % parts.length]!;
}
