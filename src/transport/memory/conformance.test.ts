import { test } from "node:test";

import { SteppedEnv } from "../suite/stepped-env.ts";
import { transportCases } from "../suite.ts";
import { memory, MemoryNames } from "./index.ts";

const subject = {
  make: () => memory(new MemoryNames()),
  address: () => "memory:orders",
};

for (const { name, run } of transportCases(subject)) test(name, { timeout: 60_000 }, run);

// Time and turns come from `env` alone: with one that stands still until it is stepped, everything holds too.
let env = new SteppedEnv();
const stepped = { ...subject, env: () => (env = new SteppedEnv()) };

for (const { name, run } of transportCases(stepped)) {
  test(`${name}, in stepped time`, { timeout: 60_000 }, async () => {
    let settled = false;
    const running = run().finally(() => (settled = true));
    while (!settled) {
      env.step();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await running;
  });
}
