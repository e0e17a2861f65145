import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as z from "zod";
import { call, contract, describe, stream } from "./index.ts";
import { schemaDocument } from "./schema-document.ts";

test("a validator that is not ours reads every payload of the document, recursive ones too", () => {
  interface Tree {
    readonly kids: readonly Tree[];
  }
  const Tree: z.ZodType<Tree> = z.object({ kids: z.array(z.lazy(() => Tree)) });
  const Trees = contract(
    "trees",
    { version: "2.1.0" },
    {
      grow: call({
        in: Tree,
        out: z.object({ $ref: z.literal("#/x") }),
        errors: { NO_ROOM: z.int(), DEAD: undefined },
      }),
      watch: stream({ in: z.string(), out: Tree }),
    },
  );
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema(schemaDocument(describe(Trees)), "trees");
  const valid = (part: string, value: unknown): unknown =>
    ajv.validate({ $ref: `trees#/$defs/${part}` }, value);
  ok(valid("grow.in", { kids: [{ kids: [] }] }));
  ok(!valid("grow.in", { kids: [{ kids: 1 }] }));
  ok(valid("grow.out", { $ref: "#/x" }));
  ok(!valid("grow.error.NO_ROOM", "7"));
  ok(valid("watch.out", { kids: [] }));
  equal(ajv.getSchema("trees#/$defs/grow.error.DEAD"), undefined);
});
