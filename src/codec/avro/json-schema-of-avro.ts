import type { JsonSchema } from "../../base/contract-shape.ts";
import { systemError } from "../../base/error.ts";
import type { AvroSchema } from "./payload-schema.ts";
import { avroKeyword } from "./plan.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema of values that a schema of Avro describes, to declare a contract with: `jsonSchema(jsonSchemaOfAvro(…))`.
 * `avro()` makes the same schema of it again. Named types become `$defs`; bytes are texts in base64.
 *
 * @throws TrunklineError INVALID_ARGUMENT for what is no schema of Avro, and for `fixed`, which has no counterpart.
 */
export function jsonSchemaOfAvro(schema: AvroSchema): JsonSchema {
  return new Import().document(schema);
}

const primitives: Readonly<Record<string, JsonSchema>> = {
  null: { type: "null" },
  boolean: { type: "boolean" },
  string: { type: "string" },
  int: { type: "integer", minimum: -(2 ** 31), maximum: 2 ** 31 - 1, [avroKeyword]: "int" },
  long: { type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  float: { type: "number", [avroKeyword]: "float" },
  double: { type: "number" },
  bytes: { type: "string", contentEncoding: "base64", [avroKeyword]: "bytes" },
};

class Import {
  /** By name in `$defs`. */
  readonly #definitions: Record<string, JsonSchema> = {};
  /** The name in `$defs` by the full name in Avro. */
  readonly #defined = new Map<string, string>();

  document(schema: unknown): JsonSchema {
    const root = this.#schema(schema, "");
    if (Object.keys(this.#definitions).length === 0) return root;
    return { ...root, $defs: this.#definitions };
  }

  /** `namespace` is that of the type around. */
  #schema(schema: unknown, namespace: string): JsonSchema {
    if (Array.isArray(schema)) return this.#union(schema, namespace);
    if (typeof schema === "string") return this.#named(schema, namespace);
    if (typeof schema !== "object" || schema === null) throw refusal(JSON.stringify(schema));
    const own = schema as Fields;
    const { type, logicalType } = own;
    if (type === "string" && logicalType === "json") return {};
    switch (type) {
      case "array":
        return { type: "array", items: this.#schema(own["items"], namespace) };
      case "map":
        return { type: "object", additionalProperties: this.#schema(own["values"], namespace) };
      case "record":
      case "error":
      case "enum":
        return this.#define(own, namespace);
      case "fixed":
        throw refusal(`fixed ${String(own["name"])}: take bytes`);
      default:
        return { ...this.#schema(type, namespace), ...remarkOf(own) };
    }
  }

  #named(name: string, namespace: string): JsonSchema {
    const primitive = Object.hasOwn(primitives, name) ? primitives[name] : undefined;
    if (primitive !== undefined) return primitive;
    const definition = this.#defined.get(fullName(name, namespace)) ?? this.#defined.get(name);
    if (definition === undefined) throw refusal(`there is no type ${name}`);
    return { $ref: `#/$defs/${definition}` };
  }

  #union(branches: readonly unknown[], namespace: string): JsonSchema {
    const schemas = branches.map((branch) => this.#schema(branch, namespace));
    return schemas.length === 1 ? schemas[0]! : { anyOf: schemas };
  }

  #define(own: Fields, around: string): JsonSchema {
    const { name, type, symbols } = own;
    if (typeof name !== "string" || name === "") throw refusal("a record or enum without a name");
    const full = fullName(name, typeof own["namespace"] === "string" ? own["namespace"] : around);
    const namespace = full.slice(0, Math.max(0, full.lastIndexOf(".")));
    const definition = this.#definitionName(full);
    this.#defined.set(full, definition);
    const head = { ...remarkOf(own), [avroKeyword]: full };
    this.#definitions[definition] = head; // its place; it may refer to itself
    if (type === "enum") {
      if (!Array.isArray(symbols)) throw refusal(`the enum ${full} has no symbols`);
      this.#definitions[definition] = { type: "string", enum: symbols, ...head };
    } else {
      this.#definitions[definition] = { ...this.#fields(own, full, namespace), ...head };
    }
    return { $ref: `#/$defs/${definition}` };
  }

  #fields({ fields }: Fields, full: string, namespace: string): JsonSchema {
    if (!Array.isArray(fields)) throw refusal(`the record ${full} has no fields`);
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const field of fields as readonly Fields[]) {
      const name = field["jsonName"] ?? field["name"];
      if (typeof name !== "string") throw refusal(`a field of ${full} has no name`);
      const { type } = field;
      // Null stands for a field that is absent, as `avro()` writes it.
      const optional = Array.isArray(type) && type[0] === "null" && field["default"] === null;
      const schema = this.#schema(optional ? presentOf(type) : type, namespace);
      properties[name] = { ...schema, ...remarkOf(field) };
      if (!optional) required.push(name);
    }
    return { type: "object", properties, required };
  }

  #definitionName(full: string): string {
    if (this.#defined.has(full)) throw refusal(`the type ${full} is there twice`);
    const simple = full.slice(full.lastIndexOf(".") + 1);
    return Object.hasOwn(this.#definitions, simple) ? full.replaceAll(".", "_") : simple;
  }
}

/** What a field may be that is there: our own sign for a null that is one becomes null. */
function presentOf(branches: readonly unknown[]): readonly unknown[] {
  return branches.slice(1).map((branch) => (isExplicitNull(branch) ? "null" : branch));
}

function isExplicitNull(branch: unknown): boolean {
  if (typeof branch === "string") return branch === "trunkline.ExplicitNull";
  const { name, namespace } = (branch ?? {}) as Fields;
  return name === "ExplicitNull" && namespace === "trunkline";
}

function remarkOf({ doc, logicalType }: Fields): JsonSchema {
  const remarks = [doc, logicalType].filter((each) => typeof each === "string");
  return remarks.length === 0 ? {} : { description: remarks.join(" · ") };
}

function fullName(name: string, namespace: string): string {
  return name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
}

function refusal(what: string): Error {
  return systemError("INVALID_ARGUMENT", `this is no schema of Avro that can be taken: ${what}`, {
    executed: "no",
  });
}
