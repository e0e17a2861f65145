import { test } from "node:test";

import { transportCases } from "../suite.ts";
import { worker } from "./index.ts";

let names = 0;

const cases = transportCases({
  make: worker,
  address: () => `worker:orders-${++names}`,
  handles: () => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length,
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
