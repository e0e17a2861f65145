import { suite, test } from "node:test";

import { VirtualEnv } from "../../base/virtual-env.ts";
import { brokerCases } from "../../broker/suite.ts";
import { capabilities } from "./terms.ts";
import { DirectLab } from "./testing/lab.ts";

suite("brokerless, over connections within a process in virtual time", () => {
  const env = new VirtualEnv();
  const cases = brokerCases({
    capabilities,
    env: () => env,
    stand: async () => {
      const lab = new DirectLab({ env });
      return {
        prefix: "suite",
        open: async (name) => lab.openTold(name),
        close: () => lab.close(),
      };
    },
  });
  for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
});
