import * as fc from "fast-check";
import type { JsonSchema } from "../../base/contract-shape.ts";
import { accepts } from "./accepts.ts";

// Random JSON Schemas, schemas that are nearly the same, and values that a writer of a schema may send.

const names = ["a", "b", "c", "kind"] as const;
const texts = ["", "a", "b", "ab", "abc", "a-b", "7", "2026-11-28", "x".repeat(9)];
const scalars: readonly unknown[] = [...texts.slice(1, 4), 0, 1, 2.5, -3, true, false, null];

/** Of no type that a schema may ask for. */
const unsendable = Symbol("unsendable");

const optionally = <T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;

const textSchema = optionally({
  minLength: fc.nat(3),
  maxLength: fc.integer({ min: 1, max: 4 }),
  pattern: fc.constantFrom("^[a-z]*$", "^a", "b$", "-", "^.{1,3}$"),
  format: fc.constantFrom("date", "email"),
}).map((schema) => ({ type: "string", ...schema }));

const numberSchema = fc
  .tuple(
    fc.constantFrom("number", "integer"),
    optionally({
      minimum: fc.integer({ min: -3, max: 2 }),
      exclusiveMinimum: fc.integer({ min: -3, max: 1 }),
      maximum: fc.integer({ min: 1, max: 4 }),
      exclusiveMaximum: fc.integer({ min: 2, max: 5 }),
      multipleOf: fc.constantFrom(1, 2, 3, 0.5),
    }),
  )
  .map(([type, schema]) => ({ type, ...schema }));

const plainSchema: fc.Arbitrary<JsonSchema> = fc.oneof(
  { arbitrary: textSchema, weight: 3 },
  { arbitrary: numberSchema, weight: 3 },
  fc.constantFrom({ type: "boolean" }, { type: "null" }, {}),
  fc.subarray([...scalars], { minLength: 1, maxLength: 4 }).map((allowed) => ({ enum: allowed })),
  fc.constantFrom(...scalars).map((only) => ({ const: only })),
  fc
    .subarray(["string", "number", "integer", "null", "boolean"], { minLength: 1, maxLength: 3 })
    .map((type) => ({ type })),
);

const { schema: anySchema } = fc.letrec<{ schema: JsonSchema }>((tie) => {
  const part = tie("schema");
  const choices = fc.array(part, { minLength: 1, maxLength: 3 });
  const union = fc
    .tuple(fc.constantFrom("anyOf", "oneOf", "allOf"), choices)
    .map(([keyword, parts]): JsonSchema => ({ [keyword]: parts }));
  return {
    schema: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      plainSchema,
      { arbitrary: fieldsOf(part), weight: 3 },
      listOf(part),
      union,
      taggedOf(part),
      fc.constant<JsonSchema>({ $ref: "#/$defs/Tree" }),
      part.map((not): JsonSchema => ({ type: ["string", "number", "object"], not })),
    ),
  };
});

function fieldsOf(part: fc.Arbitrary<JsonSchema>): fc.Arbitrary<JsonSchema> {
  return fc
    .tuple(
      fc.dictionary(fc.constantFrom(...names), part, { maxKeys: 3 }),
      fc.subarray([...names], { maxLength: 2 }),
      optionally({
        additionalProperties: fc.oneof(
          fc.constant<JsonSchema | boolean>(false),
          part,
          fc.constant(true),
        ),
        minProperties: fc.nat(2),
        maxProperties: fc.integer({ min: 1, max: 4 }),
        propertyNames: fc.constantFrom(
          { maxLength: 1 },
          { pattern: "^[a-c]" },
          { enum: [...names] },
        ),
        patternProperties: fc.constantFrom(
          { "^k": { type: "string" } },
          { "^x": { type: "number" } },
        ),
      }),
    )
    .map(([properties, required, more]) => {
      const { propertyNames, patternProperties, minProperties, maxProperties, ...usual } = more;
      // The rare ones are there when the dice say so twice.
      const rare = required.length === 2 ? { propertyNames, maxProperties } : {};
      const rarer = required.length === 0 ? { patternProperties, minProperties } : {};
      return cleaned({ type: "object", properties, required, ...usual, ...rare, ...rarer });
    });
}

function listOf(part: fc.Arbitrary<JsonSchema>): fc.Arbitrary<JsonSchema> {
  return fc
    .tuple(
      part,
      optionally({
        minItems: fc.nat(2),
        maxItems: fc.integer({ min: 1, max: 3 }),
        uniqueItems: fc.boolean(),
        prefixItems: fc.array(part, { minLength: 1, maxLength: 2 }),
      }),
    )
    .map(([items, { uniqueItems, ...more }]): JsonSchema => {
      // Together with prefixItems the validator overlooks equal items.
      const unique =
        more.prefixItems === undefined && uniqueItems !== undefined ? { uniqueItems } : {};
      return { type: "array", items, ...more, ...unique };
    });
}

function taggedOf(part: fc.Arbitrary<JsonSchema>): fc.Arbitrary<JsonSchema> {
  return fc
    .array(fc.tuple(fc.constantFrom("a", "b", "c"), part), { minLength: 1, maxLength: 3 })
    .map((list): JsonSchema => ({
      oneOf: list.map(([tag, value]) => ({
        type: "object",
        properties: { kind: { const: tag }, value },
        required: ["kind"],
      })),
    }));
}

const tree = fc.tuple(anySchema, fc.boolean()).map(([leaf, needed]): JsonSchema => ({
  type: "object",
  properties: { leaf, next: { $ref: "#/$defs/Tree" } },
  ...(needed ? { required: ["leaf"] } : {}),
}));

function rooted(schema: JsonSchema, defined: JsonSchema): JsonSchema {
  return { ...schema, $defs: { Tree: defined } };
}

/** Two schemas: the same, one that differs in a place or two, or any two. */
export const schemaPairs: fc.Arbitrary<readonly [JsonSchema, JsonSchema]> = fc
  .tuple(anySchema, anySchema, tree, tree, fc.array(fc.nat(200), { maxLength: 3 }), fc.nat(9))
  .map(([one, other, treeOne, treeOther, places, how]) => {
    const older = rooted(one, treeOne);
    if (how === 0) return [older, rooted(other, treeOther)] as const;
    if (how === 1) return [older, rooted(one, treeOther)] as const;
    return [older, places.reduce(changed, older)] as const;
  });

/** The schema with one change, chosen by a number. */
function changed(schema: JsonSchema, place: number): JsonSchema {
  const copy = structuredClone(schema) as Record<string, unknown>;
  const objects: Record<string, unknown>[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Array.isArray(value)) objects.push(value as Record<string, unknown>);
    for (const part of Object.values(value)) visit(part);
  };
  visit(copy);
  const target = objects[place % objects.length]!;
  const keywords = Object.keys(target).filter(
    (keyword) => !["$defs", "$ref", "Tree"].includes(keyword),
  );
  const keyword = keywords[place % Math.max(1, keywords.length)];
  if (keyword === undefined) return copy;
  const value = target[keyword];
  if (typeof value === "number") target[keyword] = Math.max(0.5, value + ((place % 5) - 2));
  else if (Array.isArray(value) && value.length > 1 && place % 2 === 0) value.pop();
  else if (keyword === "enum" && Array.isArray(value)) value.push(scalars[place % scalars.length]);
  else if (keyword === "required" && Array.isArray(value)) value.push(names[place % names.length]);
  else if (keyword === "type" && value === "integer") target[keyword] = "number";
  else if (keyword === "properties") (value as Record<string, unknown>)["d"] = { type: "string" };
  else if (!["properties", "anyOf", "oneOf", "allOf", "items"].includes(keyword))
    delete target[keyword];
  if (Array.isArray(target["enum"])) target["enum"] = [...new Set(target["enum"])];
  if (Array.isArray(target["required"])) target["required"] = [...new Set(target["required"])];
  return copy;
}

function cleaned(schema: Record<string, unknown>): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

/** A value that a writer of the schema might send; not certainly valid. `random` gives numbers from 0 to below its argument. */
export function sample(
  schema: JsonSchema | boolean,
  root: JsonSchema,
  random: (below: number) => number,
  depth: number = 0,
): unknown {
  if (typeof schema === "boolean") return scalars[random(scalars.length)];
  const inside = (part: unknown): unknown =>
    sample((part ?? true) as JsonSchema | boolean, root, random, depth + 1);
  const { $ref, allOf, anyOf, oneOf, enum: allowed, const: only, type } = schema;
  if (only !== undefined) return only;
  if (Array.isArray(allowed)) return allowed[random(allowed.length)];
  if (typeof $ref === "string")
    return depth > 5 ? {} : inside((root["$defs"] as JsonSchema)["Tree"]);
  if (Array.isArray(allOf)) {
    const parts = allOf.map(inside);
    const objects = parts.filter(
      (part) => typeof part === "object" && part !== null && !Array.isArray(part),
    );
    return objects.length === parts.length
      ? Object.assign({}, ...objects)
      : parts[random(parts.length)];
  }
  for (const choices of [anyOf, oneOf]) {
    if (!Array.isArray(choices)) continue;
    const choice = choices[random(choices.length)] as JsonSchema | boolean;
    const value = inside(choice);
    // What its own choice refuses is not sent, though another one may allow it: that would not write all of its fields.
    return accepts({ schema: choice, root }, value) === "no" ? unsendable : value;
  }
  const types = Array.isArray(type)
    ? type
    : type === undefined
      ? ["string", "number", "object", "null"]
      : [type];
  switch (types[random(types.length)]) {
    case "string":
      return texts[random(texts.length)];
    case "integer":
      return random(9) - 4;
    case "number":
      return (random(17) - 8) / 2;
    case "boolean":
      return random(2) === 0;
    case "array":
      return sampleList(schema, inside, random);
    case "object":
      return sampleFields(schema, inside, random);
    default:
      return null;
  }
}

function sampleList(
  { items, prefixItems }: JsonSchema,
  inside: (part: unknown) => unknown,
  random: (below: number) => number,
): unknown[] {
  const first = (prefixItems ?? []) as readonly unknown[];
  return Array.from({ length: random(4) }, (_, index) => inside(first[index] ?? items));
}

function sampleFields(
  { properties, required, additionalProperties, patternProperties }: JsonSchema,
  inside: (part: unknown) => unknown,
  random: (below: number) => number,
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, part] of Object.entries((properties ?? {}) as Record<string, unknown>))
    if ((required as readonly string[] | undefined)?.includes(name) || random(3) > 0)
      value[name] = inside(part);
  // Only what a schema says that it may hold is ever sent beside what it names.
  if (additionalProperties !== undefined && additionalProperties !== false)
    for (const name of [...names, "d", "zz"])
      if (!Object.hasOwn(value, name) && random(3) === 0)
        value[name] = inside(additionalProperties);
  for (const [pattern, part] of Object.entries(
    (patternProperties ?? {}) as Record<string, unknown>,
  ))
    if (random(2) === 0) value[pattern.slice(1)] = inside(part);
  return value;
}
