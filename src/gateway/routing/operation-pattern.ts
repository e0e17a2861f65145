import type { Operation } from "../../protocol/operation.ts";

/** `orders.get`, `orders.*`, `orders@2.*`, or `*` for whatever is served. */
export interface OperationPattern {
  readonly contract: string | undefined;
  readonly major: number | undefined;
  readonly member: string | undefined;
}

/** Why a text is no pattern, or the pattern. */
export function operationPattern(text: string): OperationPattern | { readonly problem: string } {
  if (text === "*") return { contract: undefined, major: undefined, member: undefined };
  const [, contract, major, member] =
    /^([a-z][\w-]*)(?:@(\d{1,6}))?\.(\*|[a-z]\w*)$/.exec(text) ?? [];
  if (contract === undefined || member === undefined)
    return {
      problem: `${JSON.stringify(text)} is no operation: write "orders.get", "orders.*", "orders@2.*" or "*"`,
    };
  return {
    contract,
    major: major === undefined ? undefined : Number(major),
    member: member === "*" ? undefined : member,
  };
}

export function matchOperation(
  { contract, major, member }: OperationPattern,
  operation: Pick<Operation, "contract" | "member" | "owner">,
): boolean {
  if (contract !== undefined && contract !== operation.contract) return false;
  if (major !== undefined && major !== operation.owner.major) return false;
  return member === undefined || member === operation.member;
}
