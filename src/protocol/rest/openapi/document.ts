import { isMessageShape, type ContractShape } from "../../../base/contract-shape.ts";
import { info, type AnyContract } from "../../../contract/contract.ts";
import { describe } from "../../../contract/describe.ts";
import { routesOf } from "../binding/routes.ts";
import { singular } from "../binding/verbs.ts";
import { versionedPath, versionsOf } from "../binding/versions.ts";
import type { RestServeOptions } from "../options.ts";
import { Components } from "./components.ts";
import { operationObject } from "./operation.ts";
import { uses } from "./payloads.ts";
import type { Place } from "./place.ts";
import { answers, headers, problem } from "./shared.ts";

/** What an OpenAPI document says beside what the contracts say. */
export interface OpenApiTerms extends RestServeOptions {
  /** Default: the names of the contracts. */
  readonly title?: string;
  /** Markdown. Default none. */
  readonly description?: string;
  /** Of the document. Default: the version of the contract, or the highest of several. */
  readonly version?: string;
  /** Where it is served: `https://api.example.org`. Default: where the document itself was found. */
  readonly servers?: readonly (string | { readonly url: string; readonly description?: string })[];
  /** Under which it may be used. Default: none is named. */
  readonly license?: { readonly name: string; readonly identifier?: string; readonly url?: string };
  /** What values may be written as beside JSON. Default nothing. */
  readonly mediaTypes?: readonly string[];
}

/** A contract as reflection tells it: perhaps one that is to be used no more. */
export interface DescribedShape extends ContractShape {
  readonly deprecated?: string;
  readonly sunset?: string;
}

/** An OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1), as plain JSON. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly Readonly<Record<string, unknown>>[];
  readonly tags: readonly Readonly<Record<string, unknown>>[];
  readonly security: readonly unknown[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: Readonly<Record<string, unknown>>;
}

/**
 * The OpenAPI document of contracts as `rest()` serves them with the same options. Operations that REST cannot carry
 * (duplexes, and what travels as a message: `asyncApi` describes that) are not in it.
 * What OpenAPI has no word for stands under `x-trunkline`, so that `importOpenApi` makes the same contract of it.
 *
 * @throws TrunklineError INVALID_ARGUMENT that lists the problems of a binding.
 */
export function openApi(
  contracts: readonly (AnyContract | DescribedShape)[],
  terms: OpenApiTerms = {},
): OpenApiDocument {
  const shapes = contracts.map((each) => (info in each ? describe(each) : each));
  const places = placesOf(shapes, terms);
  const components = new Components(Object.keys(problem));
  for (const place of byTelling(places))
    for (const { schema, names } of uses(place)) components.learn(schema, names);
  const paths = new Map<string, Record<string, unknown>>();
  for (const place of places) {
    const item = paths.get(place.path) ?? {};
    const method = place.route.method.toLowerCase();
    // Of two versions that only a header tells apart the first is described: the newest.
    if (!Object.hasOwn(item, method)) item[method] = operationObject(place, components);
    paths.set(place.path, item);
  }
  return {
    openapi: "3.1.1",
    info: infoOf(shapes, terms),
    servers: serversOf(terms),
    tags: tagsOf(shapes),
    // Who may do what is for the process to say; the document asks for nothing.
    security: [],
    paths: Object.fromEntries(paths),
    components:
      places.length === 0
        ? {}
        : { schemas: { ...problem, ...components.schemas }, responses: answers, headers },
  };
}

/** The operations in the order of the contracts, the newest version of each first. */
function placesOf(shapes: readonly DescribedShape[], terms: OpenApiTerms): Place[] {
  const { bindings = [], except = [], mediaTypes = [] } = terms;
  const told = versionsOf(terms.versions);
  return [...Map.groupBy(shapes, ({ name }) => name).values()].flatMap((versions) => {
    const newestFirst = versions.toSorted((a, b) => majorOf(b) - majorOf(a));
    return newestFirst.flatMap((shape) => {
      const { name } = shape;
      const major = majorOf(shape);
      const binding = bindings.find((each) => each.contract === name && each.major === major);
      const several = versions.length > 1;
      const entity = singular(name);
      const base = binding?.terms.base ?? "";
      return routesOf(shape, binding?.terms)
        .filter(({ member }) => !except.includes(`${name}.${member}`))
        .map((route) => ({
          shape,
          major,
          route,
          id: `${several ? `${name}.v${major}` : name}.${route.member}`,
          deprecated: (shape.deprecated ?? shape.sunset) !== undefined,
          path: told.uri ? versionedPath(route.path, base, major) : route.path,
          versions: told,
          mediaTypes: ["application/json", ...mediaTypes],
          entity,
          names: several ? [entity, `${entity} v${major}`] : [entity],
        }));
    });
  });
}

/** What reads one of a collection tells best what the collection holds; then what makes one. */
function byTelling(places: readonly Place[]): Place[] {
  const rank = ({ route: { method, path } }: Place): number => {
    if (method === "GET" && path.endsWith("}")) return 0;
    return method === "POST" && !path.includes("{") ? 1 : 2;
  };
  return places.toSorted((a, b) => rank(a) - rank(b));
}

function infoOf(shapes: readonly DescribedShape[], terms: OpenApiTerms): Record<string, unknown> {
  const { title, description, license } = terms;
  const names = [...new Set(shapes.map(({ name }) => name))];
  const newest = shapes.toSorted((a, b) => majorOf(b) - majorOf(a))[0];
  return {
    title: title ?? (names.length === 0 ? "nothing" : names.join(", ")),
    version: terms.version ?? newest?.version ?? "0.0.0",
    ...(description === undefined ? {} : { description }),
    ...(license === undefined ? {} : { license }),
  };
}

function serversOf({ servers }: OpenApiTerms): Record<string, unknown>[] {
  if (servers === undefined || servers.length === 0) return [{ url: "/" }];
  return servers.map((each) => (typeof each === "string" ? { url: each } : { ...each }));
}

function tagsOf(shapes: readonly DescribedShape[]): Record<string, unknown>[] {
  return [...new Set(shapes.map(({ name }) => name))].map((name) => {
    const versions = shapes.filter((each) => each.name === name);
    const messages = versions.flatMap(({ operations }) =>
      Object.keys(operations).filter((member) => isMessageShape(operations[member]!)),
    );
    const left =
      messages.length === 0
        ? ""
        : ` Not here, because it travels as a message: ${[...new Set(messages)].join(", ")}.`;
    const told = versions.map(({ version }) => version).join(", ");
    return { name, description: `The contract ${name} ${told}.${left}` };
  });
}

function majorOf({ version }: ContractShape): number {
  return Number.parseInt(version, 10);
}
