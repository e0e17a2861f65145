import { kindOf, type Expected } from "./expected.ts";
import { inferred } from "./inferred.ts";

/** Names that an element can have as they are; all others become the `key` of an `entry`. */
const elementName = /^(?!xml)[A-Za-z_][A-Za-z0-9._-]*$/i;

/** What XML 1.0 cannot say in any way. */
// oxlint-disable-next-line no-control-regex -- those are the characters
const unspeakable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Writes a plain value as an element. */
export function writeElement(name: string, value: unknown, expected: Expected): string {
  return element(name, "", value, expected);
}

/** True for a name that the element of a field can have. */
function named(name: string): boolean {
  return elementName.test(name) && !(name in Object.prototype) && name !== "prototype";
}

function field(name: string, value: unknown, expected: Expected): string {
  if (named(name)) return element(name, "", value, expected);
  const key = spoken(name) ? ` key="${attribute(name)}"` : ` json-key="${attribute(json(name))}"`;
  return element("entry", key, value, expected);
}

function element(name: string, key: string, value: unknown, expected: Expected): string {
  const kind = kindOf(value);
  let content: string;
  let text = "";
  let type = "";
  if (kind === "array") {
    const items = value as readonly unknown[];
    content = items.map((item, index) => element("item", "", item, expected.item(index))).join("");
  } else if (kind === "object") {
    content = "";
    for (const [member, each] of Object.entries(value as object))
      content += field(member, each, expected.field(member));
  } else {
    text = kind === "null" ? "" : String(value);
    if (spoken(text)) content = escaped(text);
    else {
      content = escaped(json(text));
      type = ` escaped="json"`;
    }
  }
  const parent = content !== "" && (kind === "array" || kind === "object");
  if (type === "" && inferred(expected, parent, text) !== kind) type = ` type="${kind}"`;
  return content === "" ? `<${name}${key}${type}/>` : `<${name}${key}${type}>${content}</${name}>`;
}

function spoken(text: string): boolean {
  unspeakable.lastIndex = 0;
  return !unspeakable.test(text);
}

/** The text of JSON for it, which needs nothing that XML cannot say. */
function json(text: string): string {
  return JSON.stringify(text).replace(
    unspeakable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** A carriage return would be read as the end of a line. */
function escaped(text: string): string {
  return /[&<>\r]/.test(text) ? text.replaceAll(/[&<>\r]/g, (each) => escapes[each]!) : text;
}

function attribute(text: string): string {
  return text.replaceAll(/[&<>"\t\n\r]/g, (each) => escapes[each]!);
}
