import { equal, throws } from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { folderAt } from "./address.ts";

void test("an address names a folder, as a path or as a URL", () => {
  equal(folderAt("file:./data"), resolve("data"));
  equal(folderAt("file:/var/lib/orders"), "/var/lib/orders");
  equal(folderAt("file:///var/lib/orders"), "/var/lib/orders");
});

void test("an address that names no folder of this machine is refused", () => {
  for (const address of ["file:", "file://other/data", "data"])
    throws(() => folderAt(address), { code: "INVALID_ARGUMENT", executed: "no" });
});

void test("what looks like options in an address does not become the name of a folder", () => {
  throws(() => folderAt("file:./data?level=os"), { code: "INVALID_ARGUMENT", executed: "no" });
});
