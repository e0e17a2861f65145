import { isBytes, type JsonSchema, type OperationShape } from "../../../base/contract-shape.ts";
import type { Route } from "../route.ts";
import type { Components } from "./components.ts";
import { bytesSchema, contentOf, itemsContent } from "./content.ts";
import { errorNames, schemasOf } from "./payloads.ts";
import { operationOf, type Place } from "./place.ts";
import { answerHeaders, otherAnswers, problemType } from "./shared.ts";

/** What an operation answers, by status. */
export function responsesOf(place: Place, components: Components): Record<string, unknown> {
  const { route } = place;
  const operation = operationOf(place);
  const declared = new Map<number, [string, JsonSchema | null][]>();
  for (const [code, schema] of Object.entries(operation.errors ?? {})) {
    const status = route.errors[code] ?? 409;
    declared.set(status, [...(declared.get(status) ?? []), [code, schema]]);
  }
  return {
    [route.status]: successOf(place, operation, components),
    ...(isKept(route) ? { 304: { description: "What you have still holds." } } : {}),
    ...Object.fromEntries(
      [...declared].map(([status, codes]) => [status, declaredAnswer(place, codes, components)]),
    ),
    ...otherAnswers,
  };
}

/** Reads can be asked for on the condition that something has changed. */
function isKept({ method, answer }: Route): boolean {
  return method === "GET" && answer !== "items";
}

function successOf(place: Place, operation: OperationShape, components: Components): unknown {
  const { route } = place;
  const named = schemasOf(place).output;
  const headers = {
    ...(route.status === 201 ? { Location: answerHeaders.Location } : {}),
    ...(isKept(route) ? { ETag: answerHeaders.ETag } : {}),
  };
  const told = Object.keys(headers).length === 0 ? {} : { headers };
  const schema = named === undefined ? undefined : components.place(named.schema, named.names);
  switch (route.answer) {
    case "none":
      return { description: route.status === 202 ? "It was taken." : "It was done.", ...told };
    case "bytes":
      return {
        description: "Bytes.",
        ...told,
        content: { "application/octet-stream": { schema: bytesSchema(operation.out) } },
      };
    case "items":
      return {
        description: "Items as they come; each is described by the schema.",
        ...told,
        content: eventsContent(isBytes(operation.out) ? "bytes" : schema),
      };
    case "whole":
      return { description: "It was done.", ...told, content: contentOf(place, schema ?? {}) };
  }
}

function eventsContent(schema: JsonSchema | "bytes" | undefined): Record<string, unknown> {
  const { "application/x-ndjson": lines, ...others } = itemsContent(schema, false);
  return lines === undefined
    ? others
    : { "application/x-ndjson": lines, "text/event-stream": lines, ...others };
}

/** One code, or one of several that share a status. */
function declaredAnswer(
  place: Place,
  codes: readonly (readonly [string, JsonSchema | null])[],
  components: Components,
): unknown {
  const schemas = codes.map(([code, data]) => {
    const told = data === null ? undefined : components.place(data, errorNames(place, code));
    return {
      allOf: [{ $ref: "#/components/schemas/Problem" }],
      properties: { code: { const: code }, ...(told === undefined ? {} : { data: told }) },
      required: told === undefined ? ["code"] : ["code", "data"],
    };
  });
  return {
    description: `The contract names it: ${codes.map(([code]) => code).join(", ")}.`,
    headers: {
      "trunkline-code": { $ref: "#/components/headers/Code" },
      "trunkline-executed": { $ref: "#/components/headers/Executed" },
    },
    content: {
      [problemType]: { schema: schemas.length === 1 ? schemas[0] : { oneOf: schemas } },
    },
  };
}
