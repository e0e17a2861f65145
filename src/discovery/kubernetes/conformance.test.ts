import { test } from "node:test";

import { discoveryCases } from "../suite.ts";
import { kubernetes } from "./index.ts";
import { PlayedApiServer, slicesOf } from "./testing/api-server.ts";

const cases = discoveryCases({
  capabilities: kubernetes().capabilities,
  grips: ["put", "interrupt", "spoil"],
  quietMs: 200,
  open: async () => {
    const server = new PlayedApiServer();
    const url = await server.listen();
    let names: string[] = [];
    return {
      client: () =>
        kubernetes({ url, token: server.token, namespace: "shop", answerMs: 500, silentMs: 1_000 }),
      put: async (service, instances) => {
        const slices = slicesOf(service, instances);
        const wanted = slices.map(({ metadata }) => metadata.name);
        for (const each of names) if (!wanted.includes(each)) server.delete(each);
        for (const each of slices) server.set(each);
        names = wanted;
      },
      interrupt: async () => server.silence(),
      restore: async () => server.speak(),
      spoil: async (service) => {
        const [bad] = slicesOf(service, [
          {
            id: "x".repeat(5_000),
            bootId: "x",
            contracts: [],
            addresses: ["tcp://127.0.0.1:1"],
            state: "ready",
          },
        ]);
        server.set({ ...bad!, metadata: { ...bad!.metadata, name: "bad" } });
      },
      close: () => server.close(),
    };
  },
});

for (const { name, run } of cases)
  test(`with a played API server: ${name}`, { timeout: 60_000 }, run);
