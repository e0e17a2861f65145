import { test } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import { brokerCases } from "../suite.ts";
import { mq } from "./index.ts";

let stands = 0;

const cases = brokerCases({
  capabilities: mq().capabilities,
  env: () => realEnv(),
  stand: async () => {
    const place = `/trunkline-suite-${process.pid}-${++stands}`;
    return {
      prefix: "suite",
      // All queues of a user share 800 KiB, and other tests are under way.
      // What is unsettled at the end of a case has no room in it, and is waited for in vain.
      open: (name) => mq().open(`mq:${place}?messages=4`, { name, waitMs: 2_000 }, realEnv()),
      // No case has more channels than that.
      close: async () => {
        for (let channel = 0; channel < 8; channel++)
          addon()!.queueRemove(`${place}.suite.${channel}`);
      },
    };
  },
});

const skip = addonProblem() ?? false;
for (const { name, run } of cases) void test(name, { timeout: 60_000, skip }, run);
