import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { addonProblem } from "../../os/addon.ts";
import { brokerCases } from "../suite.ts";
import { mmap } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));
let stands = 0;

const cases = brokerCases({
  capabilities: mmap().capabilities,
  env: () => realEnv(),
  stand: async () => {
    const place = join(folder, `stand-${++stands}`);
    return {
      prefix: "suite",
      open: (name) => mmap().open(`mmap:${place}`, { name }, realEnv()),
      close: async () => {},
    };
  },
});

const skip = addonProblem() ?? false;
for (const { name, run } of cases) void test(name, { timeout: 60_000, skip }, run);
