import { test } from "node:test";

import { transportCases } from "../suite.ts";
import { udp } from "./index.ts";
import { freePort } from "./testing/free-port.ts";

const cases = transportCases({
  make: udp,
  address: async () => `udp://127.0.0.1:${await freePort()}`,
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
