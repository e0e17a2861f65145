import type { JsonSchema } from "../../../../base/contract-shape.ts";
import { isRecord } from "../../../../schema/dialect.ts";
import { textType } from "../../binding/text.ts";
import { bytesSchema, payloadOf, type Payload } from "./media.ts";
import type { Listed } from "./planned.ts";
import type { Schemas } from "../../../../schema/foreign/schemas.ts";
import { fieldsOf, textIn, type Fields, type Source } from "../../../../schema/foreign/source.ts";

/** What an operation takes, and where each part of it stands. */
export interface PlannedInput {
  readonly path: string;
  readonly in: JsonSchema | undefined;
  readonly head: JsonSchema | undefined;
  /** Items are sent. */
  readonly many: boolean;
  /** It takes an idempotency key. */
  readonly keyed: boolean;
  /** Field → name. */
  readonly query: Readonly<Record<string, string>>;
  readonly header: Readonly<Record<string, string>>;
  readonly bodyField: string | undefined;
  readonly contentType: string | undefined;
}

/** A parameter that becomes a field of the input. */
interface Field {
  readonly in: "path" | "query" | "header";
  readonly name: string;
  /** Undefined: it is the whole input. */
  readonly field: string | undefined;
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/** Headers that are HTTP's or ours, and no parameters of an operation. */
const notFields =
  /^(?:accept|connection|content-length|content-type|host|authorization|traceparent|tracestate|idempotency-key|trunkline-.*)$/i;

/** Undefined: it cannot be taken over; the source has been told why. */
export function planInput(
  source: Source,
  schemas: Schemas,
  listed: Listed,
): PlannedInput | undefined {
  const parameters = parametersOf(source, listed);
  const fields = fieldsFrom(source, schemas, parameters, listed.where);
  const body = bodyOf(source, schemas, listed);
  if (fields === undefined || body === null) return undefined;
  const keyed = parameters.some(({ name }) => textIn(name)?.toLowerCase() === "idempotency-key");
  const { path, byPath } = pathOf(listed, fields);
  const named = fields.map((field) =>
    field.in === "path" ? { ...field, field: renamed(field, byPath) } : field,
  );
  const where = {
    path,
    keyed,
    query: standing(named, "query"),
    header: standing(named, "header"),
  };
  return { ...where, ...joined(schemas, named, body, listed), contentType: body?.payload.type };
}

/** The field of a path's parameter is called as the path has it. */
function renamed({ name, field }: Field, byPath: ReadonlyMap<string, string>): string | undefined {
  return field === name ? (byPath.get(name) ?? field) : field;
}

function standing(fields: readonly Field[], where: Field["in"]): Record<string, string> {
  const entries = fields.filter((each) => each.in === where && each.field !== undefined);
  return Object.fromEntries(entries.map(({ field, name }) => [field!, name]));
}

interface Body {
  readonly payload: Payload;
  readonly required: boolean;
  /** Marked by Trunkline's own documents: the one field that is the body. */
  readonly field: string | undefined;
  readonly head: JsonSchema | undefined;
}

type Joined = Pick<PlannedInput, "in" | "head" | "many" | "bodyField">;

/** Puts parameters and body together into what one call takes. */
function joined(
  schemas: Schemas,
  fields: readonly Field[],
  body: Body | undefined,
  { operation, where }: Listed,
): Joined {
  const own = isRecord(operation["x-trunkline"]);
  const mark = fieldsOf(operation["x-trunkline"])["input"];
  const around = isRecord(mark) ? schemas.read(mark, where) : undefined;
  const given = objectOf(fields, around);
  const once = { head: undefined, many: false, bodyField: undefined };
  if (body === undefined) return { ...once, in: given };
  const { payload, required } = body;
  const { schema, bytes } = payload;
  const uploads = fieldsOf(operation["x-trunkline"])["kind"] === "upload";
  if (uploads || payload.many || (bytes && given !== undefined)) {
    const head = body.head === undefined ? given : merged(given, schemas.resolved(body.head));
    const items = own && payload.unsaid ? undefined : schema;
    return { in: bytes ? bytesSchema : items, head, many: true, bodyField: undefined };
  }
  if (given === undefined && body.field === undefined) return { ...once, in: schema };
  const fieldsOfBody = schemas.resolved(schema);
  if (own && body.field === undefined) return { ...once, in: merged(given, fieldsOfBody) };
  const field = body.field ?? free("body", fields);
  const whole = {
    type: "object",
    properties: { [field]: schema },
    ...(required ? { required: [field] } : {}),
  };
  return { ...once, in: merged(given, whole), bodyField: field };
}

function free(wish: string, fields: readonly Field[]): string {
  let name = wish;
  while (fields.some(({ field }) => field === name)) name += "Body";
  return name;
}

/** An object of the parameters; the one parameter that is everything; nothing. `around`: what is said of it besides. */
function objectOf(
  fields: readonly Field[],
  around: JsonSchema | undefined,
): JsonSchema | undefined {
  if (fields.length === 0 && around === undefined) return undefined;
  const whole = fields.find(({ field }) => field === undefined);
  if (whole !== undefined) return whole.schema;
  const required = fields.filter((each) => each.required).map(({ field }) => field!);
  return {
    ...around,
    type: "object",
    properties: Object.fromEntries(fields.map(({ field, schema }) => [field!, schema])),
    ...(required.length === 0 ? {} : { required }),
  };
}

function merged(first: JsonSchema | undefined, second: JsonSchema): JsonSchema {
  if (first === undefined) return second;
  const required = [first["required"], second["required"]].flatMap((each) =>
    Array.isArray(each) ? (each as string[]) : [],
  );
  const { required: _, ...rest } = second;
  return {
    ...rest,
    type: "object",
    properties: { ...fieldsOf(first["properties"]), ...fieldsOf(second["properties"]) },
    ...(required.length === 0 ? {} : { required }),
  };
}

/** `null`: there is one, and it is none that can be written. */
function bodyOf(
  source: Source,
  schemas: Schemas,
  { operation, method, where }: Listed,
): Body | undefined | null {
  if (operation["requestBody"] === undefined) return undefined;
  const body = source.follow(operation["requestBody"]);
  const required = body?.["required"] === true;
  const payload = body === undefined ? null : payloadOf(schemas, body["content"], `${where} body`);
  if (payload === undefined) return undefined;
  if (payload === null || method === "GET") {
    const why =
      method === "GET" ? "a GET has no body" : "it is a form, or lies outside the document";
    source.warn(where, required ? `is left out: ${why}` : `its body is left out: ${why}`);
    return required ? null : undefined;
  }
  const head = body?.["x-trunkline-head"];
  return {
    payload,
    required,
    field: textIn(body?.["x-trunkline-field"]),
    head: head === undefined ? undefined : schemas.read(head, `${where} head`),
  };
}

/** Those of the operation before those of its path; what only the path names is text. */
function parametersOf(source: Source, { path, item, operation, where }: Listed): Fields[] {
  const found = new Map<string, Fields>();
  for (const given of [item["parameters"], operation["parameters"]]) {
    if (!Array.isArray(given)) continue;
    for (const each of given) {
      const parameter = source.follow(each);
      if (parameter !== undefined)
        found.set(`${told(parameter["in"])} ${told(parameter["name"])}`, parameter);
      else source.warn("parameters", `${told(fieldsOf(each)["$ref"])} lies outside the document`);
    }
  }
  for (const [, name = ""] of path.matchAll(/\{([^{}]*)\}/g)) {
    if (found.has(`path ${name}`)) continue;
    source.warn(where, `nothing is said of "${name}": it is taken as text`);
    found.set(`path ${name}`, { name, in: "path", required: true, schema: { type: "string" } });
  }
  return [...found.values()];
}

function told(part: unknown): string {
  return typeof part === "string" ? part.slice(0, 200) : "";
}

function fieldsFrom(
  source: Source,
  schemas: Schemas,
  parameters: readonly Fields[],
  where: string,
): Field[] | undefined {
  const fields: Field[] = [];
  for (const parameter of parameters) {
    const name = told(parameter["name"]);
    if (parameter["in"] === "header" && notFields.test(name)) continue;
    const required = parameter["required"] === true || parameter["in"] === "path";
    const field = fieldOf(source, schemas, parameter, `${where} ${name}`);
    if (typeof field === "string") {
      source.warn(where, `${required ? "is left out:" : "without"} "${name}": ${field}`);
      if (required) return undefined;
      continue;
    }
    const taken = fields.some((each) => each.field === field.field);
    fields.push(taken ? { ...field, field: `${name}${capital(field.in)}` } : field);
  }
  return fields;
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}

/** Or why it cannot be one. */
function fieldOf(
  source: Source,
  schemas: Schemas,
  parameter: Fields,
  where: string,
): Field | string {
  const { in: place, required, description } = parameter;
  const name = textIn(parameter["name"]);
  if (name === undefined || name === "__proto__") return "it has no name";
  if (place !== "path" && place !== "query" && place !== "header")
    return `parameters in ${told(place) || "no place"} are not written`;
  if (parameter["schema"] === undefined) return "its value is no text but a document";
  const given = schemas.read(parameter["schema"], where);
  const schema = asText(schemas, given, parameter, (what) => source.warn(where, what));
  if (schema === undefined) return "its value cannot be told as text";
  const own = parameter["x-trunkline-field"];
  const about = typeof description === "string" ? { description, ...schema } : schema;
  return {
    in: place,
    name,
    field: own === null ? undefined : (textIn(own) ?? name),
    schema: about,
    required: place === "path" || required === true,
  };
}

/** A parameter's schema so that its values can stand in text; undefined: they cannot. */
function asText(
  schemas: Schemas,
  given: JsonSchema,
  parameter: Fields,
  warn: (what: string) => void,
): JsonSchema | undefined {
  const schema = withoutNull(schemas.resolved(given));
  const { items } = schema;
  const whole = isRecord(items)
    ? { ...schema, items: withoutNull(schemas.resolved(items)) }
    : schema;
  const type = textType(whole);
  const repeated =
    parameter["explode"] !== false && [undefined, "form"].includes(parameter["style"] as undefined);
  if (type?.many === true && (!repeated || parameter["in"] !== "query")) {
    warn("several values stand in one text: write them with their commas");
    return { type: "string" };
  }
  if (type !== undefined) return whole;
  if (schema["type"] === "object" || isRecord(schema["properties"])) return undefined;
  if (schema["type"] === "array" && type === undefined) return undefined;
  warn("its value is one of several kinds: write it as text");
  return { type: "string" };
}

/** Nobody can send null in a text. */
function withoutNull(schema: JsonSchema): JsonSchema {
  const { type, enum: allowed } = schema;
  if (!Array.isArray(type) || !type.includes("null")) return schema;
  const left = type.filter((each) => each !== "null");
  return {
    ...schema,
    type: left.length === 1 ? left[0] : left,
    ...(Array.isArray(allowed) ? { enum: allowed.filter((each) => each !== null) } : {}),
  };
}

/** The path as a binding writes it, and how its parameters are called there. */
function pathOf({ path, identity }: Listed, fields: readonly Field[]) {
  const byPath = new Map<string, string>();
  const written = path.replaceAll(/\{([^{}]*)\}/g, (_, name: string) => {
    const field = fields.find((each) => each.in === "path" && each.name === name)?.field ?? name;
    // The binding knows what identifies one of the collection, whatever the field is called.
    const wish = field === "id" && name === identity ? name : field;
    const plain = wish.replaceAll(/[^A-Za-z0-9_-]/g, "_").replace(/^(?![A-Za-z_])/, "_");
    const clash = plain !== wish && fields.some((each) => each.field === plain);
    byPath.set(name, clash ? `${plain}_` : plain);
    return `{${byPath.get(name)}}`;
  });
  return { path: written, byPath };
}
