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

const subject = {
  capabilities: mmap().capabilities,
  env: () => realEnv(),
  stand: async () => {
    const place = join(folder, `stand-${++stands}`);
    return {
      prefix: "suite",
      open: (name: string) => mmap().open(`mmap:${place}`, { name }, realEnv()),
      // There is no server, and nothing that could lose what is written: torture/mmap kills those who write and read.
      restart: async () => {},
      close: async () => {},
    };
  },
};
const cases = brokerCases(subject, ["restart"]);

const skip = addonProblem() ?? false;
for (const { name, run } of cases) void test(name, { timeout: 60_000, skip }, run);
