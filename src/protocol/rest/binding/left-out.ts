import type { Operation } from "../../operation.ts";
import type { RestServeOptions } from "../options.ts";
import type { RestBinding } from "./bind-rest.ts";

/** How a version of a contract stands on HTTP; undefined: all by convention. */
export function bindingOf(
  { bindings = [] }: Pick<RestServeOptions, "bindings">,
  name: string,
  major: number,
): RestBinding | undefined {
  return bindings.find((each) => each.contract === name && each.major === major);
}

/** True for an operation that the options do not want served. */
export function leftOut(options: RestServeOptions, { name, member, owner }: Operation): boolean {
  if (options.except?.includes(name) === true) return true;
  const routes: Readonly<Record<string, unknown>> =
    bindingOf(options, owner.name, owner.major)?.terms.routes ?? {};
  return routes[member] === false;
}
