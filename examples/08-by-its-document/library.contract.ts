// Made from library.json by `trunkline import openapi`: make it anew instead of changing it.
import { call, contract } from "trunkline";
import { bindRest } from "trunkline/protocol/rest";
import { jsonSchema } from "trunkline/schema";

export interface Book {
  isbn: string;
  title: string;
  lentTo?: string | null;
}

const definitions: Record<string, Record<string, unknown>> = {
  Book: {
    type: "object",
    properties: {
      isbn: { type: "string" },
      title: { type: "string" },
      lentTo: { type: ["string", "null"] },
    },
    required: ["isbn", "title"],
  },
};

/** Library */
export const Library = contract(
  "library",
  { version: "1.4.0" },
  {
    /** The books on a shelf. */
    listBooks: call({
      in: jsonSchema<{
        shelf: string;
        "page-size"?: number;
      }>({
        type: "object",
        properties: { shelf: { type: "string" }, "page-size": { type: "integer", minimum: 1 } },
        required: ["shelf"],
      }),
      out: jsonSchema<Book[]>({ type: "array", items: { $ref: "#/$defs/Book" } }, { definitions }),
      idempotent: true,
      description: "The books on a shelf.",
    }),
    /** One book. */
    getBook: call({
      in: jsonSchema<{
        isbn: string;
      }>({ type: "object", properties: { isbn: { type: "string" } }, required: ["isbn"] }),
      out: jsonSchema<Book>({ $ref: "#/$defs/Book" }, { definitions }),
      errors: {
        NOT_FOUND: jsonSchema<{
          message: string;
        }>({
          type: "object",
          properties: { message: { type: "string" } },
          required: ["message"],
        }),
      },
      idempotent: true,
      description: "One book.",
    }),
  },
);

/** Where its operations stand: `rest({ bindings: [libraryBinding], versions: "none" })`. */
export const libraryBinding = bindRest(Library, {
  base: "/api",
  routes: {
    listBooks: { method: "GET", path: "/books", query: ["shelf", "page-size"], status: 200 },
    getBook: { method: "GET", path: "/books/{isbn}", status: 200, errors: { NOT_FOUND: 404 } },
  },
});
