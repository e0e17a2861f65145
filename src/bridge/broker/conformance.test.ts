import { suite, test } from "node:test";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { memoryCapabilities } from "../../broker/memory/memory-broker.ts";
import { brokerCases } from "../../broker/suite.ts";
import { rsocket } from "../../protocol/rsocket/index.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { messageBytesMax } from "./bounds.ts";
import { BrokerLab } from "./testing/lab.ts";

suite("a memory broker over a connection", () => {
  let env = new VirtualEnv();
  const cases = brokerCases(
    {
      capabilities: { ...memoryCapabilities, bytesMax: messageBytesMax },
      env: () => env,
      stand: async () => {
        env = new VirtualEnv();
        const lab = new BrokerLab(rsocket(memory(new MemoryNames())), "memory:broker", env);
        await lab.start();
        return {
          prefix: "suite",
          open: (name) => lab.open(name),
          cut: () => lab.cut(),
          close: () => lab.close(),
        };
      },
    },
    ["cut"],
  );
  for (const { name, run } of cases) void test(name, { timeout: 20_000 }, run);
});
