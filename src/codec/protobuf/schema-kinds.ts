import type { JsonSchema } from "../../base/contract-shape.ts";
import type { Scalar } from "./model.ts";
import { isRecord, resolved, variantsOf, type Root } from "./schema-reading.ts";

/** Its properties have names: more than a map. */
export function isFixedObject(schema: JsonSchema): boolean {
  return (
    schema["type"] === "object" &&
    isRecord(schema["properties"]) &&
    variantsOf(schema) === undefined
  );
}

/** The schema of the properties that have no name; undefined: they are not kept. */
export function othersOf({ additionalProperties, patternProperties }: JsonSchema): unknown {
  if (patternProperties !== undefined) return true;
  return additionalProperties === false ? undefined : additionalProperties;
}

/** The schemas between which a value may choose; undefined: there is one. */
export function spread(schema: JsonSchema): readonly unknown[] | undefined {
  const { type, anyOf, oneOf, ...rest } = schema;
  const variants = variantsOf({ anyOf, oneOf });
  if (variants !== undefined) {
    // Beside what all have in common, the variants do not tell the whole value.
    if (type !== undefined || isRecord(rest["properties"])) return undefined;
    return variants.flatMap((variant) => {
      const inner = isRecord(variant) ? spread(variant) : undefined;
      return inner ?? [variant];
    });
  }
  if (!Array.isArray(type)) return undefined;
  return type.map((each: unknown) =>
    each === "null" ? { type: "null" } : { ...rest, type: each },
  );
}

export function isNull(schema: unknown): boolean {
  return isRecord(schema) && (schema["type"] === "null" || schema["const"] === null);
}

/** More than one variant, `null` not among them, and more than texts. */
export function isMixed(variants: readonly unknown[], root: Root): boolean {
  return (
    variants.length > 1 &&
    !variants.some(isNull) &&
    variants.some((variant) => literalsOf(variant, root) === undefined)
  );
}

/** The texts that a schema allows; undefined: it allows something else. */
export function literalsOf(variant: unknown, root: Root): readonly string[] | undefined {
  const schema = resolved(variant, root)?.schema;
  if (schema === undefined) return undefined;
  const { const: constant, enum: allowed } = schema;
  if (typeof constant === "string") return [constant];
  if (Array.isArray(allowed) && allowed.every((value) => typeof value === "string")) return allowed;
  return undefined;
}

export function integerOf({
  minimum,
  maximum,
  exclusiveMinimum,
  exclusiveMaximum,
}: JsonSchema): Scalar {
  const least = Number(minimum ?? exclusiveMinimum ?? -Infinity);
  const most = Number(maximum ?? exclusiveMaximum ?? Infinity);
  return least >= -(2 ** 31) && most < 2 ** 31 ? "int32" : "int64";
}
