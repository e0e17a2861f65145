import type { JsonSchema } from "../base/contract-shape.ts";
import type { Schema } from "./schema.ts";

export type { JsonSchema };

/** The wire side of a schema, as far as its library can tell it. */
export interface WireSchema {
  /** Plain JSON; `{}` where nothing is known. */
  readonly schema: JsonSchema;
  /** Why `schema` says less than the library checks; `undefined` when it says all that JSON Schema can. */
  readonly note: string | undefined;
  /** What can never arrive through JSON. */
  readonly gaps: readonly Gap[];
}

/** A value that JSON does not carry. */
export interface Gap {
  /** Where it lies: fields with dots between them, `*` for every item; empty: the value itself. */
  readonly path: string;
  /** `Date`, `BigInt`, `Map`, or the name of another class. */
  readonly type: string;
}

const target = "draft-2020-12";

/** The JSON Schema of what travels: the input side of `schema`. Never throws. */
export function wireSchema(schema: Schema): WireSchema {
  const { vendor, jsonSchema } = schema["~standard"];
  if (jsonSchema === undefined) {
    return { schema: {}, note: `${vendor} gives no JSON Schema`, gaps: [] };
  }
  const omitted: Omission[] = [];
  const refusal = refusalOf(() => jsonSchema.input({ target }));
  let told: JsonSchema = {};
  const failure = refusalOf(() => {
    const libraryOptions = collectors[vendor]?.(omitted);
    const { $schema: _, ...rest } = jsonSchema.input({ target, libraryOptions });
    told = JSON.parse(JSON.stringify(rest)) as JsonSchema;
  });
  const why = failure ?? refusal;
  // A library that refuses without saying where is believed for the whole value.
  if (omitted.length === 0 && why !== undefined)
    omitted.push({ path: "", reason: why, type: typeIn(why) });
  const gaps = omitted.flatMap(({ path, type }) => (type === undefined ? [] : [{ path, type }]));
  const note = omitted.map(({ path, reason }) => (path === "" ? reason : `${path}: ${reason}`));
  return { schema: told, note: note.length === 0 ? undefined : note.join("; "), gaps };
}

interface Omission {
  readonly path: string;
  readonly reason: string;
  /** The type that JSON cannot carry; `undefined`: JSON Schema has no word for it, yet JSON may carry it. */
  readonly type: string | undefined;
}

/**
 * Asks a library to tell what it leaves out instead of throwing at the first (Zod) or being silent about it (ArkType).
 * Other libraries, and older versions of these, ignore the options.
 */
const collectors: Readonly<Record<string, (into: Omission[]) => Record<string, unknown>>> = {
  zod: (into) => ({
    unrepresentable: ({ path, message, zodSchema }: ZodSite) => {
      // z.coerce.date() reads the text that JSON makes of a Date.
      const type = zodSchema.def?.coerce === true ? undefined : typeIn(message);
      into.push({ path: valuePath(path), reason: message, type });
      return "any";
    },
  }),
  arktype: (into) => {
    const leave = ({ base, code, domain, proto }: ArkSite): unknown => {
      const type = code === "date" ? "Date" : (proto?.name ?? domainTypes[domain ?? ""]);
      if (type !== undefined)
        into.push({ path: "", reason: `${type} cannot be represented`, type });
      return base;
    };
    return { fallback: { date: leave, domain: leave, proto: leave } };
  },
};

interface ZodSite {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly zodSchema: { readonly def?: { readonly coerce?: boolean } };
}

interface ArkSite {
  readonly base: unknown;
  readonly code: string;
  readonly domain?: string;
  readonly proto?: { readonly name: string };
}

const domainTypes: Readonly<Record<string, string>> = { bigint: "BigInt", symbol: "Symbol" };

/** What JSON cannot carry, by how Zod's message begins. `undefined` is not here: an absent field is fine. */
const typesInMessages: readonly string[] = [
  "Date",
  "BigInt",
  "Symbol",
  "Map",
  "Set",
  "Function",
  "NaN",
];

function typeIn(reason: string): string | undefined {
  if (reason.includes("default")) return undefined;
  return typesInMessages.find((type) => reason.startsWith(type));
}

function refusalOf(convert: () => unknown): string | undefined {
  try {
    convert();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A path through a JSON Schema as a path through the value. */
function valuePath(path: readonly (string | number)[]): string {
  const fields: string[] = [];
  for (let index = 0; index < path.length; index++) {
    const keyword = path[index];
    if (keyword === "properties" || keyword === "prefixItems") fields.push(String(path[++index]));
    else if (keyword === "items" || keyword === "additionalProperties") fields.push("*");
  }
  return fields.join(".");
}
