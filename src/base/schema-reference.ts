import type { JsonSchema } from "./contract-shape.ts";

/** What a `$ref` means within its document, by a JSON pointer (RFC 6901); undefined when it leads out of it or to nothing. */
export function referredIn(root: JsonSchema, reference: string): unknown {
  if (reference !== "#" && !reference.startsWith("#/")) return undefined;
  let found: unknown = root;
  for (const name of tokensOf(reference)) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name))
      return undefined;
    found = (found as Readonly<Record<string, unknown>>)[name];
  }
  return found;
}

/** The names that a pointer leads through. */
export function tokensOf(reference: string): string[] {
  return reference
    .split("/")
    .slice(1)
    .map((token) => decoded(token).replaceAll("~1", "/").replaceAll("~0", "~"));
}

function decoded(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    return token; // it is no part of an address, then: it is read as it stands
  }
}
