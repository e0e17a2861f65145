import { test } from "node:test";
import { realEnv } from "../../base/real-env.ts";
import { brokerCases } from "../suite.ts";
import { memory } from "./index.ts";

let stands = 0;

const cases = brokerCases({
  capabilities: memory().capabilities,
  env: () => realEnv(),
  stand: async () => {
    const place = `memory:suite-${++stands}`;
    return {
      prefix: "suite",
      open: (name) => memory().open(place, { name }, realEnv()),
      close: async () => {},
    };
  },
});

for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
