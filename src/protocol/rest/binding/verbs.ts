/** What the verb with which an operation's name begins does to a resource. */
export type Act = "create" | "fetch" | "list" | "watch" | "update" | "replace" | "remove" | "store";

const acts: Readonly<Record<Act, readonly string[]>> = {
  create: [
    "add",
    "book",
    "create",
    "insert",
    "make",
    "open",
    "place",
    "post",
    "register",
    "submit",
  ],
  fetch: ["fetch", "find", "get", "load", "lookup", "read", "show"],
  list: ["all", "list", "query", "search"],
  watch: ["changes", "events", "follow", "observe", "stream", "subscribe", "tail", "watch"],
  update: ["change", "edit", "modify", "patch", "update"],
  replace: ["put", "replace", "set"],
  remove: ["cancel", "delete", "drop", "remove"],
  store: ["save", "store", "upload", "write"],
};

const byVerb: ReadonlyMap<string, Act> = new Map(
  Object.entries(acts).flatMap(([act, list]) => list.map((verb) => [verb, act as Act] as const)),
);

/** The name of an operation, taken apart. */
export interface Verb {
  /** Undefined: it says nothing of what becomes of a resource. */
  readonly act: Act | undefined;
  /** What follows the verb, with dashes: `status` of `getStatus`; empty: nothing does. */
  readonly object: string;
}

export function verbOf(member: string): Verb {
  const [verb = "", ...object] = kebab(member).split("-");
  return { act: byVerb.get(verb), object: object.join("-") };
}

/** `cancelOrder` as it stands in a path: `cancel-order`. */
export function kebab(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();
}

/** One of a collection, by the rules that cover most English nouns: `entries` → `entry`, `orders` → `order`. */
export function singular(collection: string): string {
  if (/[^aeiou]ies$/.test(collection)) return `${collection.slice(0, -3)}y`;
  if (/(?:ss|sh|ch|x|z)es$/.test(collection)) return collection.slice(0, -2);
  if (/[^su]s$/.test(collection) && !collection.endsWith("is")) return collection.slice(0, -1);
  return collection;
}

/** How the identity of one of a collection is called: `order-lines` → `orderLineId`. */
export function identityName(collection: string): string {
  const one = singular(collection);
  return `${one.replace(/-+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())}Id`;
}
