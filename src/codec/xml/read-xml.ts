import { setField } from "../plain-value.ts";
import type { Expected, Kind } from "./expected.ts";
import { inferred, numberPattern } from "./inferred.ts";
import type { Element } from "./parse-xml.ts";

/** Attributes that say something of the value; those of namespaces are passed over, all others refused. */
const known: ReadonlySet<string> = new Set(["type", "key", "json-key", "escaped"]);

const kinds: ReadonlySet<string> = new Set([
  "null",
  "boolean",
  "number",
  "string",
  "array",
  "object",
]);

/** The value that an element stands for. */
export function readElement(element: Element, expected: Expected): unknown {
  const { name, attributes, text } = element;
  for (const attribute of attributes.keys())
    if (!known.has(attribute) && !/^xml(?:ns)?(?::|$)/.test(attribute))
      throw new SyntaxError(`<${name}> has an attribute ${attribute}, which means nothing here`);
  if (attributes.has("escaped")) return unescapedText(element);
  switch (kindOf(element, expected)) {
    case "object":
      return fieldsOf(element, expected);
    case "array":
      return itemsOf(element, expected);
    case "null":
      leaf(element);
      if (text.trim() !== "") throw misread(name, text, "null, which has nothing in it");
      return null;
    case "boolean":
      return booleanOf(name, leaf(element).trim());
    case "number":
      return numberOf(name, leaf(element).trim());
    default:
      return leaf(element);
  }
}

function kindOf({ name, attributes, children, text }: Element, expected: Expected): Kind {
  const type = attributes.get("type");
  if (type === undefined) return inferred(expected, children.length > 0, text);
  if (!kinds.has(type)) throw new SyntaxError(`<${name}> says that it is of type ${type}`);
  return type as Kind;
}

function fieldsOf(element: Element, expected: Expected): unknown {
  const fields: Record<string, unknown> = {};
  for (const child of childrenOf(element)) {
    const name = keyOf(child);
    if (Object.hasOwn(fields, name)) throw new SyntaxError(`<${element.name}> has ${name} twice`);
    setField(fields, name, readElement(child, expected.field(name)));
  }
  return fields;
}

function itemsOf(element: Element, expected: Expected): unknown[] {
  return childrenOf(element).map((child, index) => readElement(child, expected.item(index)));
}

/** The name of a field: that of its element, or what an `entry` says. */
function keyOf({ name, attributes }: Element): string {
  const json = attributes.get("json-key");
  return json === undefined ? (attributes.get("key") ?? name) : jsonText(json);
}

function childrenOf({ name, text, children }: Element): readonly Element[] {
  if (text.trim() === "") return children;
  throw misread(name, text, "its elements, between which no text may stand");
}

function leaf({ name, text, children }: Element): string {
  if (children.length === 0) return text;
  throw new SyntaxError(`<${name}> should hold a text, it holds elements`);
}

function unescapedText(element: Element): string {
  const { name, attributes } = element;
  const how = attributes.get("escaped");
  if (how !== "json") throw new SyntaxError(`<${name}> is escaped as ${how}, which is not known`);
  return jsonText(leaf(element));
}

function jsonText(text: string): string {
  const value: unknown = JSON.parse(text);
  if (typeof value === "string") return value;
  throw new SyntaxError("what is escaped as JSON is not a text");
}

function booleanOf(name: string, text: string): boolean {
  if (text === "true") return true;
  if (text === "false") return false;
  throw misread(name, text, "true or false");
}

function numberOf(name: string, text: string): number {
  const value = numberPattern.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw misread(name, text, "a number");
  return value === 0 ? 0 : value;
}

function misread(name: string, text: string, wanted: string): Error {
  return new SyntaxError(`<${name}> holds ${JSON.stringify(text.slice(0, 50))}, not ${wanted}`);
}
