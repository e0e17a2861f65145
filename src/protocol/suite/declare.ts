import type { ContractShape, JsonSchema, OperationShape } from "../../base/contract-shape.ts";
import type { Kind } from "../../base/handler.ts";
import type { Codec } from "../../codec/codec.ts";
import { json } from "../../codec/json.ts";
import { raw } from "../../codec/raw.ts";
import { Operation, type OwnContract } from "../operation.ts";

export interface OperationTerms {
  readonly kind: Kind;
  /** Default JSON. */
  readonly head?: "json" | "raw";
  readonly in?: "json" | "raw";
  readonly out?: "json" | "raw";
  /** Declared errors, with any data. Default none. */
  readonly errors?: readonly string[];
  /** Default false. */
  readonly ordered?: boolean;
}

const codecs: Readonly<Record<"json" | "raw", Codec>> = { json, raw };

/** The operations of one contract, resolved as both sides do it. */
export function declare<Name extends string>(
  name: string,
  major: number,
  terms: Readonly<Record<Name, OperationTerms>>,
): Readonly<Record<Name, Operation>> {
  const operations = Object.keys(terms) as Name[];
  const owner: OwnContract = {
    name,
    major,
    digest: "",
    operations,
    shape: shapeOf(name, major, terms),
  };
  const siblings: Operation[] = [];
  for (const member of operations) {
    const {
      kind,
      head = "json",
      in: input = "json",
      out = "json",
      ordered = false,
    } = terms[member];
    const many = kind === "upload" || kind === "duplex";
    const first = many ? head : input;
    siblings.push(
      new Operation({
        owner,
        siblings,
        version: `${major}.0.0`,
        member,
        kind,
        idempotent: false,
        key: ordered ? "key" : undefined,
        first: codecs[first],
        headless: many && terms[member].head === undefined,
        input: codecs[input],
        output: codecs[out],
      }),
    );
  }
  const entries = siblings.map((operation) => [operation.member, operation]);
  return Object.fromEntries(entries) as Record<Name, Operation>;
}

/** As a contract would be described whose schemas say nothing. */
function shapeOf(
  name: string,
  major: number,
  terms: Readonly<Record<string, OperationTerms>>,
): ContractShape {
  const operations = Object.entries(terms).map(
    ([member, { kind, head, in: input, out, errors = [] }]) => {
      const many = kind === "upload" || kind === "duplex";
      const shape: OperationShape = {
        kind,
        idempotent: false,
        ...(many && head !== undefined ? { head: schemaOf(head) } : {}),
        in: schemaOf(input),
        ...(kind === "notification" ? {} : { out: schemaOf(out) }),
        errors: Object.fromEntries(errors.map((code) => [code, {}])),
      };
      return [member, shape];
    },
  );
  return { name, version: `${major}.0.0`, operations: Object.fromEntries(operations) };
}

function schemaOf(codec: "json" | "raw" = "json"): JsonSchema {
  return codec === "json" ? {} : { contentMediaType: "application/octet-stream" };
}
