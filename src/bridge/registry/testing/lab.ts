import type { Env } from "../../../base/env.ts";
import { makeClient } from "../../../call/client.ts";
import { serve, Services } from "../../../call/serve.ts";
import type { Protocol, Server } from "../../../protocol/protocol.ts";
import { parseAddress } from "../../../transport/address.ts";
import type { RegistryPlace } from "../client.ts";
import { Registry } from "../contract.ts";
import type { RegistryDisk } from "../disk.ts";
import { RegistryServer, type RegistryServerOptions } from "../server.ts";

/** A registry that can be stopped and started, at one address. */
export class RegistryLab {
  readonly place: RegistryPlace;
  readonly #protocol: Protocol;
  readonly #address: string;
  readonly #options: RegistryServerOptions;
  readonly #env: Env;
  #running: { readonly registry: RegistryServer; readonly server: Server } | undefined;

  constructor(protocol: Protocol, address: string, options: RegistryServerOptions, env: Env) {
    this.#protocol = protocol;
    this.#address = address;
    this.#options = options;
    this.#env = env;
    this.place = placeAt(protocol, address, env);
  }

  get registry(): RegistryServer {
    return this.#running!.registry;
  }

  async start(): Promise<void> {
    const registry = await RegistryServer.start(this.#options, this.#env);
    const services = [serve(Registry, registry.handlers)];
    const dispatcher = new Services(services, { interceptors: [], checkSent: true }, this.#env);
    const address = parseAddress(this.#address);
    const server = await this.#protocol.serve(address, dispatcher, {}, this.#env);
    this.#running = { registry, server };
  }

  /** Drains, or falls dead: then nothing is written any more. */
  async stop(drain: boolean = true): Promise<void> {
    const { registry, server } = this.#running!;
    this.#running = undefined;
    if (drain) await registry.close();
    await server.drain(drain ? 1_000 : 0);
    if (!drain) await registry.close();
  }
}

/** A place that is reached by the protocol without a chassis. */
function placeAt(protocol: Protocol, address: string, env: Env): RegistryPlace {
  return {
    address,
    open: () => {
      const caller = protocol.connect(parseAddress(address), { connectWaitMs: 500 }, env);
      const terms = { env, deadlineMs: 10_000, checkSent: true };
      return makeClient(Registry, { ...terms, caller }, () => caller.close());
    },
  };
}

/** Keeps what is written in memory. */
export class MemoryDisk implements RegistryDisk {
  text: string | undefined;
  aside: string | undefined;
  /** Says what goes wrong with writing; undefined: nothing. */
  broken: string | undefined;
  writes = 0;

  read(): Promise<string | undefined> {
    return Promise.resolve(this.text);
  }

  async write(text: string): Promise<void> {
    await Promise.resolve();
    if (this.broken !== undefined) throw new Error(this.broken);
    this.writes++;
    this.text = text;
  }

  setAside(): Promise<string> {
    this.aside = this.text;
    this.text = undefined;
    return Promise.resolve("aside");
  }
}
