import type { JsonSchema } from "../../base/contract-shape.ts";
import { typeOf } from "./accepts.ts";
import type { Gap, Verdict } from "./finding.ts";
import { namedIn, resolved, schemasIn, textsIn, type Node } from "./schema-node.ts";
import type { Sent } from "./sent.ts";

/** Looks at a schema within a schema, under a further piece of the path. */
export type Look = (reader: Node, writer: Node, below: string) => readonly Gap[];

/** Of a list of values or alternatives; more are not told. */
const toldMax = 8;
/** Of a value in a sentence: patterns can be long. */
const charsMax = 48;

/**
 * What has changed, said the same whichever version reads: so that the two directions of one change are one finding.
 */
export class Words {
  readonly #newer: boolean;

  constructor(readerIsNewer: boolean) {
    this.#newer = readerIsNewer;
  }

  /** A keyword with a value on each side; `undefined`: it is not there. */
  keyword(path: string, name: string, reader: unknown, writer: unknown, verdict: Verdict): Gap {
    const [was, is] = this.#newer ? [writer, reader] : [reader, writer];
    const change =
      was === undefined
        ? `${name} ${shown(is)} was added`
        : is === undefined
          ? `${name} ${shown(was)} was removed`
          : `${name} was ${shown(was)}, is ${shown(is)}`;
    return { path, change, verdict };
  }

  required(path: string, declared: boolean): Gap {
    const change = this.#newer
      ? declared
        ? "is required now"
        : "was added, and is required"
      : declared
        ? "is optional now"
        : "was removed, and was required";
    return { path, change, verdict: "breaks" };
  }

  /** The writer knows it, and the reader does not. */
  onlyWritten(path: string, needed: boolean, verdict: Verdict): Gap {
    const change = this.#newer
      ? `was removed${needed ? ", and was required" : ""}`
      : `was added${needed ? ", and is required" : ""}`;
    return { path, change, verdict };
  }

  /** The reader takes nothing of that type, or no such alternative. */
  refused(path: string, reader: Node, sent: Sent): Gap {
    const reads = typeText(reader.schema, reader.root);
    if (reads.split(" | ").includes(sent.type)) return this.#allows(path, alternative(sent));
    const [was, is] = this.#newer ? [sent.type, reads] : [reads, sent.type];
    return { path, change: `was ${was}, is ${is}`, verdict: "breaks" };
  }

  valuesRefused(path: string, { schema }: Sent, refused: readonly unknown[]): Gap {
    const whole = !("enum" in schema || "const" in schema);
    return this.#allows(path, whole ? typeOf(refused[0]) : listed(refused));
  }

  #allows(path: string, what: string): Gap {
    const change = `${this.#newer ? "no longer allows" : "also allows"} ${what}`;
    return { path, change, verdict: "breaks" };
  }

  unsure(path: string): Gap {
    return { path, change: "has changed in a way that cannot be judged", verdict: "unknown" };
  }
}

/** A value as JSON, short enough for a line. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}

/** An alternative by what tells it from others: `{ kind: "gift" }`. */
function alternative({ type, schema }: Sent): string {
  const fields = Object.entries(namedIn(schema["properties"])).flatMap(([name, field]) =>
    typeof field === "object" && field["const"] !== undefined
      ? [`${name}: ${shown(field["const"])}`]
      : [],
  );
  return fields.length > 0 ? `{ ${fields.join(", ")} }` : `another ${type}`;
}

function listed(values: readonly unknown[]): string {
  const told = values.slice(0, toldMax).map((value) => shown(value));
  const more = values.length - told.length;
  return `${told.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** What a schema takes, in a word or a few. */
function typeText(schema: JsonSchema | boolean, root: JsonSchema, depth: number = 0): string {
  if (typeof schema === "boolean") return schema ? "anything" : "nothing";
  const { $ref, type, enum: allowed, const: only, anyOf, oneOf } = schema;
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(allowed)) return listed(allowed);
  if (typeof $ref === "string" && depth < 4)
    return typeText(resolved($ref, root) ?? true, root, depth + 1);
  const choices = schemasIn(anyOf ?? oneOf).slice(0, toldMax);
  if (choices.length > 0 && depth < 4)
    return [...new Set(choices.map((each) => typeText(each, root, depth + 1)))].join(" | ");
  if (typeof type === "string") return type;
  return textsIn(type).length > 0 ? textsIn(type).join(" | ") : "anything";
}
