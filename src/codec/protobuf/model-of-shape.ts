import { systemError } from "../../base/error.ts";
import { isBytes, type JsonSchema } from "../../base/contract-shape.ts";
import {
  anything,
  commented,
  nothing,
  one,
  ruleOf,
  sameScalar,
  typeName,
  typeOfConstant,
  type Described,
} from "./described.ts";
import type { EnumModel, FieldModel, FieldType, MessageModel, ProtoModel, Rule } from "./model.ts";
import { jsonNameOf, pascal, snake, unique, upperSnake, valuePrefix } from "./names.ts";
import {
  contentOf,
  propertiesOf,
  requiredOf,
  resolved,
  textOf,
  type Root,
} from "./schema-reading.ts";
import {
  integerOf,
  isFixedObject,
  isMixed,
  isNull,
  literalsOf,
  othersOf,
  spread,
} from "./schema-kinds.ts";
import { chooser, tagged, variantName } from "./variants.ts";

/** What the oneof of a union is called. */
const unionOneof = "kind";

/** Makes messages and enums from the schemas of a contract, each with a name of its own. */
export class ModelMaker {
  readonly #messages: MessageModel[] = [];
  readonly #enums: EnumModel[] = [];
  readonly #names = new Set<string>();
  /** Values of enums stand beside them, as names of the whole package. */
  readonly #valueNames = new Set<string>();
  /** What a schema has become, for those that hold themselves. */
  readonly #made = new Map<JsonSchema, FieldType>();
  /** What a named schema has become, for those that several payloads share. */
  readonly #shared = new Map<string, FieldType>();
  /** Lists, maps and values that may be null, by what is in them. */
  readonly #wrappers = new Map<string, MessageModel>();
  readonly #open = new Set<JsonSchema>();

  /** Names that belong to others are kept free: those of payloads. */
  constructor(reserved: Iterable<string>) {
    for (const name of reserved) this.#names.add(name);
  }

  /** What the payloads need; a thought that was given up leaves nothing. */
  model(packageName: string, payloads: readonly MessageModel[]): ProtoModel {
    const needed = new Set<MessageModel | EnumModel>();
    const need = (message: MessageModel): void => {
      if (needed.has(message)) return;
      needed.add(message);
      for (const { type } of message.fields) {
        if (type.kind === "message") need(type.message);
        if (type.kind === "enum") needed.add(type.enum);
      }
    };
    payloads.forEach(need);
    return {
      package: packageName,
      messages: this.#messages.filter((message) => needed.has(message)),
      enums: this.#enums.filter((each) => needed.has(each)),
    };
  }

  /**
   * The message that is a payload as a whole: the fields of an object, or one field `value`; no fields where the contract
   * declares nothing.
   */
  payload(name: string, schema: JsonSchema | undefined): MessageModel {
    const { schema: top } = (schema && resolved(schema, schema)) ?? { schema };
    const message: MessageModel = { name, form: "object", fields: [], ...commented(top) };
    this.#messages.push(message);
    if (schema === undefined) return Object.assign(message, { form: "nothing" as const });
    this.#made.clear(); // what lies in another payload is not the same
    if (top !== undefined && isFixedObject(top)) {
      this.#made.set(top, { kind: "message", message });
      this.#fill(message, top, schema);
      return message;
    }
    const variants = top && spread(top);
    if (variants !== undefined && isMixed(variants, schema)) {
      this.#made.set(top!, { kind: "message", message });
      message.form = "union";
      if (this.#fillUnion(message, variants, schema)) return message;
      this.#made.delete(top!);
    }
    const described = isBytes(schema)
      ? one({ kind: "scalar", scalar: "bytes" })
      : this.#describe(schema, schema, `${name}Value`);
    const plain = described.kind === "one" || described.nullable;
    const field = this.#field("value", described, plain, "value");
    return Object.assign(message, { form: "only" as const, fields: [field] });
  }

  /** Two payloads that travel as one message: what an upload begins with, and its items. */
  parts(
    name: string,
    head: JsonSchema,
    item: JsonSchema | undefined,
  ): { readonly whole: MessageModel; readonly head: MessageModel; readonly item: MessageModel } {
    const heads = this.payload(`${name}Head`, head);
    const items = this.payload(`${name}Item`, item);
    const member = (key: string, message: MessageModel, number: number): FieldModel => ({
      key,
      name: key,
      number,
      type: { kind: "message", message },
      rule: "optional",
      oneof: "part",
    });
    const whole: MessageModel = {
      name,
      form: "union",
      fields: [member("head", heads, 1), member("item", items, 2)],
      comment: "First the head, then the items.",
    };
    this.#messages.push(whole);
    return { whole, head: heads, item: items };
  }

  #fill(message: MessageModel, schema: JsonSchema, root: Root): void {
    const required = new Set(requiredOf(schema));
    const names = new Set<string>();
    const properties = Object.entries(propertiesOf(schema));
    const jsonNames = new Set(properties.map(([key]) => key));
    const fields: FieldModel[] = [];
    for (const [key, told] of properties) {
      if (key === "__proto__") refuse(`${message.name} has a property __proto__`);
      const described = this.#describe(told, root, `${message.name}${pascal(key)}`);
      const name = unique(snake(key) || "field", names, "_");
      const jsonName = speakable.test(key) ? key : unique(jsonNameOf(name), jsonNames);
      fields.push({ ...this.#field(key, described, !required.has(key), name, told), jsonName });
    }
    const others = othersOf(schema);
    if (others !== undefined) {
      const item = this.#describe(others, root, `${message.name}Other`);
      message.others = Object.hasOwn(propertiesOf(schema), "*") ? "**" : "*";
      fields.push(
        this.#field(
          message.others,
          { kind: "map", item, nullable: false },
          false,
          unique("others", names, "_"),
        ),
      );
    }
    message.fields = fields;
  }

  #field(
    key: string,
    described: Described,
    optional: boolean,
    name: string,
    schema?: JsonSchema,
  ): FieldModel {
    const common = { key, name, number: 0, ...commented(schema) };
    if (described.kind !== "one" && !described.nullable && !optional) {
      const type = this.#single(described.item);
      if (described.kind === "list") return { ...common, type, rule: "repeated" };
      return { ...common, type, rule: "map", mapKey: "string" };
    }
    if (described.nullable && optional)
      return { ...common, type: this.#single(described), rule: "optional" };
    const type = this.#single({ ...described, nullable: false });
    return { ...common, type, rule: ruleOf(type, optional, described.nullable) };
  }

  /** As the one type that a field, an item or a member of a oneof can have. */
  #single(described: Described): FieldType {
    if (described.nullable) {
      const inner = this.#single({ ...described, nullable: false });
      return this.#wrapper(`Nullable${typeName(inner)}`, inner, "value", "nullable");
    }
    if (described.kind === "one") return described.type;
    const item = this.#single(described.item);
    return described.kind === "list"
      ? this.#wrapper(`${typeName(item)}List`, item, "items", "repeated")
      : this.#wrapper(`${typeName(item)}Map`, item, "entries", "map");
  }

  #wrapper(name: string, type: FieldType, key: string, rule: Rule): FieldType {
    let message = this.#wrappers.get(name);
    if (message === undefined) {
      const field: FieldModel = {
        key,
        name: key,
        number: 0,
        type,
        rule,
        ...(rule === "map" ? { mapKey: "string" as const } : {}),
      };
      message = { name: unique(name, this.#names), form: "only", fields: [field] };
      this.#wrappers.set(name, message);
      this.#messages.push(message);
    }
    return { kind: "message", message };
  }

  #describe(given: unknown, root: Root, hint: string): Described {
    const found = resolved(given, root);
    if (found === undefined) return one(anything);
    const { schema, name } = found;
    const known = this.#made.get(schema);
    if (known !== undefined) return one(known);
    // A list of lists of itself has no end that a name could stand for.
    if (this.#open.has(schema)) return one(anything);
    this.#open.add(schema);
    try {
      return this.#describeOpen(schema, root, hint, name ?? textOf(schema["title"]));
    } finally {
      this.#open.delete(schema);
    }
  }

  #describeOpen(schema: JsonSchema, root: Root, hint: string, name: string | undefined): Described {
    const variants = spread(schema);
    if (variants !== undefined) return this.#union(variants, schema, root, hint, name);
    const { type, enum: allowed } = schema;
    if (Array.isArray(allowed)) return this.#enum(allowed, schema, hint, name);
    if ("const" in schema) return one(typeOfConstant(schema["const"]));
    switch (type) {
      case "string":
        return one({ kind: "scalar", scalar: "string" });
      case "boolean":
        return one({ kind: "scalar", scalar: "bool" });
      case "number":
        return one({ kind: "scalar", scalar: "double" });
      case "integer":
        return one({ kind: "scalar", scalar: integerOf(schema) });
      case "null":
        return one(nothing);
      case "array":
        return this.#array(schema, root, hint, name);
      case "object":
        return this.#object(schema, root, hint, name);
      default:
        return one(anything);
    }
  }

  #array(schema: JsonSchema, root: Root, hint: string, name: string | undefined): Described {
    const { prefixItems, items, minItems, maxItems } = schema;
    if (!Array.isArray(prefixItems)) {
      return { kind: "list", item: this.#describe(items, root, `${hint}Item`), nullable: false };
    }
    const closed = items === false || maxItems === prefixItems.length;
    // Of a shorter one nobody could say where it ends.
    if (minItems !== prefixItems.length) return one(anything);
    return one(
      this.#message(schema, root, hint, name, "tuple", (message) => {
        const fields = prefixItems.map((item: JsonSchema, index) =>
          this.#field(
            String(index),
            this.#describe(item, root, `${message.name}Item${index + 1}`),
            false,
            `item_${index + 1}`,
            item,
          ),
        );
        if (!closed) {
          const item = this.#describe(items, root, `${message.name}Rest`);
          fields.push(this.#field("rest", { kind: "list", item, nullable: false }, false, "rest"));
        }
        message.fields = fields;
      }),
    );
  }

  #object(schema: JsonSchema, root: Root, hint: string, name: string | undefined): Described {
    if (isFixedObject(schema)) {
      const fill = (message: MessageModel): void => this.#fill(message, schema, root);
      return one(this.#message(schema, root, hint, name, "object", fill));
    }
    const item = this.#describe(othersOf(schema) ?? true, root, `${hint}Entry`);
    return { kind: "map", item, nullable: false };
  }

  #enum(
    allowed: readonly unknown[],
    schema: JsonSchema,
    hint: string,
    name: string | undefined,
  ): Described {
    const some = allowed.filter((value) => value !== null);
    const nullable = some.length < allowed.length;
    if (some.length === 0) return one(nothing);
    if (!some.every((value) => typeof value === "string"))
      return { ...one(typeOfConstant(...some)), nullable };
    const content = JSON.stringify(some);
    const known = name === undefined ? undefined : this.#shared.get(`${name} ${content}`);
    if (known !== undefined) return { ...one(known), nullable };
    const own = unique((name && pascal(name)) || hint, this.#names);
    const prefix = valuePrefix(own);
    const valueNamed = (word: string): string =>
      unique(`${prefix}${word || "EMPTY"}`, this.#valueNames, "_");
    const unspecified = { value: undefined, name: valueNamed("UNSPECIFIED"), number: 0 };
    const values = [...new Set(some)].map((value) => ({
      value,
      name: valueNamed(upperSnake(value)),
      number: 0,
    }));
    const made: EnumModel = { name: own, values: [unspecified, ...values], ...commented(schema) };
    this.#enums.push(made);
    const type: FieldType = { kind: "enum", enum: made };
    if (name !== undefined) this.#shared.set(`${name} ${content}`, type);
    return { ...one(type), nullable };
  }

  #union(
    variants: readonly unknown[],
    schema: JsonSchema,
    root: Root,
    hint: string,
    name: string | undefined,
  ): Described {
    const some = variants.filter((variant) => !isNull(variant));
    const nullable = some.length < variants.length;
    if (some.length === 1) {
      const only = this.#describe(some[0], root, hint);
      return { ...only, nullable: nullable || only.nullable };
    }
    const literals = some.flatMap(
      (variant): readonly unknown[] => literalsOf(variant, root) ?? [undefined],
    );
    if (some.length === 0) return one(nothing);
    if (!literals.includes(undefined)) {
      const told = this.#enum(literals, schema, hint, name);
      return { ...told, nullable: nullable || told.nullable };
    }
    let closed = true;
    const type = this.#message(schema, root, hint, name, "union", (message) => {
      closed = this.#fillUnion(message, some, root);
    });
    if (closed) return { ...one(type), nullable };
    this.#made.set(schema, anything);
    return one(anything);
  }

  /** A field for each variant; false: one of them can be anything, so that all is anything. */
  #fillUnion(message: MessageModel, variants: readonly unknown[], root: Root): boolean {
    const names = new Set<string>([unionOneof]);
    const fields: FieldModel[] = [];
    const schemas: unknown[] = [];
    const tag = tagged(variants, root);
    for (const [index, variant] of variants.entries()) {
      const word = variantName(variant, root, tag?.names[index]);
      const described = this.#describe(variant, root, `${message.name}${pascal(word)}`);
      const type = this.#single(described);
      if (type === anything) return false;
      if (fields.some((field) => sameScalar(field.type, type))) continue;
      const name = unique(snake(word) || "value", names, "_");
      fields.push({ key: name, name, number: 0, type, rule: "optional", oneof: unionOneof });
      schemas.push(variant);
    }
    message.fields = fields;
    message.choose = chooser(fields, schemas, root);
    return true;
  }

  /** A message of its own, or the one that the same schema has become already. */
  #message(
    schema: JsonSchema,
    root: Root,
    hint: string,
    name: string | undefined,
    form: MessageModel["form"],
    fill: (message: MessageModel) => void,
  ): FieldType {
    const content = name === undefined ? undefined : `${name} ${contentOf(schema, root)}`;
    const known = content === undefined ? undefined : this.#shared.get(content);
    if (known !== undefined) return known;
    const own = unique((name && pascal(name)) || hint, this.#names);
    const message: MessageModel = { name: own, form, fields: [], ...commented(schema) };
    const type: FieldType = { kind: "message", message };
    this.#made.set(schema, type);
    if (content !== undefined) this.#shared.set(content, type);
    this.#messages.push(message);
    fill(message);
    return type;
  }
}

/** A text that a .proto file can say: then the JSON of Protobuf calls a field as the contract does. */
const speakable = /^[^\p{C}"\\[\]]+$/u;

function refuse(reason: string): never {
  throw systemError("INVALID_ARGUMENT", `${reason}, which Protobuf cannot carry`, {
    executed: "no",
  });
}
