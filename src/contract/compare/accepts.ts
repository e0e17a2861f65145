import type { JsonSchema } from "../../base/contract-shape.ts";
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

/** Whether a schema allows a value; `unknown` where that depends on what is not looked at here. */
export type Answer = "yes" | "no" | "unknown";

/** Schemas within schemas, past which nothing is said: a value that is finite never needs as many. */
const depthMax = 64;

/** Whether the schema allows this very value. */
export function accepts({ schema, root }: Node, value: unknown, depth: number = 0): Answer {
  if (typeof schema === "boolean") return schema ? "yes" : "no";
  if (depth > depthMax) return "unknown";
  const inside = (part: JsonSchema | boolean, of: unknown): Answer =>
    accepts({ schema: part, root }, of, depth + 1);
  return all([
    ...combined(schema, root, value, inside),
    plain(schema, value),
    ...(typeof value === "string" ? [text(schema, value)] : []),
    ...(typeof value === "number" ? [number(schema, value)] : []),
    ...(Array.isArray(value) ? list(schema, value, inside) : []),
    ...(isFields(value) ? fields(schema, value, inside) : []),
  ]);
}

type Inside = (part: JsonSchema | boolean, value: unknown) => Answer;

function combined(schema: JsonSchema, root: JsonSchema, value: unknown, inside: Inside): Answer[] {
  const { $ref, allOf, anyOf, oneOf, not } = schema;
  const answers = schemasIn(allOf).map((each) => inside(each, value));
  if (typeof $ref === "string") {
    const target = resolved($ref, root);
    answers.push(target === undefined ? "unknown" : inside(target, value));
  }
  if (anyOf !== undefined) answers.push(any(schemasIn(anyOf).map((each) => inside(each, value))));
  if (oneOf !== undefined) {
    const each = schemasIn(oneOf).map((one) => inside(one, value));
    const yes = each.filter((answer) => answer === "yes").length;
    if (yes > 1) answers.push("no");
    else if (each.includes("unknown")) answers.push("unknown");
    else answers.push(yes === 1 ? "yes" : "no");
  }
  if (not !== undefined) answers.push(opposite[inside(schemaIn(not) ?? true, value)]);
  if (unlooked.some((keyword) => keyword in schema)) answers.push("unknown");
  return answers;
}

/** Keywords that restrict and are not looked at. */
const unlooked: readonly string[] = [
  "$dynamicRef",
  "if",
  "dependentSchemas",
  "dependentRequired",
  "unevaluatedItems",
  "unevaluatedProperties",
  "contains",
];

const opposite: Readonly<Record<Answer, Answer>> = { yes: "no", no: "yes", unknown: "unknown" };

function plain({ type, enum: allowed, const: only }: JsonSchema, value: unknown): Answer {
  const types = typeof type === "string" ? [type] : textsIn(type);
  if (types.length > 0 && !types.some((each) => hasType(each, value))) return "no";
  if (Array.isArray(allowed) && !allowed.some((each) => same(each, value))) return "no";
  return only === undefined || same(only, value) ? "yes" : "no";
}

function hasType(type: string, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  return type === typeOf(value);
}

/** As JSON Schema names it; a whole number is a `number`. */
export function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function text(schema: JsonSchema, value: string): Answer {
  const { pattern, format, contentEncoding, contentMediaType } = schema;
  const chars = Array.from(value).length;
  if (chars < (numberIn(schema["minLength"]) ?? 0)) return "no";
  if (chars > (numberIn(schema["maxLength"]) ?? Infinity)) return "no";
  if (typeof pattern === "string") {
    const fits = matches(pattern, value);
    if (fits !== "yes") return fits;
  }
  return format === undefined && contentEncoding === undefined && contentMediaType === undefined
    ? "yes"
    : "unknown";
}

/** Of a text that is tried with a pattern: some patterns take twice as long with each character more. */
const triedCharsMax = 20;

/** Whether a text matches a pattern; unknown where this engine does not read the pattern, or might read for ever. */
export function matches(pattern: string, value: string): Answer {
  if (value.length > triedCharsMax) return "unknown";
  try {
    return new RegExp(pattern, "u").test(value) ? "yes" : "no";
  } catch {
    return "unknown";
  }
}

function number(schema: JsonSchema, value: number): Answer {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema;
  if (value < (numberIn(minimum) ?? -Infinity) || value > (numberIn(maximum) ?? Infinity))
    return "no";
  if (value <= (numberIn(exclusiveMinimum) ?? -Infinity)) return "no";
  if (value >= (numberIn(exclusiveMaximum) ?? Infinity)) return "no";
  const step = numberIn(multipleOf);
  // Fractions are not exact: only whole steps are judged.
  if (step !== undefined && !Number.isInteger(step)) return "unknown";
  if (step !== undefined && value % step !== 0) return "no";
  return format === undefined ? "yes" : "unknown";
}

function list(schema: JsonSchema, value: readonly unknown[], inside: Inside): Answer[] {
  const first = schemasIn(schema["prefixItems"]);
  const rest = schemaIn(schema["items"]) ?? true;
  const { minItems, maxItems, uniqueItems } = schema;
  const answers = value.map((item, index) => inside(first[index] ?? rest, item));
  if (value.length < (numberIn(minItems) ?? 0)) answers.push("no");
  if (value.length > (numberIn(maxItems) ?? Infinity)) answers.push("no");
  if (
    uniqueItems === true &&
    value.some((one, at) => value.slice(0, at).some((each) => same(each, one)))
  )
    answers.push("no");
  return answers;
}

function fields(schema: JsonSchema, value: Fields, inside: Inside): Answer[] {
  const { required, properties, patternProperties, additionalProperties, propertyNames } = schema;
  const names = Object.keys(value);
  const answers: Answer[] = textsIn(required).map((name) =>
    Object.hasOwn(value, name) ? "yes" : "no",
  );
  if (names.length < (numberIn(schema["minProperties"]) ?? 0)) answers.push("no");
  if (names.length > (numberIn(schema["maxProperties"]) ?? Infinity)) answers.push("no");
  const named = namedIn(properties);
  const patterns = Object.entries(namedIn(patternProperties));
  for (const name of names) {
    if (propertyNames !== undefined) answers.push(inside(schemaIn(propertyNames) ?? true, name));
    const own = Object.hasOwn(named, name) ? [named[name]!] : [];
    const fits = patterns.filter(([pattern]) => matches(pattern, name) !== "no");
    if (fits.some(([pattern]) => matches(pattern, name) === "unknown")) answers.push("unknown");
    const found = [...own, ...fits.map(([, one]) => one)];
    const told = found.length > 0 ? found : [schemaIn(additionalProperties) ?? true];
    answers.push(...told.map((one) => inside(one, value[name])));
  }
  return answers;
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function all(answers: readonly Answer[]): Answer {
  if (answers.includes("no")) return "no";
  return answers.includes("unknown") ? "unknown" : "yes";
}

function any(answers: readonly Answer[]): Answer {
  if (answers.includes("yes")) return "yes";
  return answers.includes("unknown") ? "unknown" : "no";
}
