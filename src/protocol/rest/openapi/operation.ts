import { isBytes, type JsonSchema, type OperationShape } from "../../../base/contract-shape.ts";
import type { Param, Route } from "../route.ts";
import { idempotencyKeyHeader, timeoutHeader } from "../wire/header-names.ts";
import type { Components } from "./components.ts";
import { bytesSchema, contentOf, itemsContent } from "./content.ts";
import { schemasOf } from "./payloads.ts";
import { operationOf, type Place } from "./place.ts";
import { responsesOf } from "./responses.ts";
import { resolved, without } from "./subset.ts";

/** One Operation Object. */
export function operationObject(place: Place, components: Components): Record<string, unknown> {
  const { route, shape, id, deprecated } = place;
  const operation = operationOf(place);
  const parameters = parametersOf(place, operation);
  const body = bodyOf(place, components);
  return {
    operationId: id,
    summary: summaryOf(id, operation),
    ...(operation.description === undefined ? {} : { description: operation.description }),
    tags: [shape.name],
    ...(deprecated ? { deprecated } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responsesOf(place, components),
    "x-trunkline": {
      contract: shape.name,
      version: shape.version,
      operation: route.member,
      ...termsOf(operation),
      ...aroundFields(route, operation),
    },
  };
}

/** What an operation promises and OpenAPI has no word for. */
function termsOf({ kind, idempotent, key, deadlineMs, idleMs }: OperationShape) {
  return {
    kind,
    idempotent,
    ...(key === undefined ? {} : { key }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(idleMs === undefined ? {} : { idleMs }),
  };
}

/** What the schema of an object says beside its fields, where those are all parameters and nothing else tells. */
function aroundFields(route: Route, { in: input, head, kind }: OperationShape) {
  const given = kind === "upload" ? head : input;
  const whole = route.params.some(({ field }) => field === undefined);
  const told = kind === "upload" ? route.head === "none" : route.body === "none";
  if (given === undefined || whole || !told) return {};
  const { properties: _, required: __, $defs: ___, ...around } = resolved(given);
  return { input: around };
}

function summaryOf(id: string, { description }: OperationShape): string {
  const sentence = description === undefined ? id : /^.*?[.!?](?= |$)/.exec(description)?.[0];
  return (sentence ?? description ?? id).slice(0, 119);
}

function parametersOf(place: Place, { kind, idempotent }: OperationShape): unknown[] {
  const { route, versions, major } = place;
  const ways = { query: versions.query, header: versions.header };
  const version = Object.entries(ways).flatMap(([where, name]) =>
    name === undefined ? [] : [{ in: where, name, required: true, schema: { const: major } }],
  );
  const key = {
    name: idempotencyKeyHeader,
    in: "header",
    required: false,
    description: "A request that is repeated under the same key is done once.",
    schema: { type: "string", maxLength: 255 },
  };
  const deadline = {
    name: timeoutHeader,
    in: "header",
    required: false,
    description:
      kind === "call" || kind === "notification"
        ? "How many milliseconds the answer is waited for."
        : "How many milliseconds the first item, or the acceptance of items, is waited for.",
    schema: { type: "integer", minimum: 0 },
  };
  const own = route.params.map(parameterOf);
  return [...own, ...version, ...(idempotent === "by-key" ? [key] : []), deadline];
}

function parameterOf({ in: where, name, field, schema, required }: Param): unknown {
  const { description, ...rest } = schema;
  const told = typeof description === "string" ? { description } : {};
  const many = schema["type"] === "array" && where === "query";
  return {
    name,
    in: where,
    required,
    ...told,
    schema: rest,
    ...(many ? { style: "form", explode: true } : {}),
    ...(field === name ? {} : { "x-trunkline-field": field ?? null }),
  };
}

function bodyOf(place: Place, components: Components): unknown {
  const { route } = place;
  const operation = operationOf(place);
  const named = schemasOf(place).input;
  const schema = named === undefined ? undefined : components.place(named.schema, named.names);
  const marks = route.bodyField === undefined ? {} : { "x-trunkline-field": route.bodyField };
  switch (route.body) {
    case "none":
      return undefined;
    case "bytes":
      return {
        required: true,
        content: { "application/octet-stream": { schema: bytesSchema(operation.in) } },
      };
    case "items":
      return {
        description: itemsSent(route),
        required: true,
        content: itemsContent(isBytes(operation.in) ? "bytes" : schema, route.head !== "none"),
        ...(route.head === "none" ? {} : { "x-trunkline-head": headOf(place, components) }),
      };
    default:
      return {
        required: requiredBody(route, operation, named?.schema),
        content: contentOf(place, schema ?? {}),
        ...marks,
      };
  }
}

/** What goes before the items in an envelope of its own. */
function headOf(place: Place, components: Components): JsonSchema {
  const { head = {} } = operationOf(place);
  const fields = place.route.params.flatMap(({ field }) => field ?? []);
  const schema = place.route.head === "whole" ? head : without(head, fields);
  return components.place(schema, [`${place.shape.name} ${place.route.member} head`], true);
}

function itemsSent({ head }: Route): string {
  const first = head === "none" ? "" : "First the head in an envelope with flag 1. ";
  return `${first}Items, one after another; each is described by the schema.`;
}

function requiredBody(route: Route, { in: input = {} }: OperationShape, schema: JsonSchema = {}) {
  if (route.body === "fields") return ((schema["required"] ?? []) as unknown[]).length > 0;
  if (route.bodyField === undefined) return true;
  const { required } = resolved(input);
  return Array.isArray(required) && required.includes(route.bodyField);
}
