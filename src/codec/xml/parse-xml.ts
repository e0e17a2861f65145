import { XMLParser, XMLValidator } from "fast-xml-parser";
import { depthMax } from "../plain-value.ts";

/** An element, as far as values need it. */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  /** What stands between its children, or in it where there are none. */
  readonly text: string;
}

/** The node that the library makes: its name with what is in it, and its attributes. */
type Node = Readonly<Record<string, unknown>>;

const [attributesKey, textKey, cdataKey] = [":@", "#text", "#cdata"];

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  textNodeName: textKey,
  cdataPropName: cdataKey,
  parseTagValue: false,
  trimValues: false,
  processEntities: false, // ours are the five, and characters by number
  ignoreDeclaration: true,
  ignorePiTags: true,
  jPath: false,
  maxNestedTags: depthMax + 1,
  onDangerousProperty: (name) => name, // nothing is made of names here
});

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** What no document of XML 1.0 holds. */
// oxlint-disable-next-line no-control-regex -- those are the characters
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/**
 * Reads a document of UTF-8 without a document type: no entities but the five of XML, nothing from elsewhere. Throws for
 * whatever is not well formed, or is deeper than `depthMax`.
 */
export function parseXml(bytes: Uint8Array): Element {
  const text = utf8.decode(bytes);
  if (forbidden.test(text)) throw new SyntaxError("a character that XML does not allow");
  checkProlog(text);
  const validity = XMLValidator.validate(text);
  if (validity !== true) throw new SyntaxError(`${validity.err.msg} (line ${validity.err.line})`);
  const nodes = parser.parse(text) as readonly Node[];
  const roots = nodes.filter((node) => !(textKey in node));
  if (roots.length !== 1) throw new SyntaxError("a document has one root");
  return elementOf(roots[0]!);
}

/** Before the root there may be the declaration, comments and instructions; a document type is refused. */
function checkProlog(text: string): void {
  const encoding = /^<\?xml[^>]*encoding\s*=\s*["']([^"']*)/.exec(text)?.[1] ?? "utf-8";
  if (!/^(?:utf-8|us-ascii)$/i.test(encoding)) throw new SyntaxError(`the encoding is not UTF-8`);
  let at = 0;
  for (;;) {
    while (/\s/.test(text[at] ?? "")) at++;
    const end = text.startsWith("<?", at) ? "?>" : text.startsWith("<!--", at) ? "-->" : undefined;
    if (end === undefined) break;
    const found = text.indexOf(end, at);
    if (found < 0) throw new SyntaxError("the document has no root");
    at = found + end.length;
  }
  if (text.startsWith("<!", at)) throw new SyntaxError("a document type is not taken");
}

function elementOf(node: Node): Element {
  const name = Object.keys(node).find((key) => key !== attributesKey)!;
  const children: Element[] = [];
  let text = "";
  for (const child of node[name] as readonly Node[]) {
    if (textKey in child) text += unescaped(String(child[textKey]));
    else if (cdataKey in child) text += textOf(child[cdataKey] as readonly Node[]);
    else children.push(elementOf(child));
  }
  const attributes = Object.entries(
    (node[attributesKey] ?? {}) as Readonly<Record<string, string>>,
  );
  return {
    name,
    attributes: new Map(attributes.map(([key, value]) => [key.slice(1), unescaped(value)])),
    children,
    text,
  };
}

function textOf(nodes: readonly Node[]): string {
  return nodes.map((node) => String(node[textKey])).join("");
}

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function unescaped(text: string): string {
  if (!text.includes("&")) return text;
  return text.replaceAll(/&([^;&\s]{0,10};)?/g, (found, inner: string | undefined) => {
    const name = inner?.slice(0, -1) ?? "";
    const character = Object.hasOwn(entities, name) ? entities[name] : numbered(name);
    if (character === undefined) throw new SyntaxError(`there is no entity ${found}`);
    return character;
  });
}

/** `#13` and `#xd`: any character that a document may hold. */
function numbered(name: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([0-9a-f]+)|([0-9]+))$/i.exec(name) ?? [];
  const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16);
  if (!(code <= 0x10_ffff)) return undefined;
  const character = String.fromCodePoint(code);
  return forbidden.test(character) || !character.isWellFormed() ? undefined : character;
}
