import type { JsonSchema } from "../../base/contract-shape.ts";
import { accepts } from "./accepts.ts";
import {
  namedIn,
  numberIn,
  resolved,
  same,
  schemaIn,
  schemasIn,
  textsIn,
  type Node,
} from "./schema-node.ts";

/** What a writer may send, as far as it is of one JSON type. */
export interface Sent {
  /** `values`: just those listed. */
  readonly type: "values" | "string" | "number" | "integer" | "array" | "object";
  readonly values: readonly unknown[];
  /** Everything that holds for it, in one schema without references, combinations and choices at its top. */
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
  /** False: it may be less than that. */
  readonly exact: boolean;
}

/** Choices that are told one by one; what has more is taken as if it had none. */
const choicesMax = 256;
/** References and combinations within each other. */
const depthMax = 32;

const types = ["null", "boolean", "string", "number", "array", "object"] as const;

/** Keywords that restrict in ways that are not looked at where something is sent. */
const unlooked: readonly string[] = [
  "not",
  "if",
  "dependentSchemas",
  "dependentRequired",
  "unevaluatedItems",
  "unevaluatedProperties",
  "contains",
  "patternProperties",
  "$dynamicRef",
];

/** Everything that a writer of this schema may send, by type; perhaps more, never less. */
export function sentBy(node: Node, depth: number = 0): readonly Sent[] {
  return flat(node, 0).flatMap(({ schema, exact }) => {
    const whole = exact && !unlooked.some((keyword) => keyword in schema) && anyName(schema);
    const { const: only, enum: allowed } = schema;
    const part = { schema, root: node.root, exact: whole };
    const list = (values: readonly unknown[]): Sent[] => {
      const possible = values.filter(
        (value) =>
          accepts({ schema, root: node.root }, value) !== "no" && accepts(node, value) !== "no",
      );
      return possible.length === 0 ? [] : [{ ...part, type: "values", values: possible }];
    };
    if (only !== undefined) return list([only]);
    if (Array.isArray(allowed)) return list(allowed);
    return typesOf(schema).flatMap((type): Sent[] => {
      if (type === "object" && impossible(schema, node.root, depth)) return [];
      if (type === "null") return list([null]);
      if (type === "boolean") return list([true, false]);
      return [{ ...part, type: type as Sent["type"], values: [] }];
    });
  });
}

/** Fields that are asked for within each other, past which nobody looks whether there can be a value. */
const askedMax = 4;

/** It asks for a field that it does not allow, or of which there is no value. */
function impossible(schema: JsonSchema, root: JsonSchema, depth: number): boolean {
  if (depth > askedMax) return false;
  const { required, properties, additionalProperties, patternProperties } = schema;
  const named = namedIn(properties);
  const closed = additionalProperties === false && patternProperties === undefined;
  return textsIn(required).some((name) =>
    Object.hasOwn(named, name)
      ? sentBy({ schema: named[name]!, root }, depth + 1).length === 0
      : closed,
  );
}

/** What records say of their names when they say nothing. */
function anyName({ propertyNames }: JsonSchema): boolean {
  return propertyNames === undefined || same(propertyNames, { type: "string" });
}

function typesOf({ type }: JsonSchema): readonly string[] {
  if (typeof type === "string") return [type];
  return type === undefined ? types : textsIn(type);
}

interface Flat {
  readonly schema: JsonSchema;
  readonly exact: boolean;
}

/** The alternatives of a schema, each with all that must hold for it. */
function flat({ schema, root }: Node, depth: number): readonly Flat[] {
  if (schema === false) return [];
  if (schema === true) return [{ schema: {}, exact: true }];
  const { $ref, allOf, anyOf, oneOf, ...own } = schema;
  if (depth > depthMax) return [{ schema: own, exact: false }];
  const inside = (part: JsonSchema | boolean): readonly Flat[] =>
    flat({ schema: part, root }, depth + 1);
  const parts: (readonly Flat[])[] = schemasIn(allOf).map(inside);
  if (typeof $ref === "string") {
    const target = resolved($ref, root);
    parts.push(target === undefined ? [{ schema: {}, exact: false }] : inside(target));
  }
  if (anyOf !== undefined) parts.push(schemasIn(anyOf).flatMap(inside));
  if (oneOf !== undefined) {
    const choices = schemasIn(oneOf).map(inside);
    const exact = told(choices);
    // What two of them allow is not sent at all.
    parts.push(choices.flat().map((each) => (exact ? each : { ...each, exact })));
  }
  let found: readonly Flat[] = [{ schema: own, exact: true }];
  for (const part of parts) {
    if (found.length * part.length > choicesMax) return [{ schema: own, exact: false }];
    found = found.flatMap((one) => part.flatMap((other) => both(one, other)));
  }
  return found;
}

/** True when it is plain to see that no value can be of two of the choices: by its type, or by a field that names one. */
function told(choices: readonly (readonly Flat[])[]): boolean {
  return choices.every((one, index) =>
    choices
      .slice(index + 1)
      .every((other) =>
        one.every((mine) => other.every((theirs) => unlike(mine.schema, theirs.schema))),
      ),
  );
}

function unlike(one: JsonSchema, other: JsonSchema): boolean {
  if (bothTypes(one["type"], other["type"]) === undefined) return true;
  const [mine, theirs] = [namedIn(one["properties"]), namedIn(other["properties"])];
  const sure = textsIn(one["required"]).filter((name) => textsIn(other["required"]).includes(name));
  return sure.some((name) => {
    const [a, b] = [mine[name], theirs[name]].map((each) =>
      typeof each === "object" ? each["const"] : undefined,
    );
    return a !== undefined && b !== undefined && !same(a, b);
  });
}

/** Both at once; nothing where no value can be both. */
function both(one: Flat, other: Flat): readonly Flat[] {
  const schema: Record<string, unknown> = { ...one.schema };
  let exact = one.exact && other.exact && !mixedFields(one.schema, other.schema);
  for (const [keyword, value] of Object.entries(other.schema)) {
    const there = schema[keyword];
    if (there === undefined || same(there, value)) schema[keyword] = value;
    else if (joined[keyword] === undefined) exact = false;
    else {
      const joint = joined[keyword](there, value);
      if (joint === undefined) return [];
      schema[keyword] = joint;
    }
  }
  return [{ schema, exact }];
}

/** What `additionalProperties` says is said of other names in each of the two. */
function mixedFields(one: JsonSchema, other: JsonSchema): boolean {
  if (!("additionalProperties" in one) && !("additionalProperties" in other)) return false;
  const [mine, theirs] = [one, other].map(({ properties }) => Object.keys(namedIn(properties)));
  return !same(mine!.toSorted(), theirs!.toSorted());
}

const least = (a: unknown, b: unknown): unknown =>
  Math.min(numberIn(a) ?? Infinity, numberIn(b) ?? Infinity);
const most = (a: unknown, b: unknown): unknown =>
  Math.max(numberIn(a) ?? -Infinity, numberIn(b) ?? -Infinity);

/** How two of one keyword are one; `undefined`: no value can be both. Others are left as the first one says. */
const joined: Readonly<Record<string, (one: unknown, other: unknown) => unknown>> = {
  minimum: most,
  exclusiveMinimum: most,
  minLength: most,
  minItems: most,
  minProperties: most,
  maximum: least,
  exclusiveMaximum: least,
  maxLength: least,
  maxItems: least,
  maxProperties: least,
  const: () => undefined,
  type: bothTypes,
  enum: (one, other) =>
    listIn(one).filter((each) => listIn(other).some((value) => same(each, value))),
  required: (one, other) => [...new Set([...textsIn(one), ...textsIn(other)])],
  properties: bothNamed,
  items: bothSchemas,
  additionalProperties: bothSchemas,
};

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function bothTypes(one: unknown, other: unknown): unknown {
  const [mine, theirs] = [one, other].map((type) => typesOf(type === undefined ? {} : { type }));
  const common = [
    ...mine!.filter((type) => theirs!.includes(type)),
    // What is a number here and whole there is whole.
    ...(mine!.includes("number") && theirs!.includes("integer") ? ["integer"] : []),
    ...(mine!.includes("integer") && theirs!.includes("number") ? ["integer"] : []),
  ];
  return common.length === 0 ? undefined : common;
}

function bothNamed(one: unknown, other: unknown): unknown {
  const [mine, theirs] = [namedIn(one), namedIn(other)];
  const shared = Object.keys(mine).filter((name) => Object.hasOwn(theirs, name));
  const joint = shared.map((name) => [name, bothSchemas(mine[name], theirs[name])]);
  return { ...mine, ...theirs, ...Object.fromEntries(joint) };
}

function bothSchemas(one: unknown, other: unknown): unknown {
  if (same(one, other)) return one;
  const [mine, theirs] = [schemaIn(one) ?? true, schemaIn(other) ?? true];
  if (mine === false || theirs === false) return false;
  return { allOf: [mine, theirs] };
}
