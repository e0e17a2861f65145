import type { Kind } from "../../base/handler.ts";
import type { Codec } from "../../codec/codec.ts";
import { json } from "../../codec/json.ts";
import { raw } from "../../codec/raw.ts";
import { Operation, type ContractName } from "../operation.ts";

export interface OperationTerms {
  readonly kind: Kind;
  /** Default JSON. */
  readonly head?: "json" | "raw";
  readonly in?: "json" | "raw";
  readonly out?: "json" | "raw";
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
  const owner: ContractName = { name, major, digest: "", operations };
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
        ordered,
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
