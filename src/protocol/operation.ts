import type { ContractShape, OperationShape } from "../base/contract-shape.ts";
import type { OperationName } from "../base/handler.ts";
import type { Codec } from "../codec/codec.ts";
import type { Format, Part } from "../codec/format.ts";
import { json } from "../codec/json.ts";

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

/** A contract of this process, which knows more of it than its name. */
export interface OwnContract extends ContractName {
  /** What it says, as plain data. Made when first asked for: it needs the JSON Schema of everything. */
  readonly shape: ContractShape;
}

/** How the payloads of an operation are written. */
export interface Codecs {
  /** Of the payload that begins a request: the head of an upload or duplex, the input of the other kinds. */
  readonly first: Codec;
  /** Of the input; of each of the items where the caller sends many. */
  readonly input: Codec;
  readonly output: Codec;
  /** Of the data of a declared error. */
  error(code: string): Codec;
}

let slots = 0;

/**
 * One operation as the protocols see it: resolved once at start-up, so that nothing is looked up by name for a call.
 */
export class Operation implements OperationName, Codecs {
  readonly name: string;
  readonly kind: OperationName["kind"];
  readonly contract: string;
  readonly version: string;
  /** The name inside its contract: `place`. */
  readonly member: string;
  readonly owner: OwnContract;
  /** All operations of its contract, itself included, in the contract's order. */
  readonly siblings: readonly Operation[];
  readonly idempotent: boolean | "by-key";
  /** Dotted path to the field of what a request begins with by which order is kept; undefined: none is. */
  readonly key: string | undefined;
  /** No later request of it may overtake an earlier one on the same connection: it has a key. */
  readonly ordered: boolean;
  /** As JSON, or the bytes that were given; so the three below. */
  readonly first: Codec;
  /** Items follow, and no head is declared to go before them. */
  readonly headless: boolean;
  readonly input: Codec;
  readonly output: Codec;
  /** Its number in this process: an index for tables that connections keep. */
  readonly slot: number;
  /** By format; who makes one for each client does not leave them here. */
  readonly #codecs = new WeakMap<Format, Codecs>();

  constructor(parts: {
    readonly owner: OwnContract;
    readonly siblings: readonly Operation[];
    readonly version: string;
    readonly member: string;
    readonly kind: OperationName["kind"];
    readonly idempotent: boolean | "by-key";
    readonly key: string | undefined;
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
    this.key = parts.key;
    this.ordered = parts.key !== undefined;
    this.first = parts.first;
    this.headless = parts.headless;
    this.input = parts.input;
    this.output = parts.output;
    this.slot = slots++;
  }
  /** What the contract says of it, as plain data. */
  get declared(): OperationShape {
    return this.owner.shape.operations[this.member]!;
  }

  error(_code: string): Codec {
    return json;
  }

  /**
   * How its payloads are written in `format`; those that are bytes stay bytes. Resolved when first asked for. Throws
   * INVALID_ARGUMENT, `executed: "no"`, when the format cannot carry what the contract describes.
   */
  codecs(format: Format): Codecs {
    let codecs = this.#codecs.get(format);
    if (codecs === undefined) this.#codecs.set(format, (codecs = this.#compile(format)));
    return codecs;
  }

  #compile(format: Format): Codecs {
    if (format.id === json.id) return this;
    const { member, kind } = this;
    const codecOf = (own: Codec, part: Part): Codec =>
      own === json ? format.codec({ contract: this.owner.shape, operation: member, part }) : own;
    const many = kind === "upload" || kind === "duplex";
    const errors = new Map<string, Codec>();
    for (const code of Object.keys(this.declared.errors ?? {})) {
      errors.set(code, codecOf(json, `error ${code}`));
    }
    return {
      // Without a head nothing is written before the items.
      first: this.headless ? this.first : codecOf(this.first, many ? "head" : "in"),
      input: codecOf(this.input, "in"),
      output: codecOf(this.output, "out"),
      error: (code) => errors.get(code) ?? json,
    };
  }
}
