import { info, type AnyContract } from "../../../contract/contract.ts";
import type { RestTerms } from "./terms.ts";

/** A contract together with how it stands on HTTP; given to `rest({ bindings: [...] })` on both sides. */
export interface RestBinding {
  /** The contract's name. */
  readonly contract: string;
  readonly major: number;
  readonly terms: RestTerms;
}

/**
 * Says how a contract stands on HTTP where the convention does not suit. Checked when it is used: a problem with it keeps
 * a process from starting.
 */
export function bindRest<C extends AnyContract>(
  contract: C,
  terms: RestTerms<keyof C & string>,
): RestBinding {
  const { name, major } = contract[info];
  return Object.freeze({ contract: name, major, terms });
}
