import { equal } from "node:assert/strict";
import { test } from "node:test";
import { referredIn } from "./schema-reference.ts";

test("a reference leads to what its pointer names, whatever the names look like", () => {
  const text = { type: "string" };
  const root = { $defs: { Text: text, "a/b~c %": text, "50%": text }, prefixItems: [text] };
  equal(referredIn(root, "#"), root);
  for (const reference of [
    "#/$defs/Text",
    "#/$defs/a~1b~0c%20%25",
    "#/$defs/50%",
    "#/prefixItems/0",
  ])
    equal(referredIn(root, reference), text, reference);
});

test("a reference out of the document, or to nothing, means nothing", () => {
  for (const reference of [
    "other.json#/a",
    "#anchor",
    "#/$defs/Missing",
    "#/type/x",
    "#/toString",
    "",
  ])
    equal(referredIn({ type: "object" }, reference), undefined, reference);
});
