import { systemError } from "../base/error.ts";
import type { Kind } from "../base/handler.ts";
import type { Operation } from "./operation.ts";
import { contractProblems } from "./rules.ts";

/** Where a contract keeps what is not an operation: `Orders[info].version`. */
export const info: unique symbol = Symbol.for("trunkline.contract");

export interface ContractInfo<Name extends string, Named> {
  readonly name: Name;
  /** Semantic version. The major version is part of the contract's identity; minor and patch inform. */
  readonly version: string;
  readonly major: number;
  /** The operations in the order of their declaration. */
  readonly operations: Named;
}

/** Operations under their names, and what concerns all of them under `info`. */
export type Contract<Name extends string, Named> = Named & {
  readonly [info]: ContractInfo<Name, Named>;
};

/** Any contract: for functions that look at it at run time only. */
export interface AnyContract {
  readonly [info]: ContractInfo<string, object>;
}

export interface ContractTerms {
  /** Semantic version. Raise the major when a peer of the old version could not talk to the new one. */
  readonly version: `${number}.${number}.${number}` | `${number}.${number}.${number}-${string}`;
}

/** Names that an operation cannot have: JavaScript itself would call or read them on a contract or a client. */
type RefusedName = "then" | "constructor" | "toJSON";

/** What each name of `Operations` must hold; where the name itself is wrong, the sentence that the compiler shows. */
export type Operations<Named> = {
  readonly [Name in keyof Named]: Name extends RefusedName
    ? `an operation cannot be called "${Name}": JavaScript gives that name a meaning`
    : Name extends Uncapitalize<Name & string>
      ? { readonly kind: Kind }
      : `an operation's name begins with a small letter: not "${Name & string}"`;
};

/**
 * Declares what a service says: its name, its version, and its operations. Knows no transport, no address and no server,
 * so it can be published by itself.
 *
 * @throws TrunklineError INVALID_ARGUMENT that lists every problem of the contract at once.
 */
export function contract<const Name extends string, Named extends Operations<Named>>(
  name: Name,
  terms: ContractTerms,
  operations: Named,
): Contract<Name, Named> {
  const problems = contractProblems(name, terms.version, operations);
  if (problems.length > 0)
    throw systemError("INVALID_ARGUMENT", told(name, problems), { executed: "no" });
  const own = Object.freeze({ ...(operations as object) }) as Named;
  const about: ContractInfo<Name, Named> = Object.freeze({
    name,
    version: terms.version,
    major: Number.parseInt(terms.version, 10),
    operations: own,
  });
  const made = Object.freeze(Object.defineProperty({ ...own }, info, { value: about })) as Contract<
    Name,
    Named
  >;
  for (const [member, operation] of Object.entries(own as object)) {
    const places = declaredIn.get(operation as object) ?? [];
    declaredIn.set(operation as object, [...places, { contract: made, member }]);
  }
  return made;
}

/** Where an operation is declared. */
export interface Declaration {
  readonly contract: AnyContract;
  readonly member: string;
}

const declaredIn = new WeakMap<object, readonly Declaration[]>();

/**
 * Where an operation that was taken out of its contract, `Orders.placed`, is declared: in one place; in none, when it was never
 * part of a contract; or in several, when one operation was given to several contracts.
 */
export function declarationsOf(operation: object): readonly Declaration[] {
  return declaredIn.get(operation) ?? [];
}

/** The operations of a contract by name, in the order of their declaration, as the layers above read them. */
export function operationsOf(
  declared: AnyContract,
): readonly (readonly [name: string, operation: Operation])[] {
  return Object.entries(declared[info].operations as Readonly<Record<string, Operation>>);
}

function told(name: string, problems: readonly string[]): string {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const list = problems.map((problem, index) => `\n  ${index + 1}. ${problem}`).join("");
  return `the contract ${JSON.stringify(name)} has ${count}:${list}`;
}
