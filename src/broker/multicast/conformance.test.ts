import { test } from "node:test";

import { realEnv } from "../../base/real-env.ts";
import { freePort } from "../../transport/udp/testing/free-port.ts";
import { brokerCases } from "../suite.ts";
import { multicast } from "./index.ts";

const cases = brokerCases({
  capabilities: multicast().capabilities,
  env: () => realEnv(),
  stand: async () => {
    const address = `udp+multicast://239.255.77.9:${await freePort()}`;
    return {
      prefix: "suite",
      open: (name) => multicast().open(address, { name }, realEnv()),
      close: async () => {},
    };
  },
});

for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
