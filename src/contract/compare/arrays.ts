import type { Gap } from "./finding.ts";
import { atLeast, atMost } from "./scalars.ts";
import { numberIn, schemaIn, schemasIn, type Node } from "./schema-node.ts";
import type { JsonSchema } from "../../base/contract-shape.ts";
import type { Look, Words } from "./words.ts";

type Of = Node & { readonly schema: JsonSchema };

/** Of lists and tuples. */
export function arrayGaps(
  { schema: reader, root: readerRoot }: Of,
  { schema: writer, root: writerRoot }: Of,
  path: string,
  words: Words,
  look: Look,
): readonly Gap[] {
  const gaps: Gap[] = [
    ...atLeast("minItems", reader, writer, path, words, 0),
    ...atMost("maxItems", reader, writer, path, words, lengthMax(writer)),
  ];
  if (reader["uniqueItems"] === true && writer["uniqueItems"] !== true)
    gaps.push(words.keyword(path, "uniqueItems", true, writer["uniqueItems"], "breaks"));
  const [mine, theirs] = [schemasIn(reader["prefixItems"]), schemasIn(writer["prefixItems"])];
  const [rest, others] = [schemaIn(reader["items"]) ?? true, schemaIn(writer["items"]) ?? true];
  const most = lengthMax(writer);
  const placed = Math.max(mine.length, theirs.length);
  for (let index = 0; index < Math.min(placed, most); index++) {
    gaps.push(
      ...look(
        { schema: mine[index] ?? rest, root: readerRoot },
        { schema: theirs[index] ?? others, root: writerRoot },
        String(index),
      ),
    );
  }
  if (most > placed)
    gaps.push(
      ...look({ schema: rest, root: readerRoot }, { schema: others, root: writerRoot }, "*"),
    );
  return gaps;
}

/** The most items that a list can have. */
function lengthMax(schema: JsonSchema): number {
  const most = numberIn(schema["maxItems"]) ?? Infinity;
  return schema["items"] === false ? Math.min(most, schemasIn(schema["prefixItems"]).length) : most;
}
