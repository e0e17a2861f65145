import type { Source } from "./source.ts";

/** Names are as long as a contract allows. */
const nameCharsMax = 100;

const refusedNames: ReadonlySet<string> = new Set(["then", "constructor", "toJSON"]);

/** The first of `wishes` that is a name of an operation, else `fallback`; with a number where that is taken. */
export function operationName(
  wishes: readonly (string | undefined)[],
  fallback: string,
  taken: ReadonlySet<string>,
): string {
  const names = wishes.flatMap((wish) => (wish === undefined ? [] : [camel(wish)]));
  const wish = names.find((name) => name !== "") ?? fallback;
  let name = refusedNames.has(wish) ? `${wish}It` : wish;
  for (let count = 2; taken.has(name); count++) name = `${wish.slice(0, nameCharsMax - 5)}${count}`;
  return name;
}

function camel(text: string): string {
  const words = text.match(/[A-Za-z0-9]+/g) ?? [];
  const joined = words
    .map((word, index) => (index === 0 ? word : word[0]!.toUpperCase() + word.slice(1)))
    .join("")
    .replace(/^[0-9]+/, "");
  // `GETPet` and `ID` begin small, as far as they are one word.
  const small = joined.replace(/^[A-Z]+(?![a-z])|^[A-Z]/, (start) => start.toLowerCase());
  return small.slice(0, nameCharsMax);
}

/** `Swagger Petstore - OpenAPI 3.0` → `swagger-petstore-openapi-3-0`. */
export function contractName(title: string | undefined): string {
  const name = (title ?? "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, nameCharsMax)
    .replace(/-+$/, "");
  return name === "" ? "api" : name;
}

/** What a document calls its version, as a semantic one. */
export function contractVersion(source: Source, told: unknown): string {
  const text = typeof told === "string" ? told.slice(0, 50) : "";
  const match = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?/.exec(text);
  if (match === null) {
    source.warn("info.version", `${JSON.stringify(text)} is no version; the contract has 1.0.0`);
    return "1.0.0";
  }
  const [, major = "1", minor = "0", patch = "0"] = match;
  return [major, minor, patch].map((part) => String(Number(part))).join(".");
}
