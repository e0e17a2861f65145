import { isRecord } from "./dialect.ts";
import { identifier, quotedText } from "./source-text.ts";

/** What fits on a line stays on it. */
const lineCharsMax = 90;

/** JSON as TypeScript writes it, so that reading the text gives the value back: `{ type: "string" }`. */
export function literalText(value: unknown, indent: string = ""): string {
  const inner = `${indent}  `;
  const [open, close, parts] = Array.isArray(value)
    ? ["[", "]", value.map((each) => literalText(each, inner))]
    : isRecord(value)
      ? ["{", "}", fieldsOf(value, inner)]
      : ["", "", undefined];
  if (parts === undefined) return typeof value === "string" ? quotedText(value) : plain(value);
  if (parts.length === 0) return `${open}${close}`;
  const space = open === "{" ? " " : "";
  const line = `${open}${space}${parts.join(", ")}${space}${close}`;
  if (line.length + indent.length <= lineCharsMax && !line.includes("\n")) return line;
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join("")}${indent}${close}`;
}

function fieldsOf(value: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .map(([name, each]) => `${nameText(name)}: ${literalText(each, indent)}`);
}

/** In a literal `__proto__` would be the prototype; in brackets it is a name. */
function nameText(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return identifier.test(name) ? name : quotedText(name);
}

function plain(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}
