import type { JsonSchema } from "../../base/contract-shape.ts";
import { accepts, matches } from "./accepts.ts";
import type { Gap } from "./finding.ts";
import { numberIn, same } from "./schema-node.ts";
import type { Sent } from "./sent.ts";
import type { Words } from "./words.ts";

/** Texts with which a pattern is tried: where one fits the writer and not the reader, it breaks for certain. */
const samples: readonly string[] = [
  "",
  "a",
  "A",
  "0",
  "7",
  "a b",
  "-",
  "_",
  "ab",
  "Zürich",
  "☃",
  "a@b.co",
];

/** Of a text or a number. */
export function scalarGaps(
  reader: JsonSchema,
  sent: Sent,
  path: string,
  words: Words,
): readonly Gap[] {
  if (sent.type === "string") return stringGaps(reader, sent, path, words);
  return numberGaps(reader, sent, path, words);
}

function stringGaps(reader: JsonSchema, sent: Sent, path: string, words: Words): readonly Gap[] {
  const writer = sent.schema;
  // A pattern or format bounds the length in a way of its own.
  const told = !("pattern" in writer) && !("format" in writer);
  const gaps: Gap[] = [
    ...atLeast("minLength", reader, writer, path, words, 0),
    ...atMost("maxLength", reader, writer, path, words),
  ].map((gap) => (told ? gap : { ...gap, verdict: "unknown" as const }));
  const { pattern } = reader;
  if (typeof pattern === "string" && pattern !== writer["pattern"]) {
    const breaks = samples.some(
      (text) =>
        matches(pattern, text) === "no" &&
        accepts({ schema: writer, root: sent.root }, text) === "yes",
    );
    gaps.push(
      words.keyword(path, "pattern", pattern, writer["pattern"], breaks ? "breaks" : "unknown"),
    );
  }
  for (const keyword of ["format", "contentEncoding", "contentMediaType", "contentSchema"])
    gaps.push(...sameOrNone(keyword, reader, writer, path, words));
  return gaps;
}

function numberGaps(reader: JsonSchema, sent: Sent, path: string, words: Words): readonly Gap[] {
  const writer = sent.schema;
  const gaps: Gap[] = [];
  for (const [bound, exclusive, sign] of [
    ["minimum", "exclusiveMinimum", 1],
    ["maximum", "exclusiveMaximum", -1],
  ] as const) {
    const [mine, theirs] = [reader, writer].map((schema) =>
      edge(schema, bound, exclusive, sign, sent.type === "integer"),
    );
    // Of two equal edges the one that leaves the number itself out is the narrower.
    if (mine!.at < theirs!.at || (mine!.at === theirs!.at && (!mine!.open || theirs!.open)))
      continue;
    const keyword = exclusive in reader ? exclusive : bound;
    gaps.push(words.keyword(path, keyword, reader[keyword], writer[keyword], "breaks"));
  }
  const [step, theirs] = [numberIn(reader["multipleOf"]), numberIn(writer["multipleOf"])];
  const steps = theirs ?? (sent.type === "integer" ? 1 : undefined);
  if (step !== undefined && step !== steps && !isMultiple(steps, step)) {
    const verdict = steps === undefined ? "breaks" : "unknown";
    gaps.push(words.keyword(path, "multipleOf", step, theirs, verdict));
  }
  gaps.push(...sameOrNone("format", reader, writer, path, words));
  return gaps;
}

/** Where the numbers begin, seen so that a larger `at` is narrower; without a bound nowhere. */
function edge(
  schema: JsonSchema,
  bound: string,
  exclusive: string,
  sign: 1 | -1,
  integer: boolean,
): { readonly at: number; readonly open: boolean } {
  const closed = sign * (numberIn(schema[bound]) ?? -sign * Infinity);
  const opened = sign * (numberIn(schema[exclusive]) ?? -sign * Infinity);
  if (opened < closed || opened === -Infinity) return { at: closed, open: false };
  // Whole numbers above 0 are those from 1 on.
  return integer && Number.isInteger(opened)
    ? { at: opened + 1, open: false }
    : { at: opened, open: true };
}

function isMultiple(steps: number | undefined, of: number): boolean {
  return steps !== undefined && Number.isInteger(of) && Number.isInteger(steps) && steps % of === 0;
}

/** The reader asks for no more than the writer keeps to. */
export function atLeast(
  keyword: string,
  reader: JsonSchema,
  writer: JsonSchema,
  path: string,
  words: Words,
  kept: number,
): readonly Gap[] {
  const asked = numberIn(reader[keyword]) ?? 0;
  if (asked <= Math.max(kept, numberIn(writer[keyword]) ?? 0)) return [];
  return [words.keyword(path, keyword, reader[keyword], writer[keyword], "breaks")];
}

export function atMost(
  keyword: string,
  reader: JsonSchema,
  writer: JsonSchema,
  path: string,
  words: Words,
  kept: number = Infinity,
): readonly Gap[] {
  const asked = numberIn(reader[keyword]) ?? Infinity;
  if (asked >= Math.min(kept, numberIn(writer[keyword]) ?? Infinity)) return [];
  return [words.keyword(path, keyword, reader[keyword], writer[keyword], "breaks")];
}

/** What the reader says must be said by the writer as well: nobody knows which formats lie within which. */
function sameOrNone(
  keyword: string,
  reader: JsonSchema,
  writer: JsonSchema,
  path: string,
  words: Words,
): readonly Gap[] {
  const [mine, theirs] = [reader[keyword], writer[keyword]];
  if (mine === undefined || same(mine, theirs)) return [];
  const verdict = theirs === undefined && !("pattern" in writer) ? "breaks" : "unknown";
  return [words.keyword(path, keyword, mine, theirs, verdict)];
}
