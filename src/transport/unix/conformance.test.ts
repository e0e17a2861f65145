import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { transportCases } from "../suite.ts";
import { unix } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));
let addresses = 0;

const cases = transportCases({
  make: unix,
  address: () => `unix:${folder}/${++addresses}.sock`,
  handles: () => process.getActiveResourcesInfo().filter((name) => name.startsWith("Pipe")).length,
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
