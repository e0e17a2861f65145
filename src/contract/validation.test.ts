import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import type { Schema } from "./schema.ts";
import { explain, isPending, validate } from "./validation.ts";

const item = { items: [{ price: "x" }] };
const libraries: Record<string, { schema: Schema; told: string }> = {
  zod: {
    schema: z.object({ items: z.array(z.object({ price: z.number() })) }),
    told: "items.0.price: expected number, received string",
  },
  valibot: {
    schema: v.object({ items: v.array(v.object({ price: v.number() })) }),
    told: 'items.0.price: Expected number but received "x"',
  },
  arktype: {
    schema: type({ items: type({ price: "number" }).array() }),
    told: "items[0].price must be a number (was a string)",
  },
};

for (const [library, { schema, told }] of Object.entries(libraries)) {
  suite(library, () => {
    test("a synchronous schema answers at once", () => {
      const result = validate(schema, { items: [{ price: 1 }] });
      assert.ok(!isPending(result) && result.issues === undefined);
      assert.deepEqual(result.value, { items: [{ price: 1 }] });
    });

    test("what is wrong is told with its place", () => {
      const result = validate(schema, item);
      assert.ok(!isPending(result) && result.issues !== undefined);
      assert.equal(explain(result.issues), told);
    });
  });
}

test("an asynchronous schema is waited for", async () => {
  const schema = z.string().refine(async (text) => text === "good");
  const pending = validate(schema, "bad");
  assert.ok(isPending(pending));
  assert.equal(explain((await pending).issues ?? []), "Invalid input");
  assert.equal((await validate(schema, "good")).issues, undefined);
});

test("without a schema whatever was sent is dropped", () => {
  assert.deepEqual(validate(undefined, { from: "a newer peer" }), { value: undefined });
});

test("an explanation is bounded, whatever the library says", () => {
  const issue = { message: "no\n".repeat(1000), path: ["x".repeat(1000)] };
  const text = explain(Array.from({ length: 1000 }, () => issue));
  assert.ok(text.length < 900, `${text.length}`);
  assert.ok(text.endsWith("; and 995 more"));
  assert.ok(!text.includes("\n"));
});

test("an explanation is never empty, and takes both forms of a path", () => {
  assert.equal(explain([]), "the value does not match the schema");
  assert.equal(
    explain([{ message: "is bad", path: [{ key: "a" }, 0, Symbol("s")] }]),
    "a.0.Symbol(s): is bad",
  );
});
