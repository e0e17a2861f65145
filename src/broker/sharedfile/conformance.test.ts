import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { realEnv } from "../../base/real-env.ts";
import { brokerCases } from "../suite.ts";
import { sharedFile } from "./index.ts";

const cases = brokerCases(
  {
    capabilities: sharedFile().capabilities,
    env: () => realEnv(),
    stand: async () => {
      const folder = await mkdtemp(join(tmpdir(), "trunkline-sharedfile-"));
      return {
        prefix: "suite",
        open: (name) => sharedFile().open(`sharedfile:${folder}`, { name }, realEnv()),
        // There is no server, and nothing that could lose what is written.
        restart: async () => {},
        close: () => rm(folder, { recursive: true }),
      };
    },
  },
  ["restart"],
);

for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
