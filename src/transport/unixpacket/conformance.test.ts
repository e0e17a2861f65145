import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { addonProblem } from "../../os/addon.ts";
import { transportCases } from "../suite.ts";
import { unixpacket } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));
let addresses = 0;

const cases = transportCases({
  make: unixpacket,
  address: () => `unixpacket:${folder}/${++addresses}.sock`,
  // Descriptors, and names: none may stay.
  handles: () => readdirSync("/proc/self/fd").length + readdirSync(folder).length,
});

const skip = addonProblem() ?? false;
for (const { name, run } of cases) test(name, { timeout: 60_000, skip }, run);
