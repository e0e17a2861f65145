import type { OperationName } from "../base/handler.ts";
import type { Codec } from "../codec/codec.ts";

/** Which contract an operation belongs to, as two processes compare it. */
export interface ContractName {
  readonly name: string;
  /** Identity, together with the name; minor and patch only inform. */
  readonly major: number;
  /** Informs, never refuses. */
  readonly digest: string;
  /** The names of all its operations in the order of the contract. */
  readonly operations: readonly string[];
}

let slots = 0;

/**
 * One operation as the protocols see it: resolved once at start-up, so that nothing is looked up by name for a call.
 */
export class Operation implements OperationName {
  readonly name: string;
  readonly kind: OperationName["kind"];
  readonly contract: string;
  readonly version: string;
  /** The name inside its contract: `place`. */
  readonly member: string;
  readonly owner: ContractName;
  /** All operations of its contract, itself included, in the contract's order. */
  readonly siblings: readonly Operation[];
  readonly idempotent: boolean | "by-key";
  /** No later request of it may overtake an earlier one on the same connection: it has a key. */
  readonly ordered: boolean;
  /** Of the payload that begins a request: the head of an upload or duplex, the input of the other kinds. */
  readonly first: Codec;
  /** Items follow, and no head is declared to go before them. */
  readonly headless: boolean;
  /** Of the input; of each of the items where the caller sends many. */
  readonly input: Codec;
  readonly output: Codec;
  /** Its number in this process: an index for tables that connections keep. */
  readonly slot: number;

  constructor(parts: {
    readonly owner: ContractName;
    readonly siblings: readonly Operation[];
    readonly version: string;
    readonly member: string;
    readonly kind: OperationName["kind"];
    readonly idempotent: boolean | "by-key";
    readonly ordered: boolean;
    readonly first: Codec;
    readonly headless: boolean;
    readonly input: Codec;
    readonly output: Codec;
  }) {
    this.name = `${parts.owner.name}.${parts.member}`;
    this.kind = parts.kind;
    this.contract = parts.owner.name;
    this.version = parts.version;
    this.member = parts.member;
    this.owner = parts.owner;
    this.siblings = parts.siblings;
    this.idempotent = parts.idempotent;
    this.ordered = parts.ordered;
    this.first = parts.first;
    this.headless = parts.headless;
    this.input = parts.input;
    this.output = parts.output;
    this.slot = slots++;
  }
}
