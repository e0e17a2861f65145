import type { JsonSchema } from "../base/contract-shape.ts";
import { heldBy, isRecord } from "./dialect.ts";

/** Draft 2020-12 writes these alike, and draft 07 does not know them: what they ask for is not asked there. */
const unknownToDraft07: ReadonlySet<string> = new Set([
  "maxContains",
  "minContains",
  "unevaluatedItems",
  "unevaluatedProperties",
]);

/**
 * A schema of draft 2020-12 in the words of draft 07. Bounded by its depth, which `readSchema` bounds. What draft 07 cannot say is left
 * out: it then allows more, never less.
 */
export function toDraft07(schema: JsonSchema): JsonSchema {
  const { prefixItems, items, dependentRequired, dependentSchemas, $defs, ...rest } = schema;
  const written: [string, unknown][] = Object.entries(rest).flatMap(([keyword, part]) =>
    unknownToDraft07.has(keyword) ? [] : [[keyword, inside(keyword, part)] as [string, unknown]],
  );
  if (Array.isArray(prefixItems)) {
    written.push(["items", prefixItems.map(one)]);
    if (items !== undefined) written.push(["additionalItems", one(items)]);
  } else if (items !== undefined) written.push(["items", one(items)]);
  const dependencies = {
    ...(isRecord(dependentRequired) ? dependentRequired : {}),
    ...(isRecord(dependentSchemas) ? each(dependentSchemas) : {}),
  };
  if (Object.keys(dependencies).length > 0) written.push(["dependencies", dependencies]);
  if (isRecord($defs)) written.push(["definitions", each($defs)]);
  return Object.fromEntries(written);
}

function inside(keyword: string, part: unknown): unknown {
  const held = heldBy(keyword);
  if (held === "schema") return one(part);
  if (held === "list" && Array.isArray(part)) return part.map(one);
  return held === "map" && isRecord(part) ? each(part) : part;
}

function one(part: unknown): unknown {
  return isRecord(part) ? toDraft07(part) : part;
}

function each(parts: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, one(part)]));
}
