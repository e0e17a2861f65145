import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";

import { addonProblem } from "../../os/addon.ts";
import { transportCases } from "../suite.ts";
import { movedUnix } from "./testing/moved-unix.ts";

suite("connections that have moved to shared memory", { skip: addonProblem() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));
  let addresses = 0;

  const cases = transportCases({
    make: movedUnix,
    address: () => `unix:${folder}/${++addresses}.sock`,
    handles: () =>
      process.getActiveResourcesInfo().filter((name) => name.startsWith("Pipe")).length,
  });

  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});
