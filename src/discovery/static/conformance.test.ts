import { test } from "node:test";

import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Instance } from "../discovery.ts";
import { discoveryCases } from "../suite.ts";
import { fixed } from "./index.ts";

const cases = discoveryCases({
  capabilities: fixed([]).capabilities,
  grips: ["put", "spoil"],
  env: () => new VirtualEnv(),
  open: async () => {
    // Two clients of one list are two programs that read the same file.
    const clients = new Set<ReturnType<typeof fixed>>();
    let list: readonly Instance[] = [];
    const tell = (): void => {
      for (const client of clients) client.set(list);
    };
    return {
      client: () => {
        const client = fixed(list);
        clients.add(client);
        return client;
      },
      put: async (_service, instances) => {
        list = instances;
        tell();
      },
      spoil: async () => {
        list = [...list, null, { id: 1 }, { contracts: ["orders@1"] }] as unknown as Instance[];
        tell();
      },
      close: async () => {},
    };
  },
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
