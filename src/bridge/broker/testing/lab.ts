import type { Env } from "../../../base/env.ts";
import { makeClient } from "../../../call/client.ts";
import { serve, Services } from "../../../call/serve.ts";
import type { Broker } from "../../../broker/broker.ts";
import { SharedMemory } from "../../../broker/memory/shared-memory.ts";
import { MemoryStore } from "../../../broker/memory/store.ts";
import type { SharedBroker } from "../../../broker/shared-broker.ts";
import type { Protocol, Server } from "../../../protocol/protocol.ts";
import { parseAddress } from "../../../transport/address.ts";
import { RemoteBroker as Contract } from "../contract.ts";
import { RemoteBroker } from "../remote-broker.ts";
import { messageBytesMax } from "../bounds.ts";
import { BrokerServer } from "../server.ts";

const waitMs = 10_000;

/** A served broker that can be cut off from those who use it, at one address. */
export class BrokerLab {
  readonly server: BrokerServer;
  readonly #shared: SharedBroker;
  readonly #protocol: Protocol;
  readonly #address: string;
  readonly #env: Env;
  #listening: Server | undefined;

  constructor(
    protocol: Protocol,
    address: string,
    env: Env,
    shared: SharedBroker = new SharedMemory(new MemoryStore({ bytesMax: messageBytesMax }, env)),
  ) {
    this.#protocol = protocol;
    this.#address = address;
    this.#env = env;
    this.#shared = shared;
    this.server = new BrokerServer(this.#shared, env);
  }

  /** The same broker without a connection. */
  local(): Broker {
    return this.#shared.open("");
  }

  async start(): Promise<void> {
    const services = [serve(Contract, this.server.handlers)];
    const dispatcher = new Services(services, { interceptors: [], checkSent: true }, this.#env);
    const address = parseAddress(this.#address);
    this.#listening = await this.#protocol.serve(address, dispatcher, {}, this.#env);
  }

  open(name: string = "user"): Promise<RemoteBroker> {
    const address = this.#listening!.address;
    const open = (): ReturnType<typeof makeClient<typeof Contract>> => {
      const caller = this.#protocol.connect(address, { connectWaitMs: 500 }, this.#env);
      const terms = { env: this.#env, deadlineMs: waitMs, checkSent: true };
      return makeClient(Contract, { ...terms, caller }, () => caller.close());
    };
    return RemoteBroker.open({ address: address.text, open }, { name, waitMs }, this.#env);
  }

  /** All connections break; what the broker has stays. */
  async cut(): Promise<void> {
    await this.#listening!.drain(0);
    await this.start();
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.#listening!.drain(1_000);
  }
}
