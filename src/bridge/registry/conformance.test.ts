import { suite, test } from "node:test";

import { VirtualEnv } from "../../base/virtual-env.ts";
import { discoveryCases } from "../../discovery/suite.ts";
import { rsocket } from "../../protocol/rsocket/index.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { registryDiscovery } from "./client.ts";
import { MemoryDisk, RegistryLab } from "./testing/lab.ts";

for (const kept of [true, false]) {
  suite(kept ? "a registry with a disk" : "a registry without a disk", () => {
    const cases = discoveryCases({
      capabilities: registryDiscovery([]).capabilities,
      grips: ["interrupt", "abandon", "forget"],
      env: () => new VirtualEnv(),
      open: async (env) => {
        const disk = kept ? new MemoryDisk() : undefined;
        const protocol = rsocket(memory(new MemoryNames()));
        const lab = new RegistryLab(protocol, "memory:registry", { disk }, env);
        await lab.start();
        return {
          client: () => registryDiscovery([lab.place]),
          interrupt: () => lab.stop(false),
          restore: () => lab.start(),
          abandon: async (instance, ttlMs) => {
            const dead = lab.place.open();
            await dead.register({ instance, ttlMs });
            await dead[Symbol.asyncDispose]();
          },
          forget: async (id) => lab.registry.forget(id),
          close: () => lab.stop(),
        };
      },
    });
    for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
  });
}
