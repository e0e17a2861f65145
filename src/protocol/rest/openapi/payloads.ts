import { isBytes, type JsonSchema, type OperationShape } from "../../../base/contract-shape.ts";
import type { Route } from "../route.ts";
import { operationOf, type Place } from "./place.ts";
import { fieldOf, resolved, without } from "./subset.ts";

/** A schema, and by what names it could go, the best first. */
interface NamedSchema {
  readonly schema: JsonSchema;
  readonly names: readonly string[];
}

/** The schemas of an operation that may get a name, with the names that would suit them. */
export function uses(place: Place): NamedSchema[] {
  const { input, output } = schemasOf(place);
  const { errors = {} } = operationOf(place);
  const data = Object.entries(errors).flatMap(([code, schema]) =>
    schema === null ? [] : [{ schema, names: errorNames(place, code) }],
  );
  return [input, output].flatMap((each) => each ?? []).concat(data);
}

/** The schemas of what goes in and out in bodies. */
export function schemasOf(place: Place): {
  readonly input: NamedSchema | undefined;
  readonly output: NamedSchema | undefined;
} {
  const { route, shape, entity, names } = place;
  const { member, method } = route;
  const operation = operationOf(place);
  const own = `${member === shape.name ? "" : shape.name} ${member}`;
  const input = inputOf(route, operation);
  const { out } = operation;
  // What is read from a collection, put into it or made there is one of it.
  const about = route.path
    .split("/")
    .filter((segment) => !segment.startsWith("{"))
    .at(-1);
  const isEntity =
    about !== undefined && about.startsWith(entity.slice(0, -1)) && method !== "DELETE";
  const outNames = [`${own} ${route.answer === "items" ? "item" : "output"}`];
  const noun = isEntity && isObject(out) ? names : [];
  return {
    input: input === undefined ? undefined : { schema: input, names: [`${own} input`] },
    output:
      out === undefined || isBytes(out)
        ? undefined
        : { schema: out, names: [...noun, ...outNames] },
  };
}

function isObject(schema: JsonSchema | undefined): boolean {
  return schema !== undefined && resolved(schema)["type"] === "object";
}

/** What the body is described by; undefined: there is none, or it is bytes. */
function inputOf(route: Route, { in: told }: OperationShape): JsonSchema | undefined {
  const input = told ?? {};
  switch (route.body) {
    case "whole":
      return route.bodyField === undefined ? input : fieldOf(input, route.bodyField);
    case "fields":
      return without(
        input,
        route.params.flatMap(({ field }) => field ?? []),
      );
    case "items":
      return isBytes(told) ? undefined : told;
    default:
      return undefined;
  }
}

/** How the data of a declared error may be called. */
export function errorNames({ shape }: Place, code: string): string[] {
  const words = code.toLowerCase().replaceAll("_", " ");
  return [words, `${shape.name} ${words}`];
}
