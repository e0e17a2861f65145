import type { JsonSchema } from "../../../base/contract-shape.ts";
import { isRecord, pointerTokens } from "../../../schema/dialect.ts";

/** References followed before one is taken for endless. */
const referencesMax = 16;

/** The schema at the end of the references with which this one begins; the whole of which it is a part stays out of it. */
export function resolved(root: JsonSchema): JsonSchema {
  let schema = root;
  for (let followed = 0; followed < referencesMax; followed++) {
    const ref = schema["$ref"];
    if (typeof ref !== "string") return schema;
    let at: unknown = root;
    for (const token of pointerTokens(ref.slice(1)))
      at = isRecord(at) && Object.hasOwn(at, token) ? at[token] : undefined;
    if (!isRecord(at)) return {};
    const { $ref: _, ...beside } = schema;
    schema = { ...at, ...beside };
  }
  return {};
}

/** An object's schema without some of its fields. */
export function without(root: JsonSchema, fields: readonly string[]): JsonSchema {
  const { properties, required, ...rest } = resolved(root);
  const left = Object.entries(isRecord(properties) ? properties : {}).filter(
    ([name]) => !fields.includes(name),
  );
  const needed = (Array.isArray(required) ? required : []).filter(
    (name) => !fields.includes(String(name)),
  );
  return within(
    {
      ...rest,
      properties: Object.fromEntries(left),
      ...(needed.length === 0 ? {} : { required: needed }),
    },
    root,
  );
}

/** The schema of one field of an object. */
export function fieldOf(root: JsonSchema, field: string): JsonSchema {
  const { properties } = resolved(root);
  const told = isRecord(properties) && Object.hasOwn(properties, field) ? properties[field] : {};
  return within(isRecord(told) ? told : {}, root);
}

/** A part of a schema as a schema of its own: with the definitions, and with the whole among them where it refers to that. */
function within(part: JsonSchema, root: JsonSchema): JsonSchema {
  const { $defs: _, ...own } = part;
  const definitions = isRecord(root["$defs"]) ? root["$defs"] : {};
  const text = JSON.stringify([own, definitions]);
  if (!/"\$ref":"#(?!\/\$defs\/)/.test(text))
    return Object.keys(definitions).length === 0 ? own : { ...own, $defs: definitions };
  const { $defs: __, ...whole } = root;
  const moved = JSON.parse(
    JSON.stringify([own, { ...definitions, whole }]),
    (keyword, value: unknown) =>
      keyword === "$ref" && typeof value === "string" && /^#(?!\/\$defs\/)/.test(value)
        ? `#/$defs/whole${value.slice(1)}`
        : value,
  ) as readonly [JsonSchema, JsonSchema];
  return { ...moved[0], $defs: moved[1] };
}
