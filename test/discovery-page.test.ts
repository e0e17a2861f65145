// The table of docs/discovery.md is what the registries themselves say.
import { ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { discoveryAt } from "trunkline";
import { discoveriesTable } from "trunkline/testing";

test("docs/discovery.md shows what the registries promise", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/discovery.md"), "utf8");
  const table = discoveriesTable(
    [
      ...["memory:", "static:tcp://a:1", "directory:/x", "dns://a:1", "registry+tcp://a:1"],
      ...["etcd://a:1", "consul://a:1", "kubernetes:"],
    ].map(discoveryAt),
  );
  ok(page.includes(table), `put this table into docs/discovery.md:\n${table}`);
});
