import type { Expected, Kind } from "./expected.ts";

/** A number as JSON writes it. */
export const numberPattern: RegExp = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * What an element that does not say its type is taken for. The writer asks this too, and gives the element a `type` where
 * the answer is not what it writes: so both always agree.
 */
export function inferred({ kinds }: Expected, parent: boolean, text: string): Kind {
  if (kinds === undefined) return parent ? "object" : "string";
  if (kinds.size === 1) return [...kinds][0]!;
  if (parent) return kinds.has("array") && !kinds.has("object") ? "array" : "object";
  const word = text.trim();
  if (kinds.has("boolean") && /^(?:true|false)$/.test(word)) return "boolean";
  if (kinds.has("number") && numberPattern.test(word)) return "number";
  if (kinds.has("string")) return "string";
  return kinds.has("array") ? "array" : "object";
}
