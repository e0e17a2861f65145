import type { JsonSchema } from "../../base/contract-shape.ts";
import { accepts, matches } from "./accepts.ts";
import type { Gap } from "./finding.ts";
import { atLeast, atMost } from "./scalars.ts";
import { namedIn, same, schemaIn, textsIn, type Node } from "./schema-node.ts";
import type { Look, Words } from "./words.ts";

type Of = Node & { readonly schema: JsonSchema };

/**
 * Of objects. Who writes sends the fields that its schema declares, and others only where it says so (`additionalProperties`);
 * who reads passes over what it does not know, unless it says that it does not.
 */
export function objectGaps(
  reader: Of,
  writer: Of,
  path: string,
  words: Words,
  look: Look,
): readonly Gap[] {
  const [mine, theirs] = [
    namedIn(reader.schema["properties"]),
    namedIn(writer.schema["properties"]),
  ];
  const sure = textsIn(writer.schema["required"]);
  const at = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const gaps: Gap[] = textsIn(reader.schema["required"])
    .filter((name) => !sure.includes(name))
    .map((name) => words.required(at(name), Object.hasOwn(theirs, name)));
  for (const [name, sent] of Object.entries(theirs)) {
    if (sent === false) continue;
    const own = readAs(name, reader.schema);
    if (own === "unknown") gaps.push(words.unsure(at(name)));
    else if (own === "refused")
      gaps.push(words.onlyWritten(at(name), sure.includes(name), "breaks"));
    else if (own === "ignored") gaps.push(words.onlyWritten(at(name), sure.includes(name), "ok"));
    else gaps.push(...look({ ...reader, schema: own }, { ...writer, schema: sent }, name));
  }
  const others = writer.schema["additionalProperties"];
  if (others !== undefined && others !== false) {
    const sent: Node = { ...writer, schema: schemaIn(others) ?? true };
    const unnamed = Object.keys(mine).filter((name) => !Object.hasOwn(theirs, name));
    for (const name of unnamed) gaps.push(...look({ ...reader, schema: mine[name]! }, sent, name));
    const rest = schemaIn(reader.schema["additionalProperties"]);
    if (rest !== undefined) gaps.push(...look({ ...reader, schema: rest }, sent, "*"));
  }
  return [
    ...gaps,
    ...counts(reader, writer, path, words),
    ...patterns(reader, writer, path, words, look),
  ];
}

/** How a reader takes a field of that name. */
function readAs(
  name: string,
  { properties, patternProperties, additionalProperties }: JsonSchema,
): JsonSchema | boolean | "unknown" | "refused" | "ignored" {
  const fits = Object.keys(namedIn(patternProperties)).map((pattern) => matches(pattern, name));
  if (fits.some((fit) => fit !== "no")) return "unknown";
  const named = namedIn(properties);
  if (Object.hasOwn(named, name)) return named[name]!;
  const others = schemaIn(additionalProperties);
  if (others === false) return "refused";
  return others ?? "ignored";
}

function counts(
  { schema: reader }: Of,
  { schema: writer }: Of,
  path: string,
  words: Words,
): readonly Gap[] {
  const declared = Object.values(namedIn(writer["properties"])).filter((each) => each !== false);
  const open = (writer["additionalProperties"] ?? false) !== false || "patternProperties" in writer;
  return [
    ...atLeast("minProperties", reader, writer, path, words, textsIn(writer["required"]).length),
    ...atMost("maxProperties", reader, writer, path, words, open ? Infinity : declared.length),
  ];
}

/** What is said of names, and not of one name. */
function patterns(reader: Of, writer: Of, path: string, words: Words, look: Look): readonly Gap[] {
  const gaps: Gap[] = [];
  const [mine, theirs] = [reader.schema["patternProperties"], writer.schema["patternProperties"]];
  const open = (writer.schema["additionalProperties"] ?? false) !== false;
  if (theirs !== undefined && !(same(mine, theirs) && !JSON.stringify(theirs).includes('"$ref"')))
    gaps.push(words.unsure(path));
  else if (theirs === undefined && mine !== undefined && open) gaps.push(words.unsure(path));
  const names = schemaIn(reader.schema["propertyNames"]);
  if (names === undefined) return gaps;
  const asked: Node = { ...reader, schema: names };
  if (open || theirs !== undefined) {
    const sent = schemaIn(writer.schema["propertyNames"]);
    const text: JsonSchema = { type: "string" };
    const schema: JsonSchema = sent === undefined ? text : { allOf: [text, sent] };
    gaps.push(...look(asked, { ...writer, schema }, "*"));
  }
  const declared = Object.keys(namedIn(writer.schema["properties"]));
  const answers = declared.map((name) => accepts(asked, name));
  if (answers.includes("no"))
    gaps.push(
      words.keyword(path, "propertyNames", names, writer.schema["propertyNames"], "breaks"),
    );
  else if (answers.includes("unknown")) gaps.push(words.unsure(path));
  return gaps;
}
