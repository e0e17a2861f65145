import { test } from "node:test";

import { VirtualEnv } from "../../base/virtual-env.ts";
import { discoveryCases } from "../suite.ts";
import { memory, MemoryRegistry } from "./index.ts";

const cases = discoveryCases({
  capabilities: memory().capabilities,
  grips: ["put", "interrupt", "spoil", "abandon", "forget"],
  env: () => new VirtualEnv(),
  open: async (env) => {
    const registry = new MemoryRegistry();
    const put = new Map<string, readonly string[]>();
    return {
      client: () => memory(registry),
      put: async (service, instances) => {
        for (const id of put.get(service) ?? []) registry.forget(id);
        for (const each of instances) registry.put(service, each.id, each);
        put.set(
          service,
          instances.map(({ id }) => id),
        );
      },
      interrupt: async () => registry.interrupt(),
      restore: async () => registry.restore(),
      spoil: async (service) => {
        const hostile = [
          null,
          "not JSON",
          [],
          { id: 7 },
          { id: "x".repeat(10_000) },
          "{".repeat(70_000),
        ];
        for (const [index, each] of hostile.entries()) registry.put(service, `bad-${index}`, each);
      },
      abandon: async (instance, ttlMs) => registry.take(instance, ttlMs, env),
      forget: async (id) => registry.forget(id),
      close: async () => {},
    };
  },
});

for (const { name, run } of cases) test(name, { timeout: 60_000 }, run);
