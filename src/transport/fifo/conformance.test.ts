import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { transportCases } from "../suite.ts";
import { fifo } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));
let addresses = 0;

const cases = transportCases({
  make: fifo,
  address: () => `fifo:${folder}/${++addresses}.fifo`,
  // Names count too: none may stay.
  handles: () =>
    readdirSync(folder).length +
    process.getActiveResourcesInfo().filter((name) => name.startsWith("Pipe")).length,
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
