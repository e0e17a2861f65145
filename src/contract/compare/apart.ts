import type { JsonSchema } from "../../base/contract-shape.ts";
import { accepts, typeOf } from "./accepts.ts";
import {
  namedIn,
  numberIn,
  resolved,
  schemaIn,
  schemasIn,
  textsIn,
  type Node,
} from "./schema-node.ts";
import { sentBy, type Sent } from "./sent.ts";

/** Schemas within schemas, past which two are not told apart: what distinguishes alternatives is near their top. */
const depthMax = 6;

/** True when the reader certainly takes nothing of what is sent; where that is not seen, false. */
export function apart({ schema, root }: Node, sent: Sent, depth: number = 0): boolean {
  if (typeof schema === "boolean") return !schema;
  if (depth > depthMax) return false;
  if (sent.values.length > 0)
    return sent.values.every((value) => accepts({ schema, root }, value) === "no");
  const inside = (part: JsonSchema | boolean): boolean =>
    apart({ schema: part, root }, sent, depth + 1);
  const { $ref, allOf, anyOf, oneOf } = schema;
  if (typeof $ref === "string") {
    const target = resolved($ref, root);
    if (target !== undefined && inside(target)) return true;
  }
  if (schemasIn(allOf).some(inside)) return true;
  for (const choices of [anyOf, oneOf])
    if (choices !== undefined && schemasIn(choices).every(inside)) return true;
  return ownApart(schema, root, sent, depth);
}

function ownApart(schema: JsonSchema, root: JsonSchema, sent: Sent, depth: number): boolean {
  const { type, enum: allowed, const: only } = schema;
  const types = typeof type === "string" ? [type] : textsIn(type);
  if (types.length > 0 && !types.some((each) => generalOf(each) === generalOf(sent.type)))
    return true;
  const values = only === undefined ? allowed : [only];
  if (Array.isArray(values)) {
    const whole = { schema: sent.schema, root: sent.root };
    return values.every(
      (value) =>
        generalOf(typeOf(value)) !== generalOf(sent.type) || accepts(whole, value) === "no",
    );
  }
  if (sent.type === "object") return fieldsApart({ schema, root }, sent, depth);
  return generalOf(sent.type) === "number" && rangesApart(schema, sent.schema);
}

function generalOf(type: string): string {
  return type === "integer" ? "number" : type;
}

/** A field that is always there has a value that the other does not take: what tells the alternatives of a union apart. */
function fieldsApart(
  { schema, root }: Node & { readonly schema: JsonSchema },
  sent: Sent,
  depth: number,
): boolean {
  const [mine, theirs] = [namedIn(schema["properties"]), namedIn(sent.schema["properties"])];
  const [needed, sure] = [textsIn(schema["required"]), textsIn(sent.schema["required"])];
  const open =
    sent.schema["additionalProperties"] !== undefined &&
    sent.schema["additionalProperties"] !== false;
  if (!open && !("patternProperties" in sent.schema))
    if (needed.some((name) => !Object.hasOwn(theirs, name) && !sure.includes(name))) return true;
  const strict = schema["additionalProperties"] === false && !("patternProperties" in schema);
  if (strict && sure.some((name) => !Object.hasOwn(mine, name))) return true;
  return [...new Set([...needed, ...sure])].some((name) => {
    const [own, other] = [schemaIn(mine[name]), schemaIn(theirs[name])];
    if (own === undefined || other === undefined) return false;
    return sentBy({ schema: other, root: sent.root }).every((each) =>
      apart({ schema: own, root }, each, depth + 1),
    );
  });
}

function rangesApart(one: JsonSchema, other: JsonSchema): boolean {
  const below = (a: JsonSchema, b: JsonSchema): boolean => {
    const [most, least] = [numberIn(a["maximum"]), numberIn(b["minimum"])];
    return most !== undefined && least !== undefined && most < least;
  };
  // What allows no value at all is apart from everything, itself too, and nobody can ever be shown a value that breaks.
  if (below(one, one) || below(other, other)) return false;
  return below(one, other) || below(other, one);
}
