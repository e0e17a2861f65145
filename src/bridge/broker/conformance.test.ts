import { suite, test } from "node:test";
import type { Env } from "../../base/env.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { BrokerCapabilities } from "../../broker/broker.ts";
import { Node } from "../../broker/embedded/node.ts";
import {
  embeddedCapabilities,
  SharedEmbedded,
} from "../../broker/embedded/port/shared-embedded.ts";
import { ModelStorage } from "../../broker/embedded/testing/model-storage.ts";
import { memoryCapabilities } from "../../broker/memory/memory-broker.ts";
import { SharedMemory } from "../../broker/memory/shared-memory.ts";
import { MemoryStore } from "../../broker/memory/store.ts";
import type { SharedBroker } from "../../broker/shared-broker.ts";
import { brokerCases } from "../../broker/suite.ts";
import { rsocket } from "../../protocol/rsocket/index.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import { messageBytesMax } from "./bounds.ts";
import { BrokerLab } from "./testing/lab.ts";

function overConnection(
  what: string,
  promised: BrokerCapabilities,
  shared: (env: Env) => SharedBroker,
): void {
  suite(`${what} over a connection`, () => {
    let env = new VirtualEnv();
    const cases = brokerCases(
      {
        capabilities: { ...promised, bytesMax: messageBytesMax },
        env: () => env,
        stand: async () => {
          env = new VirtualEnv();
          const protocol = rsocket(memory(new MemoryNames()));
          const lab = new BrokerLab(protocol, "memory:broker", env, shared(env));
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
    for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
  });
}

overConnection(
  "a memory broker",
  memoryCapabilities,
  (env) => new SharedMemory(new MemoryStore({ bytesMax: messageBytesMax }, env)),
);

overConnection("an embedded broker", embeddedCapabilities, (env) => {
  const node = new Node(new ModelStorage(env), env);
  return new SharedEmbedded(node, { address: "file:suite" });
});
