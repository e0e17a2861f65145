// Names, texts and comments of somebody else's document as parts of TypeScript: none of them ends up as code.
import { isRecord } from "./dialect.ts";

/** Of one description: it is a comment, not a book. */
const commentCharsMax = 600;

/** The name of a field in a type. */
export function fieldText(name: string): string {
  return identifier.test(name) ? name : quotedText(name);
}

export const identifier: RegExp = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** A text as TypeScript writes it, with nothing in it that shows otherwise than it is (signs that turn the direction of writing). */
export function quotedText(text: string): string {
  return JSON.stringify(text).replaceAll(hidden, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Signs that nobody sees, or that change how what follows is seen. */
const hidden = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** `pet-store.Pet` → `PetStorePet`; what has no letters is `Type`. */
export function typeName(text: string): string {
  const words = text.slice(0, 80).match(/[A-Za-z0-9_$]+/g) ?? [];
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
  return /^[A-Z_$]/.test(name) ? name : `Type${name}`;
}

/** The description of a schema as a comment of its own lines, or nothing. */
export function commentText(schema: unknown, indent: string): string {
  if (!isRecord(schema)) return "";
  const { description, deprecated } = schema;
  const told = typeof description === "string" ? description : "";
  const lines = told
    .slice(0, commentCharsMax)
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) =>
      line
        .replaceAll(/\p{Cc}/gu, " ")
        .replaceAll(hidden, "")
        .trim(),
    )
    // Last: taking signs away could have made a new end.
    .map((line) => line.replaceAll("*/", "*\\/"))
    .filter((line) => line !== "");
  if (deprecated === true) lines.push("@deprecated");
  if (lines.length === 0) return "";
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}
