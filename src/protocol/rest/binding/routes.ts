import {
  isMessageShape,
  type ContractShape,
  type OperationShape,
} from "../../../base/contract-shape.ts";
import { systemError } from "../../../base/error.ts";
import { aKind } from "../../../contract/kinds.ts";
import type { Method, Route } from "../route.ts";
import { collectionOf, fallbackOf, placeOf, type Collection, type Place } from "./convention.ts";
import { makeRoute } from "./make-route.ts";
import type { RestTerms, RouteTerms } from "./terms.ts";

/**
 * Where each operation of a contract stands on HTTP, in the contract's order: by convention, and by `terms` where they say
 * otherwise. A duplex has no place, nor what travels as a message, nor what the terms leave out.
 *
 * @throws TrunklineError INVALID_ARGUMENT that lists every problem of the terms at once.
 */
export function routesOf(shape: ContractShape, terms: RestTerms = {}): readonly Route[] {
  const problems = termsProblems(shape, terms);
  if (problems.length === 0) {
    const routes = new Routes(shape, terms).make(problems);
    if (problems.length === 0) return routes;
  }
  const list = problems.map((problem, index) => `\n  ${index + 1}. ${problem}`).join("");
  const reason = `the REST binding of ${shape.name} has ${counted(problems)}:${list}`;
  throw systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}

/** The routes of one contract while they are made. */
class Routes {
  readonly #shape: ContractShape;
  readonly #terms: RestTerms;
  readonly #written: Readonly<Record<string, string | RouteTerms | false | undefined>>;
  readonly #collection: Collection;
  /** What stands at a method and path already: the member. */
  readonly #taken = new Map<string, string>();

  constructor(shape: ContractShape, terms: RestTerms) {
    this.#shape = shape;
    this.#terms = terms;
    this.#written = terms.routes ?? {};
    this.#collection = collectionOf(terms.base ?? "", terms.collection ?? shape.name);
  }

  make(problems: string[]): readonly Route[] {
    const served = Object.entries(this.#shape.operations).filter(
      ([member, operation]) =>
        operation.kind !== "duplex" &&
        !isMessageShape(operation) &&
        this.#written[member] !== false,
    );
    const places = new Map<string, Place>();
    // What somebody wrote down keeps its place, whatever the convention gives to others.
    const placed = ([member]: readonly [string, unknown]): boolean => this.#isPlaced(member);
    for (const [member, shape] of [
      ...served.filter(placed),
      ...served.filter((entry) => !placed(entry)),
    ])
      places.set(member, this.#settle(member, shape, problems));
    return served.map(([member, shape]) => {
      const own: string[] = [];
      const route = makeRoute(
        {
          member,
          shape,
          place: places.get(member)!,
          terms: this.#termsOf(member),
          collection: this.#collection,
          errors: this.#terms.errors ?? {},
        },
        own,
      );
      const where = `${this.#shape.name}.${member} (${route.method} ${route.path})`;
      problems.push(...own.map((problem) => `${where}: ${problem}`));
      return route;
    });
  }

  #termsOf(member: string): RouteTerms {
    return routeTerms(this.#written[member]);
  }

  /** Its place was written down. */
  #isPlaced(member: string): boolean {
    const { method, path } = this.#termsOf(member);
    return method !== undefined || path !== undefined;
  }

  #settle(member: string, shape: OperationShape, problems: string[]): Place {
    const byConvention = placeOf(shape, member, this.#collection);
    const { method, path } = this.#termsOf(member);
    const place: Place = {
      ...byConvention,
      ...(method === undefined
        ? {}
        : { method, creates: method === "POST" && byConvention.creates === true }),
      ...(path === undefined ? {} : { path: (this.#terms.base ?? "") + path }),
    };
    if (this.#take(place, member)) return place;
    const fallback = fallbackOf(shape, member, this.#collection);
    if (!this.#isPlaced(member) && this.#take(fallback, member)) return fallback;
    const other = this.#taken.get(keyOf(place))!;
    problems.push(
      `${place.method} ${place.path} is both ${this.#shape.name}.${other} and ${this.#shape.name}.${member}`,
    );
    return place;
  }

  #take(place: Place, member: string): boolean {
    const key = keyOf(place);
    if (this.#taken.has(key)) return false;
    this.#taken.set(key, member);
    return true;
  }
}

/** Two paths are the same when only the names of their parameters differ. */
function keyOf({ method, path }: Place): string {
  return `${method} ${path.replace(/\{[^{}]*\}/g, "{}")}`;
}

function routeTerms(given: string | RouteTerms | false | undefined): RouteTerms {
  if (typeof given !== "string") return given === undefined || given === false ? {} : given;
  const [method = "", ...path] = given.split(" ");
  return { method: method as Method, path: path.join(" ") };
}

function termsProblems({ name, operations }: ContractShape, terms: RestTerms): string[] {
  const problems: string[] = [];
  const { base = "", collection, routes = {}, errors = {} } = terms;
  if (base !== "" && !segments.test(base))
    problems.push(`base ${JSON.stringify(base)} is not a path: write "/api"`);
  if (collection !== undefined && !segments.test(`/${collection}`))
    problems.push(
      `collection ${JSON.stringify(collection)} is not a noun for a path: write "orders"`,
    );
  checkErrors("errors", errors, problems);
  for (const [member, given] of Object.entries(routes)) {
    const where = `${name}.${member}`;
    const operation = Object.hasOwn(operations, member) ? operations[member] : undefined;
    if (operation === undefined) problems.push(`${name} has no operation "${member}"`);
    else if (given !== false && isMessageShape(operation))
      problems.push(
        `${where}: ${aKind(operation.kind)} travels as a message and has no place on HTTP: leave it out`,
      );
    else if (given !== undefined && given !== false) checkRoute(where, routeTerms(given), problems);
  }
  return problems;
}

const segments = /^(?:\/[A-Za-z0-9._~-]+)+$/;
/** Segments of what needs no escape in a URL, with parameters inside or for all of one. */
const template = /^\/(?:(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|\{[A-Za-z_][A-Za-z0-9_-]*\})+\/?)*$/;
const methods: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

function checkRoute(where: string, terms: RouteTerms, problems: string[]): void {
  const { method, path, contentType, status, errors = {} } = terms;
  if (method !== undefined && !methods.has(method))
    problems.push(`${where}: ${JSON.stringify(method)} is none of ${[...methods].join(", ")}`);
  if (path !== undefined && !template.test(path))
    problems.push(`${where}: ${JSON.stringify(path)} is not a path: write "/orders/{orderId}"`);
  if (contentType !== undefined && !/^[\w.+-]+\/[\w.+-]+$/.test(contentType))
    problems.push(`${where}: ${JSON.stringify(contentType)} is no media type: write "image/png"`);
  if (status !== undefined && !(Number.isInteger(status) && status >= 200 && status <= 299))
    problems.push(`${where}: status is from 200 to 299, not ${status}`);
  checkErrors(`${where}: errors`, errors, problems);
}

function checkErrors(
  where: string,
  errors: Readonly<Record<string, number>>,
  problems: string[],
): void {
  for (const [code, status] of Object.entries(errors))
    if (!(Number.isInteger(status) && status >= 400 && status <= 599))
      problems.push(`${where}: the status of ${code} is from 400 to 599, not ${status}`);
}

function counted(problems: readonly string[]): string {
  return problems.length === 1 ? "1 problem" : `${problems.length} problems`;
}
