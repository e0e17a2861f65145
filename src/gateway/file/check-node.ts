import type { JsonSchema } from "../../base/contract-shape.ts";
import type { FileProblem, JsonNode } from "./json-node.ts";

/**
 * What is wrong with a value by a schema, each with its place. Of JSON Schema 2020-12 it reads `type`, `enum`, `properties`,
 * `required`, `additionalProperties`, `minProperties`, `items`, `minItems`, `minimum`, `maximum`, `exclusiveMinimum`, `pattern`, `anyOf` and `$ref` into `$defs`.
 */
export function checkNode(schema: JsonSchema, node: JsonNode): FileProblem[] {
  return new Check((schema["$defs"] ?? {}) as Readonly<Record<string, JsonSchema>>).node(
    schema,
    node,
    "",
  );
}

class Check {
  readonly #defined: Readonly<Record<string, JsonSchema>>;

  constructor(defined: Readonly<Record<string, JsonSchema>>) {
    this.#defined = defined;
  }

  node(given: JsonSchema, node: JsonNode, name: string): FileProblem[] {
    const schema = this.#resolved(given);
    const { type, anyOf, enum: allowed } = schema;
    if (Array.isArray(anyOf)) return this.#any(anyOf as JsonSchema[], node, name);
    if (typeof type === "string" && types[type]?.(node.value) !== true)
      return [problem(node, `${shown(name)} must be ${words[type] ?? type}, not ${told(node)}`)];
    if (Array.isArray(allowed) && !allowed.includes(node.value))
      return [
        problem(
          node,
          `${shown(name)} is one of ${allowed.map((one) => JSON.stringify(one)).join(", ")}, not ${told(node)}`,
        ),
      ];
    const { value, members, items } = node;
    if (typeof value === "number") return this.#number(schema, value, node, name);
    if (typeof value === "string") return this.#text(schema, value, node, name);
    if (items !== undefined) return this.#array(schema, items, node, name);
    return members === undefined ? [] : this.#object(schema, members, node, name);
  }

  #resolved(schema: JsonSchema): JsonSchema {
    const reference = schema["$ref"];
    if (typeof reference !== "string") return schema;
    return this.#defined[reference.slice("#/$defs/".length)] ?? {};
  }

  /** What is nearest is told: that whose type fits. */
  #any(choices: readonly JsonSchema[], node: JsonNode, name: string): FileProblem[] {
    const results = choices.map((choice) => this.node(choice, node, name));
    if (results.some((found) => found.length === 0)) return [];
    const fitting = choices.findIndex((choice) => {
      const { type } = this.#resolved(choice);
      return typeof type === "string" && types[type]?.(node.value) === true;
    });
    if (fitting >= 0) return results[fitting]!;
    const kinds = choices.map(
      (choice) => words[String(this.#resolved(choice)["type"])] ?? "a value",
    );
    return [
      problem(
        node,
        `${shown(name)} must be ${[...new Set(kinds)].join(" or ")}, not ${told(node)}`,
      ),
    ];
  }

  #number(schema: JsonSchema, value: number, node: JsonNode, name: string): FileProblem[] {
    const { minimum, maximum, exclusiveMinimum } = schema;
    const bad = (text: string): FileProblem[] => [
      problem(node, `${shown(name)} must be ${text}, not ${value}`),
    ];
    if (typeof minimum === "number" && value < minimum) return bad(`at least ${minimum}`);
    if (typeof maximum === "number" && value > maximum) return bad(`at most ${maximum}`);
    if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum)
      return bad(`more than ${exclusiveMinimum}`);
    return [];
  }

  #text(
    { pattern, description }: JsonSchema,
    value: string,
    node: JsonNode,
    name: string,
  ): FileProblem[] {
    if (typeof pattern !== "string" || new RegExp(pattern, "u").test(value)) return [];
    const how = typeof description === "string" ? description : `text like ${pattern}`;
    return [problem(node, `${shown(name)} must be ${how}, not ${told(node)}`)];
  }

  #array(
    schema: JsonSchema,
    items: readonly JsonNode[],
    node: JsonNode,
    name: string,
  ): FileProblem[] {
    const { minItems, items: one } = schema;
    if (typeof minItems === "number" && items.length < minItems)
      return [problem(node, `${shown(name)} must have at least ${minItems} item`)];
    if (typeof one !== "object" || one === null) return [];
    return items.flatMap((item, index) => this.node(one as JsonSchema, item, `${name}[${index}]`));
  }

  #object(
    schema: JsonSchema,
    members: ReadonlyMap<string, JsonNode>,
    node: JsonNode,
    name: string,
  ): FileProblem[] {
    const { additionalProperties: others, required = [], minProperties = 0 } = schema;
    const known = (schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>;
    const problems: FileProblem[] = [];
    for (const missing of required as readonly string[]) {
      if (!members.has(missing)) problems.push(problem(node, `${shown(name)} has no "${missing}"`));
    }
    if (members.size < Number(minProperties))
      problems.push(
        problem(node, `${shown(name)} must have at least ${Number(minProperties)} member`),
      );
    for (const [member, found] of members) {
      const path = name === "" ? member : `${name}.${member}`;
      if (Object.hasOwn(known, member)) problems.push(...this.node(known[member]!, found, path));
      else if (others === false)
        problems.push(
          problem(
            found,
            `${shown(name)} has no member "${member}"; there are ${Object.keys(known).join(", ")}`,
          ),
        );
      else if (typeof others === "object" && others !== null)
        problems.push(...this.node(others as JsonSchema, found, path));
    }
    return problems;
  }
}

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

const words: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};

function problem({ line, column }: JsonNode, reason: string): FileProblem {
  return { line, column, reason };
}

function shown(name: string): string {
  return name === "" ? "the file" : name;
}

/** A value in few words. */
function told({ value }: JsonNode): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
