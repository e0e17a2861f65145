import { test } from "node:test";

import { transportCases } from "../suite.ts";
import { freePort } from "../udp/testing/free-port.ts";
import { multicast } from "./index.ts";

const cases = transportCases({
  make: multicast,
  address: async () => `udp+multicast://239.255.77.7:${await freePort()}`,
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
