import { setField } from "../plain-value.ts";
import {
  branchesOf,
  branchName,
  explicitNull,
  type FieldNode,
  type Node,
  type RecordNode,
} from "./node.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Turns plain values into those that the library takes, and back. `namespace` begins the names of all branches. */
export class Values {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Throws a TypeError for what the schema does not describe. */
  toAvro(node: Node, value: unknown): unknown {
    switch (node.kind) {
      case "json":
        return JSON.stringify(value);
      case "array":
        if (!Array.isArray(value)) throw misfit(node, value);
        return value.map((item) => this.toAvro(node.items, item));
      case "map":
        return this.#toMap(node.values, value, node);
      case "record":
        return this.#toRecord(node, value);
      case "union":
        return this.#toBranch(node.branches, value);
      default:
        if (!fits(node, value)) throw misfit(node, value);
        return value;
    }
  }

  #toMap(values: Node, value: unknown, node: Node): unknown {
    if (!isObject(value)) throw misfit(node, value);
    const map: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(value)) {
      if (name === "__proto__")
        throw new TypeError("Avro carries no field that is called __proto__");
      map[name] = this.toAvro(values, field);
    }
    return map;
  }

  #toRecord(node: RecordNode, value: unknown): unknown {
    if (!isObject(value)) throw misfit(node, value);
    const record: Record<string, unknown> = {};
    for (const field of node.fields) {
      const { name, avroName } = field;
      const own = Object.hasOwn(value, name) ? value[name] : undefined;
      if (!field.optional) {
        if (own === undefined) throw new TypeError(`the field ${name} is missing`);
        record[avroName] = this.toAvro(field.node, own);
      } else record[avroName] = own === undefined ? null : this.#toPresent(field, own);
    }
    return record;
  }

  #toPresent({ node }: FieldNode, value: unknown): unknown {
    if (value === null && branchesOf(node).some(({ kind }) => kind === "null"))
      return { [branchName(explicitNull, this.#namespace)]: "NULL" };
    if (node.kind === "union") return this.#toBranch(node.branches, value);
    return { [branchName(node, this.#namespace)]: this.toAvro(node, value) };
  }

  #toBranch(branches: readonly Node[], value: unknown): unknown {
    if (value === null && branches[0]?.kind === "null") return null;
    const branch = branches.find((each) => fits(each, value));
    if (branch === undefined) {
      const kinds = branches.map(({ kind }) => kind).join(", ");
      throw new TypeError(`a value fits none of ${kinds}`);
    }
    return { [branchName(branch, this.#namespace)]: this.toAvro(branch, value) };
  }

  fromAvro(node: Node, value: unknown): unknown {
    switch (node.kind) {
      case "json":
        return JSON.parse(value as string) as unknown;
      case "double":
        if (!Number.isFinite(value)) throw new RangeError("a number is none, or is infinite");
        return value === 0 ? 0 : value;
      case "array":
        return (value as readonly unknown[]).map((item) => this.fromAvro(node.items, item));
      case "map":
        return this.#fromMap(node.values, value as Fields);
      case "record":
        return this.#fromRecord(node, value as Fields);
      case "union":
        return this.#fromBranch(node.branches, value as Fields | null);
      default:
        return value;
    }
  }

  #fromMap(values: Node, map: Fields): unknown {
    const value: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(map)) value[name] = this.fromAvro(values, field);
    return value;
  }

  #fromRecord(node: RecordNode, record: Fields): unknown {
    const value: Record<string, unknown> = {};
    for (const { name, avroName, node: type, optional } of node.fields) {
      const own = record[avroName];
      if (!optional) setField(value, name, this.fromAvro(type, own));
      else if (own !== null) setField(value, name, this.#fromPresent(type, own as Fields));
    }
    return value;
  }

  #fromPresent(node: Node, wrapper: Fields): unknown {
    if (Object.hasOwn(wrapper, branchName(explicitNull, this.#namespace))) return null;
    return this.#fromBranch(branchesOf(node), wrapper);
  }

  #fromBranch(branches: readonly Node[], wrapper: Fields | null): unknown {
    if (wrapper === null) return null;
    const [name] = Object.keys(wrapper);
    const branch = branches.find((each) => branchName(each, this.#namespace) === name)!;
    return this.fromAvro(branch, wrapper[name!]);
  }
}

/** Whether a value can be carried whole. */
function fits(node: Node, value: unknown): boolean {
  switch (node.kind) {
    case "null":
      return value === null;
    case "boolean":
    case "string":
      return typeof value === node.kind;
    case "long":
      return Number.isSafeInteger(value);
    case "double":
      return typeof value === "number";
    case "enum":
      return node.symbols.includes(value as string);
    case "array":
      return Array.isArray(value) && value.every((item) => fits(node.items, item));
    case "map":
      return isObject(value) && Object.values(value).every((field) => fits(node.values, field));
    case "record":
      return isObject(value) && fitsRecord(node, value);
    case "union":
      return node.branches.some((branch) => fits(branch, value));
    case "json":
      return true;
  }
}

function fitsRecord({ fields }: RecordNode, value: Fields): boolean {
  let found = 0;
  for (const { name, node, optional } of fields) {
    const own = Object.hasOwn(value, name) ? value[name] : undefined;
    if (own === undefined ? !optional : !fits(node, own)) return false;
    if (own !== undefined) found++;
  }
  return found === Object.keys(value).length;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function misfit({ kind }: Node, value: unknown): TypeError {
  const given = value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`;
  return new TypeError(`${given} stands where the contract says ${kind}`);
}
