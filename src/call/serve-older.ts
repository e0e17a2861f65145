import type { AnyContract } from "../contract/contract.ts";
import { membersOf } from "./compile.ts";
import { convertedHandler, type Conversion, type Surroundings } from "./converted.ts";
import type { Conversions } from "./conversion-type.ts";
import type { Service } from "./serve.ts";
import type { ServiceTerms } from "./service-terms.ts";

/**
 * Serves an older version by what serves a newer one: `serveOlder(OrdersV1, orders, { place: { up, down } })`. `up` turns what
 * the older contract takes into what the newer one takes, `down` what that gives into what the older one gives; items one by
 * one. What both say alike needs no conversion; what the newer one lacks needs a handler here. Versions chain: what serves the
 * older version can serve a still older one.
 *
 * Requests are counted, authorized and intercepted as the older operation's. What comes up is checked by the newer schemas:
 * misfits are INVALID_ARGUMENT, `executed: "no"`. Where the newer operation has a key, both versions share one order. What the newer one
 * does in transactions of a store is done so here too.
 */
export function serveOlder<Old extends AnyContract, New extends AnyContract>(
  contract: Old,
  by: Service<New>,
  conversions: Conversions<Old, New>,
  said: ServiceTerms = {},
): Service<Old> {
  // The newer handlers are written for their transaction.
  const terms = by.terms?.store === undefined ? said : { store: by.terms.store, ...said };
  const own = conversions as Readonly<Record<string, unknown>>;
  const known = new Map(membersOf(by.contract).map((member) => [member.name, member]));
  const handlersIn = (surroundings: Surroundings): object => {
    const newer = by.handlersIn?.(surroundings) ?? by.handlers;
    const handlers: Record<string, unknown> = {};
    for (const member of membersOf(contract)) {
      const given = own[member.name];
      if (typeof given === "function") {
        handlers[member.name] = (input: unknown, context: unknown): unknown =>
          (own as Record<string, (input: unknown, context: unknown) => unknown>)[member.name]!(
            input,
            context,
          );
        continue;
      }
      const conversion = (given ?? {}) as Conversion;
      const target = known.get(conversion.to ?? member.name);
      if (target !== undefined && target.declared.kind === member.declared.kind)
        handlers[member.name] = convertedHandler(member, target, conversion, newer, surroundings);
    }
    return handlers;
  };
  return Object.freeze({ contract, handlers: handlersIn(nowhere), terms, handlersIn });
}

const nowhere: Surroundings = { checkSent: false, orderOf: () => undefined };
