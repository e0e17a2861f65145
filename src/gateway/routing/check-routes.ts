import { isTrunklineError } from "../../base/error.ts";
import { membersOf } from "../../call/compile.ts";
import type { AnyContract } from "../../contract/contract.ts";
import type { Operation } from "../../protocol/operation.ts";
import { parseAddress } from "../../transport/address.ts";
import { compositionProblems } from "../composing/composition.ts";
import type { RouteMatch, RouteOptions } from "../options.ts";
import { hostPattern } from "./host-pattern.ts";
import { matchOperation, operationPattern } from "./operation-pattern.ts";
import { pathPattern } from "./path-pattern.ts";

/** Something that is wrong with a route, and where in the table it stands. */
export interface RouteProblem {
  readonly at: readonly (string | number)[];
  readonly reason: string;
}

/** The word for the operations of the contracts, by REST. */
export const byContracts = "contracts";

/** Routes in one table: each request looks at them one after the other. */
const routesMax = 1_000;

/** Everything that is wrong with the routes, beyond what types and schema say. */
export function routesProblems(
  routes: readonly RouteOptions[],
  contracts: readonly AnyContract[],
): RouteProblem[] {
  const operations = contracts.flatMap((contract) =>
    membersOf(contract).map(({ operation }) => operation),
  );
  if (routes.length > routesMax) {
    const reason = `a table has at most ${routesMax} routes, not ${routes.length}`;
    return [{ at: ["routes"], reason }];
  }
  const names = new Set<string>();
  return routes.flatMap((route, index) => {
    const problems = routeProblems(route, operations);
    const { name } = route;
    if (name !== undefined && names.has(name))
      problems.push({ at: ["name"], reason: `there is another route ${JSON.stringify(name)}` });
    if (name !== undefined) names.add(name);
    return problems.map(({ at, reason }) => ({ at: ["routes", index, ...at], reason }));
  });
}

function routeProblems(route: RouteOptions, operations: readonly Operation[]): RouteProblem[] {
  const { match } = route;
  if (match.operation !== undefined) return operationProblems(route, operations);
  if (match.path !== undefined) return pathProblems(route, operations);
  return [{ at: ["match"], reason: "a route matches an operation or a path: neither is said" }];
}

/** Members that have no meaning in the other sort of route. */
const onlyOfPaths = ["compose", "bodyBytesMax", "strip"] as const;

function operationProblems(route: RouteOptions, operations: readonly Operation[]): RouteProblem[] {
  const { match, to, collapse, headers } = route;
  const problems: RouteProblem[] = [];
  for (const name of ["path", "host", "methods"] as const) {
    if (match[name] !== undefined)
      problems.push({
        at: ["match", name],
        reason: `an operation is reached by any protocol, so its route has no ${name}: make a route of a path to "${byContracts}"`,
      });
  }
  for (const name of onlyOfPaths) {
    if (route[name] !== undefined)
      problems.push({ at: [name], reason: `"${name}" is for routes of a path` });
  }
  if (headers?.response !== undefined)
    problems.push({
      at: ["headers", "response"],
      reason: "the answer of an operation has no headers of its own",
    });
  const matched = matchedOperations(match, operations, problems);
  if (collapse !== undefined && collapse !== false && matched.length > 0)
    if (!matched.some(({ kind, idempotent }) => kind === "call" && idempotent === true))
      problems.push({
        at: ["collapse"],
        reason: "none of these operations is a call that is `idempotent: true`",
      });
  if (to === undefined)
    problems.push({ at: [], reason: 'it says nowhere where to: "to" is missing' });
  else
    for (const [index, address] of addressesOf(to).entries())
      problems.push(...addressProblems(typeof to === "string" ? ["to"] : ["to", index], address));
  if (route.mirror !== undefined)
    problems.push(...addressProblems(["mirror", "to"], route.mirror.to));
  return problems;
}

function matchedOperations(
  { operation = [] }: RouteMatch,
  operations: readonly Operation[],
  problems: RouteProblem[],
): Operation[] {
  const matched: Operation[] = [];
  for (const text of [operation].flat()) {
    const pattern = operationPattern(text);
    if ("problem" in pattern) {
      problems.push({ at: ["match", "operation"], reason: pattern.problem });
      continue;
    }
    const found = operations.filter((each) => matchOperation(pattern, each));
    if (found.length === 0)
      problems.push({
        at: ["match", "operation"],
        reason: `no contract has ${JSON.stringify(text)}; there ${known(operations)}`,
      });
    matched.push(...found);
  }
  return matched;
}

/** Names that are told, past which it is only said that there are more. */
const namesTold = 20;

function known(operations: readonly Operation[]): string {
  if (operations.length === 0) return 'are no contracts: name some under "contracts"';
  const names = operations.slice(0, namesTold).map(({ name }) => name);
  return `are ${names.join(", ")}${operations.length > namesTold ? ", …" : ""}`;
}

function pathProblems(route: RouteOptions, operations: readonly Operation[]): RouteProblem[] {
  const { match, to, compose, mirror, collapse, retry } = route;
  const problems: RouteProblem[] = [];
  const path = pathPattern(match.path!);
  if ("problem" in path) problems.push({ at: ["match", "path"], reason: path.problem });
  for (const host of [match.host ?? []].flat()) {
    const pattern = hostPattern(host);
    if ("problem" in pattern) problems.push({ at: ["match", "host"], reason: pattern.problem });
  }
  for (const method of match.methods ?? []) {
    if (!/^[A-Z]{1,20}$/.test(method) || method === "CONNECT" || method === "TRACE")
      problems.push({
        at: ["match", "methods"],
        reason: `${JSON.stringify(method)} is no method that can be handed on: write "GET"`,
      });
  }
  if ((to === undefined) === (compose === undefined))
    problems.push({ at: [], reason: 'it says either where "to", or what to "compose"' });
  if (compose !== undefined && "segments" in path)
    for (const { at, reason } of compositionProblems(compose, path, operations))
      problems.push({ at: ["compose", ...at], reason });
  if (mirror !== undefined)
    problems.push({
      at: ["mirror"],
      reason: "copies are made of operations: this is a route of a path",
    });
  if (collapse !== undefined && collapse !== false)
    problems.push({
      at: ["collapse"],
      reason: "only operations are collapsed: say it in their route",
    });
  if (to !== undefined && to !== byContracts)
    for (const [index, address] of addressesOf(to).entries())
      problems.push(...urlProblems(typeof to === "string" ? ["to"] : ["to", index], address));
  if (to === byContracts && operations.length === 0)
    problems.push({ at: ["to"], reason: 'there are no contracts: name some under "contracts"' });
  if (to === byContracts && retry !== undefined)
    problems.push({ at: ["retry"], reason: "the routes of the operations say that" });
  return problems;
}

function addressesOf(to: NonNullable<RouteOptions["to"]>): string[] {
  return (typeof to === "string" ? [to] : to).map((each) =>
    typeof each === "string" ? each : each.address,
  );
}

function addressProblems(at: RouteProblem["at"], address: string): RouteProblem[] {
  try {
    parseAddress(address);
    return [];
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    return [{ at, reason: [error.reason, error.advice ?? []].flat().join("; ") }];
  }
}

function urlProblems(at: RouteProblem["at"], text: string): RouteProblem[] {
  const url = URL.parse(text);
  const plain = url !== null && (url.protocol === "http:" || url.protocol === "https:");
  if (plain && url.search === "" && url.hash === "" && url.username === "") return [];
  const reason = `${JSON.stringify(text)} is no place for a path: write "http://127.0.0.1:3000", without query or password, or "${byContracts}"`;
  return [{ at, reason }];
}
