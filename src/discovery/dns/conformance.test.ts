import { test } from "node:test";

import { discoveryCases } from "../suite.ts";
import { dns } from "./index.ts";
import { NameServer } from "./testing/name-server.ts";

const cases = discoveryCases({
  capabilities: dns({ name: "x" }).capabilities,
  grips: ["put", "interrupt"],
  quietMs: 300,
  open: async () => {
    const server = await NameServer.start();
    return {
      client: () =>
        dns({
          name: "_{service}._tcp.test",
          servers: [server.address],
          answerMs: 100,
          refreshMsMin: 20,
          refreshMsMax: 100,
          negativeMs: 20,
        }),
      put: async (service, instances) => {
        const srv = instances.map(({ addresses: [address] }) => {
          const [, target, port] = /\/\/(.*):(\d+)$/.exec(address!)!;
          return { target: target!, port: Number(port) };
        });
        server.zones.set(`_${service}._tcp.test`, { srv });
      },
      interrupt: async () => void (server.silent = true),
      restore: async () => void (server.silent = false),
      close: () => server[Symbol.asyncDispose](),
    };
  },
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
