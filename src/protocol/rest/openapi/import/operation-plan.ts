import type { JsonSchema, OperationShape } from "../../../../base/contract-shape.ts";
import { isSystemCode } from "../../../../base/outcome.ts";
import { isRecord } from "../../../../schema/dialect.ts";
import type { RouteTerms } from "../../binding/terms.ts";
import type { Method } from "../../route.ts";
import { planInput, type PlannedInput } from "./input-plan.ts";
import { payloadOf, type Payload } from "./media.ts";
import { errorCodes } from "./names.ts";
import type { Listed, PlannedOperation } from "./planned.ts";
import type { Schemas } from "../../../../schema/foreign/schemas.ts";
import { fieldsOf, textIn, type Fields, type Source } from "../../../../schema/foreign/source.ts";

/** Undefined: it cannot be taken over; the source has been told why. */
export function planOperation(
  source: Source,
  schemas: Schemas,
  listed: Listed,
): Omit<PlannedOperation, "member"> | undefined {
  const { operation, method } = listed;
  const answer = answerOf(source, schemas, listed);
  const input = planInput(source, schemas, listed);
  if (answer === undefined || input === undefined) return undefined;
  const own = fieldsOf(operation["x-trunkline"]);
  const { errors, statuses } = errorsOf(source, schemas, listed);
  const kind = kindOf(own["kind"], answer.payload, input);
  const description = textIn(operation["description"]) ?? textIn(operation["summary"]);
  const ownSummary = operation["summary"] === operation["operationId"];
  const told = operation["description"] === undefined && ownSummary ? undefined : description;
  // In a document of ours what is not described carries nothing; in others it may be anything.
  const nothing = kind === "notification" || ("kind" in own && answer.payload?.unsaid === true);
  const out = nothing ? undefined : answer.payload?.schema;
  const failing = kind === "notification" ? {} : errors;
  return {
    shape: {
      kind,
      idempotent: idempotencyOf(own["idempotent"], method, input, kind),
      ...(told === undefined ? {} : { description: told }),
      ...durationsOf(own),
      ...(input.head === undefined ? {} : { head: input.head }),
      ...(input.in === undefined ? {} : { in: input.in }),
      ...(out === undefined ? {} : { out }),
      ...(Object.keys(failing).length === 0 ? {} : { errors: failing }),
    },
    route: routeOf(listed, input, answer.status, kind === "notification" ? {} : statuses),
    deprecated: operation["deprecated"] === true,
  };
}

function routeOf(
  { method }: Listed,
  input: PlannedInput,
  status: number | undefined,
  errors: Readonly<Record<string, number>>,
): PlannedOperation["route"] {
  const { path, query, header, bodyField, contentType } = input;
  return {
    method,
    path,
    ...(Object.keys(query).length === 0 ? {} : { query: plainest(query) }),
    ...(Object.keys(header).length === 0 ? {} : { header }),
    ...(bodyField === undefined ? {} : { body: { field: bodyField } }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(status === undefined ? {} : { status }),
    ...(Object.keys(errors).length === 0 ? {} : { errors }),
  };
}

/** A list where all fields are called as their parameters are. */
function plainest(query: Readonly<Record<string, string>>): NonNullable<RouteTerms["query"]> {
  return Object.entries(query).every(([field, name]) => field === name)
    ? Object.keys(query)
    : query;
}

function kindOf(
  told: unknown,
  answer: Payload | undefined,
  input: PlannedInput,
): OperationShape["kind"] {
  if (told === "call" || told === "stream" || told === "upload" || told === "notification")
    return told;
  if (input.many) return "upload";
  return answer?.many === true ? "stream" : "call";
}

/** GET, PUT and DELETE are idempotent by what HTTP says of them (RFC 9110, 9.2.2). */
function idempotencyOf(
  told: unknown,
  method: Method,
  input: PlannedInput,
  kind: OperationShape["kind"],
): boolean | "by-key" {
  if (told === true || told === false) return told;
  if (kind !== "stream" && (told === "by-key" || input.keyed)) return "by-key";
  return method === "GET" || method === "PUT" || method === "DELETE";
}

function durationsOf({ key, deadlineMs, idleMs }: Fields) {
  const isDuration = (value: unknown): value is number =>
    typeof value === "number" && value > 0 && value < 2 ** 31;
  return {
    ...(typeof key === "string" && /^[^.]{1,100}(\.[^.]{1,100}){0,9}$/.test(key) ? { key } : {}),
    ...(isDuration(deadlineMs) ? { deadlineMs } : {}),
    ...(isDuration(idleMs) ? { idleMs } : {}),
  };
}

/** The answer of success: its status, and what it carries. */
function answerOf(
  source: Source,
  schemas: Schemas,
  { operation, where }: Listed,
): { readonly status: number | undefined; readonly payload: Payload | undefined } | undefined {
  const responses = Object.entries(fieldsOf(operation["responses"]));
  const good = responses
    .filter(([status]) => /^2(\d\d|XX)$/i.test(status))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const [status, given] = good[0] ?? responses.find(([each]) => each === "default") ?? [];
  if (status === undefined) return { status: undefined, payload: undefined };
  const response = source.follow(given);
  if (response === undefined) {
    source.warn(where, `is left out: its answer ${status} lies outside the document`);
    return undefined;
  }
  if (good.length > 1)
    source.warn(where, `of its answers ${good.map(([each]) => each).join(", ")} the first is read`);
  const payload = payloadOf(schemas, response["content"], `${where} ${status}`);
  return {
    status: /^\d+$/.test(status) ? Number(status) : undefined,
    payload: payload ?? undefined,
  };
}

function errorsOf(source: Source, schemas: Schemas, { operation, where }: Listed) {
  const errors: Record<string, JsonSchema | null> = {};
  const statuses: Record<string, number> = {};
  for (const [status, given] of Object.entries(fieldsOf(operation["responses"]))) {
    if (!/^[45]\d\d$/.test(status)) continue;
    const response = source.follow(given) ?? {};
    const own = ownErrors(source, response);
    const usual = errorCodes[status];
    if (own.length === 0 && usual !== undefined) {
      const payload = payloadOf(schemas, response["content"], `${where} ${status}`);
      const isJson = payload !== undefined && payload !== null && !payload.bytes;
      errors[usual] = isJson ? payload.schema : null;
      statuses[usual] = Number(status);
    }
    for (const [code, data] of own) {
      errors[code] = data === undefined ? null : schemas.read(data, `${where} ${code}`);
      statuses[code] = Number(status);
    }
  }
  return { errors, statuses };
}

/** The codes of a problem of Trunkline's own documents, with their data. */
function ownErrors(source: Source, response: Fields): (readonly [string, unknown])[] {
  const media = fieldsOf(fieldsOf(response["content"])["application/problem+json"]);
  const schema = fieldsOf(media["schema"]);
  const choices: unknown[] = Array.isArray(schema["oneOf"]) ? schema["oneOf"] : [schema];
  return choices.flatMap((choice) => {
    const properties = fieldsOf(fieldsOf(choice)["properties"]);
    const code = source.follow(properties["code"])?.["const"];
    if (typeof code !== "string" || code.length > 100 || isSystemCode(code)) return [];
    if (!/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code)) return [];
    return [[code, isRecord(properties["data"]) ? properties["data"] : undefined] as const];
  });
}
