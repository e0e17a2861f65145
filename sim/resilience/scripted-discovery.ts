import { systemError } from "../../src/base/error.ts";
import type { Env } from "../../src/base/env.ts";
import type {
  Discovery,
  DiscoveryCapabilities,
  Instance,
  Lease,
  Snapshot,
  Watch,
} from "../../src/discovery/discovery.ts";
import type { SimEnv } from "trunkline/testing";

interface Watcher {
  readonly env: SimEnv;
  readonly tell: (snapshot: Snapshot) => void;
}

/** A registry that says what the run wants it to say, true or not. */
export class ScriptedDiscovery implements Discovery {
  readonly name = "scripted";
  readonly capabilities: DiscoveryCapabilities = {
    registers: false,
    expires: "never",
    pushes: true,
    attributes: true,
  };
  /** What is there in truth. */
  readonly #instances = new Map<string, Instance>();
  readonly #watchers = new Set<Watcher>();
  #fault: "none" | "empty" | "silent" | "forgets" = "none";
  #revision = 0;

  set(instance: Instance): void {
    this.#instances.set(instance.id, instance);
    this.#tell();
  }

  remove(id: string, bootId: string): void {
    if (this.#instances.get(id)?.bootId === bootId) this.#instances.delete(id);
    this.#tell();
  }

  /** `empty`: says that there is nobody; `silent`: does not answer; `forgets`: leaves out half of them. */
  fault(fault: "none" | "empty" | "silent" | "forgets"): void {
    this.#fault = fault;
    this.#tell();
  }

  watch(service: string, onChange: (snapshot: Snapshot) => void, env: Env): Watch {
    const watcher: Watcher = { env: env as SimEnv, tell: onChange };
    this.#watchers.add(watcher);
    const tell = (): void => void watcher.env.in(1, () => onChange(this.#snapshot(service)));
    tell();
    const close = async (): Promise<void> => void this.#watchers.delete(watcher);
    return { current: undefined, refresh: tell, close, [Symbol.asyncDispose]: close };
  }

  register(): Promise<Lease> {
    const reason = "the run says who is there";
    return Promise.reject(systemError("UNIMPLEMENTED", reason, { executed: "no" }));
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #tell(): void {
    this.#revision++;
    for (const { env, tell } of this.#watchers)
      if (env.alive) env.in(1, () => tell(this.#snapshot("desk")));
  }

  #snapshot(service: string): Snapshot {
    const all = [...this.#instances.values()];
    const told = { service, revision: this.#revision };
    switch (this.#fault) {
      case "none":
        return { ...told, status: "ok", instances: all };
      case "empty":
        return { ...told, status: "ok", instances: [] };
      case "forgets":
        return { ...told, status: "ok", instances: all.filter((_, index) => index % 2 === 1) };
      case "silent":
        return { ...told, status: "unavailable", instances: [], problem: "it is silent" };
    }
  }
}
