import type { ContractShape } from "../../base/contract-shape.ts";
import { routesOf } from "./binding/routes.ts";
import type { RestTerms } from "./binding/terms.ts";
import { rules, type Said, type Severity } from "./lint-rules.ts";

/** One thing that the rules have to say. */
export interface Finding {
  readonly rule: string;
  readonly severity: Severity;
  /** `orders.placeOrder (POST /orders/place-order)` */
  readonly where: string;
  readonly what: string;
  readonly advice: string;
}

export interface LintTerms {
  /** How the contract stands on HTTP. Default: by convention. */
  readonly terms?: RestTerms | undefined;
  /** Rules that are not asked. Default: all are. */
  readonly off?: readonly string[];
}

/**
 * What the rules of REST have to say to a contract as it stands on HTTP, in the order of its operations. Duplexes have no place there,
 * and are not looked at.
 */
export function lintRest(shape: ContractShape, { terms, off = [] }: LintTerms = {}): Finding[] {
  const asked = Object.entries(rules).filter(([name]) => !off.includes(name));
  const whole = asked.flatMap(([rule, { severity, contract }]) => {
    const said = contract?.(shape);
    return said === undefined ? [] : [finding(rule, severity, shape.name, said)];
  });
  const each = routesOf(shape, terms).flatMap((route) => {
    const segments = route.path.split("/").filter((part) => part !== "" && !part.includes("{"));
    const subject = { shape: shape.operations[route.member]!, route, segments };
    const where = `${shape.name}.${route.member} (${route.method} ${route.path})`;
    return asked.flatMap(([rule, { severity, operation }]) => {
      const said = operation?.(subject);
      return said === undefined ? [] : [finding(rule, severity, where, said)];
    });
  });
  return [...whole, ...each];
}

function finding(rule: string, severity: Severity, where: string, [what, advice]: Said): Finding {
  return { rule, severity, where, what, advice };
}
