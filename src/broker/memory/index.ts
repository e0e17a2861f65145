import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Broker, BrokerFactory } from "../broker.ts";
import { MemoryBroker, memoryCapabilities } from "./memory-broker.ts";
import { MemoryStore, type MemoryStoreOptions } from "./store.ts";

export type { MemoryStoreOptions };

const stores = new WeakMap<Env, Map<string, MemoryStore>>();

/**
 * The make behind `memory:NAME`: a broker in this process, complete, that all who name it share. It keeps what it promises for as
 * long as the process lives, and nothing longer. Fast, and the same in every respect but that as those that store.
 */
export function memory(options: MemoryStoreOptions = {}): BrokerFactory {
  return {
    name: "memory",
    schemes: ["memory"],
    capabilities: memoryCapabilities,
    open: async (address, { name: user }, env) => {
      const [, name] = /^memory:([A-Za-z0-9._-]*)$/.exec(address) ?? [];
      if (name === undefined)
        throw systemError("INVALID_ARGUMENT", `"${address}" is no address of a memory broker`, {
          executed: "no",
          advice: "write memory: or memory:NAME, with letters, digits, dots and dashes",
        });
      let byName = stores.get(env);
      if (byName === undefined) stores.set(env, (byName = new Map()));
      let store = byName.get(name);
      if (store === undefined) byName.set(name, (store = new MemoryStore(options, env)));
      return new MemoryBroker(address, store, user);
    },
  };
}

/** A broker of one's own in this process, which nobody finds by name: for tests, and to hand to `messages`. */
export function memoryBroker(options: MemoryStoreOptions = {}, env: Env = realEnv()): Broker {
  return new MemoryBroker("memory:", new MemoryStore(options, env));
}
