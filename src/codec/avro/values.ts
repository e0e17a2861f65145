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

/** The value that the library takes for a plain one. Throws a TypeError for what the schema does not describe. */
export function toAvro(node: Node, value: unknown): unknown {
  switch (node.kind) {
    case "json":
      return JSON.stringify(value);
    case "array":
      if (!Array.isArray(value)) throw misfit(node, value);
      return value.map((item) => toAvro(node.items, item));
    case "map":
      return toMap(node.values, value, node);
    case "record":
      return toRecord(node, value);
    case "union":
      return toBranch(node.branches, value);
    default:
      if (!fits(node, value)) throw misfit(node, value);
      return node.kind === "bytes" ? Buffer.from(value as string, "base64") : value;
  }
}

function toMap(values: Node, value: unknown, node: Node): unknown {
  if (!isObject(value)) throw misfit(node, value);
  const map: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (name === "__proto__") throw new TypeError("Avro carries no field that is called __proto__");
    map[name] = toAvro(values, field);
  }
  return map;
}

function toRecord(node: RecordNode, value: unknown): unknown {
  if (!isObject(value)) throw misfit(node, value);
  const record: Record<string, unknown> = {};
  for (const field of node.fields) {
    const { name, avroName } = field;
    const own = Object.hasOwn(value, name) ? value[name] : undefined;
    if (!field.optional) {
      if (own === undefined) throw new TypeError(`the field ${name} is missing`);
      record[avroName] = toAvro(field.node, own);
    } else record[avroName] = own === undefined ? null : toPresent(field, own);
  }
  return record;
}

function toPresent({ node }: FieldNode, value: unknown): unknown {
  if (value === null && branchesOf(node).some(({ kind }) => kind === "null"))
    return { [branchName(explicitNull)]: "NULL" };
  if (node.kind === "union") return toBranch(node.branches, value);
  return { [branchName(node)]: toAvro(node, value) };
}

function toBranch(branches: readonly Node[], value: unknown): unknown {
  const branch = branches.find((each) => fits(each, value));
  if (branch?.kind === "null") return null;
  if (branch === undefined) {
    const kinds = branches.map(({ kind }) => kind).join(", ");
    throw new TypeError(`a value fits none of ${kinds}`);
  }
  return { [branchName(branch)]: toAvro(branch, value) };
}

/** The plain value for one of the library. */
export function fromAvro(node: Node, value: unknown): unknown {
  switch (node.kind) {
    case "json":
      return JSON.parse(value as string) as unknown;
    case "bytes":
      return (value as Buffer).toString("base64");
    case "float":
    case "double":
      if (!Number.isFinite(value)) throw new RangeError("a number is none, or is infinite");
      return value === 0 ? 0 : value;
    case "array":
      return (value as readonly unknown[]).map((item) => fromAvro(node.items, item));
    case "map":
      return fromMap(node.values, value as Fields);
    case "record":
      return fromRecord(node, value as Fields);
    case "union":
      return fromBranch(node.branches, value as Fields | null);
    default:
      return value;
  }
}

function fromMap(values: Node, map: Fields): unknown {
  const value: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(map)) value[name] = fromAvro(values, field);
  return value;
}

function fromRecord(node: RecordNode, record: Fields): unknown {
  const value: Record<string, unknown> = {};
  for (const { name, avroName, node: type, optional } of node.fields) {
    const own = record[avroName];
    if (!optional) setField(value, name, fromAvro(type, own));
    else if (own !== null) setField(value, name, fromPresent(type, own as Fields));
  }
  return value;
}

function fromPresent(node: Node, wrapper: Fields): unknown {
  if (Object.hasOwn(wrapper, branchName(explicitNull))) return null;
  return fromBranch(branchesOf(node), wrapper);
}

function fromBranch(branches: readonly Node[], wrapper: Fields | null): unknown {
  if (wrapper === null) return null;
  const [name] = Object.keys(wrapper);
  const branch = branches.find((each) => branchName(each) === name)!;
  return fromAvro(branch, wrapper[name!]);
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Whether a value can be carried whole. */
function fits(node: Node, value: unknown): boolean {
  switch (node.kind) {
    case "null":
      return value === null;
    case "boolean":
    case "string":
      return typeof value === node.kind;
    case "int":
      return Number.isInteger(value) && (value as number) === ((value as number) | 0);
    case "long":
      return Number.isSafeInteger(value);
    case "float":
    case "double":
      return typeof value === "number";
    case "bytes":
      return typeof value === "string" && base64.test(value);
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
