import { json } from "../codec/json.ts";
import type { Codec } from "../codec/codec.ts";
import { raw } from "../codec/raw.ts";
import type { Codec as CodecName } from "../contract/bytes.ts";
import { info, operationsOf, type AnyContract } from "../contract/contract.ts";
import { describe } from "../contract/describe.ts";
import { digestOf } from "../contract/digest.ts";
import { isStreaming, kinds } from "../contract/kinds.ts";
import type { Operation as Declared } from "../contract/operation.ts";
import type { Schema } from "../contract/schema.ts";
import { Operation, type OwnContract } from "../protocol/operation.ts";

/** One operation of a contract: as it is declared, and as the protocols carry it. */
export interface Member {
  readonly name: string;
  readonly declared: Declared;
  readonly operation: Operation;
  /** Of what a request begins with: of its head where items follow, else of its input. */
  readonly first: Schema | undefined;
  readonly firstName: "head" | "input";
  /** Items flow, whichever way. */
  readonly streaming: boolean;
}

const compiled = new WeakMap<AnyContract, readonly Member[]>();

/** The operations of a contract, resolved once for the process: clients and servers of one contract share them. */
export function membersOf(contract: AnyContract): readonly Member[] {
  let members = compiled.get(contract);
  if (members === undefined) compiled.set(contract, (members = compile(contract)));
  return members;
}

function compile(contract: AnyContract): readonly Member[] {
  const { name, major, version } = contract[info];
  const declared = operationsOf(contract);
  const siblings: Operation[] = [];
  let digest: string | undefined;
  let shape: OwnContract["shape"] | undefined;
  const owner: OwnContract = {
    name,
    major,
    operations: declared.map(([member]) => member),
    // Needs the JSON Schema of everything, and is only told to peers: made when first asked for.
    get digest() {
      return (digest ??= digestOf(contract));
    },
    get shape() {
      return (shape ??= describe(contract));
    },
  };
  return declared.map(([member, terms]) => {
    const { kind, idempotent, key, codec } = terms;
    const many = kinds[kind].sends === "many";
    const operation = new Operation({
      owner,
      siblings,
      version,
      member,
      kind,
      idempotent,
      key,
      first: codecNamed(many ? codec.head : codec.in),
      headless: many && terms.head === undefined,
      input: codecNamed(codec.in),
      output: codecNamed(codec.out),
    });
    siblings.push(operation);
    return {
      name: member,
      declared: terms,
      operation,
      first: many ? terms.head : terms.in,
      firstName: many ? "head" : "input",
      streaming: isStreaming(kind),
    };
  });
}

function codecNamed(name: CodecName): Codec {
  return name === "raw" ? raw : json;
}
