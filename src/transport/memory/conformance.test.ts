import { test } from "node:test";

import { transportCases } from "../suite.ts";
import { memory, MemoryNames } from "./index.ts";

const cases = transportCases({
  make: () => memory(new MemoryNames()),
  address: () => "memory:orders",
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
