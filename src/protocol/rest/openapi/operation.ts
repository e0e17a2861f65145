import type { ContractShape, JsonSchema, OperationShape } from "../../../base/contract-shape.ts";
import { isBytes } from "../../../base/contract-shape.ts";
import type { VersionsBy } from "../options.ts";
import type { Param, Route } from "../route.ts";
import { idempotencyKeyHeader, timeoutHeader } from "../wire/header-names.ts";
import { itemsMediaType } from "../wire/envelope.ts";
import type { Components } from "./components.ts";
import { answerHeaders, otherAnswers, problemType } from "./shared.ts";
import { fieldOf, resolved, without } from "./subset.ts";

/** An operation where it stands in the document. */
export interface Place {
  readonly shape: ContractShape;
  readonly major: number;
  readonly route: Route;
  /** `orders.place` */
  readonly id: string;
  /** Its version is to be used no more. */
  readonly deprecated: boolean;
  /** With the version, where it is in the path. */
  readonly path: string;
  readonly ways: readonly VersionsBy[];
  readonly mediaTypes: readonly string[];
  /** What one of the collection is called: `order`. */
  readonly entity: string;
  /** By what names one of the collection may go: `order`, `order v1`. */
  readonly names: readonly string[];
}

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
    responses: responsesOf(place, operation, components),
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

function operationOf({ shape, route }: Place): OperationShape {
  return shape.operations[route.member]!;
}

function parametersOf(place: Place, { kind, idempotent }: OperationShape): unknown[] {
  const { route, ways, major } = place;
  const version = ways.flatMap((way) => {
    if (typeof way === "string") return [];
    const [where, name] = "query" in way ? ["query", way.query] : ["header", way.header];
    return [{ in: where, name, required: true, schema: { const: major } }];
  });
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

/** The schemas of what goes in and out in bodies. */
function schemasOf(place: Place): {
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

/** Bytes are what the schema does not say: 3.1 has an empty schema for them, here with their bound. */
function bytesSchema(schema: JsonSchema | undefined): JsonSchema {
  return schema ?? { contentMediaType: "application/octet-stream" };
}

function itemsContent(
  schema: JsonSchema | "bytes" | undefined,
  envelopesOnly: boolean,
): Record<string, unknown> {
  if (schema === "bytes") {
    const bytes = { schema: { contentMediaType: "application/octet-stream" } };
    const enveloped = { [itemsMediaType("octet-stream")]: bytes };
    return envelopesOnly ? enveloped : { "application/octet-stream": bytes, ...enveloped };
  }
  const each = schema === undefined ? {} : { schema };
  const enveloped = { [itemsMediaType("json")]: each };
  return envelopesOnly ? enveloped : { "application/x-ndjson": each, ...enveloped };
}

function contentOf({ mediaTypes, ways, shape, major }: Place, schema: JsonSchema) {
  const versioned = ways.includes("media-type")
    ? [`application/vnd.${shape.name}.v${major}+json`]
    : [];
  return Object.fromEntries([...mediaTypes, ...versioned].map((type) => [type, { schema }]));
}

function responsesOf(
  place: Place,
  operation: OperationShape,
  components: Components,
): Record<string, unknown> {
  const { route } = place;
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

/** Reads that caches may keep are read conditionally. */
function isKept({ method, cacheControl, answer }: Route): boolean {
  return method === "GET" && cacheControl !== undefined && answer !== "items";
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

function errorNames({ shape }: Place, code: string): string[] {
  const words = code.toLowerCase().replaceAll("_", " ");
  return [words, `${shape.name} ${words}`];
}
