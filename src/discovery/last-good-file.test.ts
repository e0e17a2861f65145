import { deepEqual, equal } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import type { Instance } from "./discovery.ts";
import { lastGoodBytesMax, lastGoodFile } from "./last-good-file.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

const instances: readonly Instance[] = ["a", "b"].map((id) => ({
  id,
  bootId: "1",
  contracts: ["orders@1"],
  addresses: ["tcp://h:1"],
  state: "ready",
}));

test("what was written is read, by another process too, and nothing lies beside it", async () => {
  const path = join(folder, "new/deep/orders.json");
  deepEqual(await lastGoodFile(path).read(), []);
  const file = lastGoodFile(path);
  await file.write([]);
  await file.write(instances);
  deepEqual(await lastGoodFile(path).read(), instances);
  deepEqual(readdirSync(join(folder, "new/deep")), ["orders.json"]);
  equal(statSync(path).mode & 0o777, 0o600);
});

test("a file that is torn, foreign or too large is none", async () => {
  const path = join(folder, "bad.json");
  for (const text of ["", '[{"id":"a"', "{}", "7", "\0"]) {
    writeFileSync(path, text);
    deepEqual(await lastGoodFile(path).read(), []);
  }
  writeFileSync(path, JSON.stringify([...instances, { id: 1 }, null, "x"]));
  deepEqual(await lastGoodFile(path).read(), instances);
  truncateSync(path, lastGoodBytesMax + 1);
  deepEqual(await lastGoodFile(path).read(), []);
});
