import type { JsonSchema } from "../../base/contract-shape.ts";
import { accepts } from "./accepts.ts";
import { arrayGaps } from "./arrays.ts";
import { compatible, doubted, type Gap } from "./finding.ts";
import { objectGaps } from "./objects.ts";
import { scalarGaps } from "./scalars.ts";
import { allowsAll, resolved, same, schemasIn, type Node } from "./schema-node.ts";
import { sentBy, type Sent } from "./sent.ts";
import { apart } from "./apart.ts";
import { Words, type Look } from "./words.ts";

/** Pairs of schemas that are looked at, past which nothing more is said. */
const pairsMax = 20_000;

/** Schemas within schemas, past which nothing more is said. */
const depthMax = 100;

/** Compares what one version writes with what the other reads. */
export class Reading {
  readonly words: Words;
  readonly #sent = new Map<object, readonly Sent[]>();
  /** Pairs under way: a recursive schema meets itself, and holds where nothing else contradicts. */
  readonly #underWay = new Map<object, Set<object>>();
  #pairs = 0;
  #depth = 0;

  /** `newer`: the reader is the new version, and the writer the old one. */
  constructor(newer: boolean) {
    this.words = new Words(newer);
  }

  /** Whether the reader takes all that the writer sends; only where no gap is worse than `ok` that is certain. */
  gaps(reader: Node, writer: Node, path: string): readonly Gap[] {
    if (allowsAll(reader.schema)) return [];
    if (this.#depth > depthMax) return [this.words.unsure(path)];
    if (hard(reader.schema) && sameAlone(reader.schema, writer.schema)) return [];
    this.#depth++;
    const gaps = this.#sentBy(writer).flatMap((sent) => this.taken(reader, sent, path));
    this.#depth--;
    return distinct(gaps);
  }

  /** The same for one of the alternatives that a writer has. */
  taken(reader: Node, sent: Sent, path: string): readonly Gap[] {
    const { schema, root } = reader;
    if (allowsAll(schema)) return [];
    if (schema === false || schema === true) return [this.words.refused(path, reader, sent)];
    if (sent.type === "values") return this.#valuesTaken(reader, sent, path);
    const others = this.#underWay.get(schema) ?? new Set();
    if (others.has(sent.schema)) return [];
    if (++this.#pairs > pairsMax)
      return [{ path, change: "is too large to be compared", verdict: "unknown" }];
    this.#underWay.set(schema, others.add(sent.schema));
    try {
      const gaps = this.#conjunction(schema, root, sent, path);
      return sent.exact ? gaps : doubted(gaps);
    } finally {
      others.delete(sent.schema);
    }
  }

  #sentBy(writer: Node): readonly Sent[] {
    const meant = meaning(writer);
    const { schema } = meant;
    if (typeof schema === "boolean") return sentBy(meant);
    let sent = this.#sent.get(schema);
    if (sent === undefined) this.#sent.set(schema, (sent = sentBy(meant)));
    return sent;
  }

  #valuesTaken(reader: Node, sent: Sent, path: string): readonly Gap[] {
    const refused = sent.values.filter((value) => accepts(reader, value) === "no");
    if (refused.length > 0) {
      const gaps = [this.words.valuesRefused(path, sent, refused)];
      return sent.exact ? gaps : doubted(gaps);
    }
    const unsure = sent.values.some((value) => accepts(reader, value) === "unknown");
    return unsure ? [this.words.unsure(path)] : [];
  }

  /** All that the reader asks for must hold. */
  #conjunction(schema: JsonSchema, root: JsonSchema, sent: Sent, path: string): readonly Gap[] {
    const { $ref, allOf, anyOf, oneOf, ...own } = schema;
    const gaps = schemasIn(allOf).flatMap((each) => this.taken({ schema: each, root }, sent, path));
    if (typeof $ref === "string") {
      const target = resolved($ref, root);
      gaps.push(
        ...(target === undefined
          ? [this.words.unsure(path)]
          : this.taken({ schema: target, root }, sent, path)),
      );
    }
    if (anyOf !== undefined) gaps.push(...this.#choice(schemasIn(anyOf), root, sent, path, false));
    if (oneOf !== undefined) gaps.push(...this.#choice(schemasIn(oneOf), root, sent, path, true));
    if (!allowsAll(own)) gaps.push(...this.#own({ schema: own, root }, sent, path));
    return gaps;
  }

  /** One of the reader's choices must take it; `only`: and no other one. */
  #choice(
    choices: readonly (JsonSchema | boolean)[],
    root: JsonSchema,
    sent: Sent,
    path: string,
    only: boolean,
  ): readonly Gap[] {
    const possible = choices
      .map((schema) => ({ schema, root }))
      .filter((choice) => !apart(choice, sent));
    if (possible.length === 0)
      return [this.words.refused(path, { schema: { anyOf: choices }, root }, sent)];
    const found = possible.map((choice) => this.taken(choice, sent, path));
    if (possible.length === 1) return found[0]!;
    const fitting = found.find(compatible);
    return fitting === undefined || only ? [this.words.unsure(path)] : fitting;
  }

  #own(reader: Node & { readonly schema: JsonSchema }, sent: Sent, path: string): readonly Gap[] {
    const { schema } = reader;
    if (!hasType(schema, sent) || schema["enum"] !== undefined || schema["const"] !== undefined)
      return [this.words.refused(path, reader, sent)];
    const odd = unlooked.filter(
      (keyword) => keyword in schema && !sameAlone(schema[keyword], sent.schema[keyword]),
    );
    if (whole.some((keyword) => keyword in schema) && !sameAlone(schema, sent.schema))
      odd.push("unevaluatedProperties");
    const gaps: Gap[] = odd.map(() => this.words.unsure(path));
    const writer: Node & { readonly schema: JsonSchema } = { schema: sent.schema, root: sent.root };
    const look: Look = (one, other, below) =>
      this.gaps(one, other, path === "" ? below : `${path}.${below}`);
    if (sent.type === "object") gaps.push(...objectGaps(reader, writer, path, this.words, look));
    else if (sent.type === "array") gaps.push(...arrayGaps(reader, writer, path, this.words, look));
    else gaps.push(...scalarGaps(schema, sent, path, this.words));
    return gaps;
  }
}

/** What a schema that is nothing but a reference refers to: a recursive schema is to meet itself. */
function meaning(node: Node): Node {
  const { schema, root } = node;
  if (typeof schema === "boolean" || typeof schema["$ref"] !== "string") return node;
  const { $ref, ...rest } = schema;
  const found = allowsAll(rest) ? resolved($ref, root) : undefined;
  return found === undefined || found === schema ? node : { schema: found, root };
}

/** Keywords of a reader that are only found to be the same. */
const unlooked: readonly string[] = [
  "not",
  "if",
  "then",
  "else",
  "dependentSchemas",
  "dependentRequired",
  "contains",
  "minContains",
  "maxContains",
  "$dynamicRef",
];

/** Keywords that mean something only together with those beside them. */
const whole: readonly string[] = ["unevaluatedItems", "unevaluatedProperties"];

/** It says what is only judged where the writer says the same. */
function hard(schema: JsonSchema | boolean): boolean {
  if (typeof schema === "boolean") return false;
  return "oneOf" in schema || [...unlooked, ...whole].some((keyword) => keyword in schema);
}

/** The same, and saying the same in whatever document it stands. */
function sameAlone(one: unknown, other: unknown): boolean {
  return same(one, other) && !(JSON.stringify(one) ?? "").includes('"$ref"');
}

function hasType({ type }: JsonSchema, { type: sent, schema }: Sent): boolean {
  if (type === undefined) return true;
  const types = Array.isArray(type) ? (type as readonly unknown[]) : [type];
  if (types.includes(sent)) return true;
  if (sent === "integer") return types.includes("number");
  const { multipleOf } = schema;
  return sent === "number" && types.includes("integer") && Number.isInteger(multipleOf);
}

/** What several alternatives differ in alike is told once. */
function distinct(gaps: readonly Gap[]): readonly Gap[] {
  const known = new Map<string, Gap>();
  for (const gap of gaps) known.set(`${gap.path} ${gap.change} ${gap.verdict}`, gap);
  return [...known.values()];
}
