import { sleep } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import { systemError } from "../../../base/error.ts";
import { memory, MemoryRegistry } from "../../../discovery/memory/index.ts";
import type { Discovery } from "../../../discovery/discovery.ts";
import type { Protocol, Server } from "../../../protocol/protocol.ts";
import { rsocket } from "../../../protocol/rsocket/index.ts";
import { parseAddress } from "../../../transport/address.ts";
import { memory as memoryTransport, MemoryNames } from "../../../transport/memory/index.ts";
import type { Broker } from "../../../broker/broker.ts";
import { DirectBroker } from "../direct.ts";
import type { Ground } from "../ground.ts";

export interface LabTerms {
  readonly env: Env;
  readonly waitMs?: number;
  /** Default: in this process. */
  readonly protocol?: Protocol;
  /** Default: in this process. */
  readonly discovery?: Discovery;
  /** Where the process of this number listens. Default `memory:pN`. */
  readonly addressOf?: (index: number) => string;
}

/** A registry within the process tells in a turn. */
const toldMs = 1;

/** Processes without a broker between them, in one process; each can be cut off, as if it were killed. */
export class DirectLab {
  readonly registry: MemoryRegistry = new MemoryRegistry();
  readonly #terms: LabTerms;
  readonly #protocol: Protocol;
  readonly #discovery: Discovery;
  readonly #servers = new Map<DirectBroker, () => Server | undefined>();
  #count = 0;

  constructor(terms: LabTerms) {
    this.#terms = terms;
    this.#protocol = terms.protocol ?? rsocket(memoryTransport(new MemoryNames()));
    this.#discovery = terms.discovery ?? memory(this.registry);
  }

  /** A process, which has the surroundings of the lab if it has none of its own. */
  open(name: string = "p", env: Env = this.#terms.env): DirectBroker {
    const { waitMs, addressOf = (index) => `memory:p${index}` } = this.#terms;
    const index = ++this.#count;
    let server: Server | undefined;
    const ground: Ground = {
      discovery: this.#discovery,
      listen: async (dispatcher, instance) => {
        const address = parseAddress(addressOf(index));
        const listening = await this.#protocol.serve(
          address,
          dispatcher,
          { instance, bootId: instance },
          env,
        );
        server = listening;
        const close = async (withinMs: number): Promise<void> =>
          void (await listening.drain(withinMs));
        return { addresses: [listening.address.text], close };
      },
      dial: ({ id, addresses: [address] }) => {
        if (address === undefined)
          throw systemError("UNAVAILABLE", `${id} has no address`, { executed: "no" });
        const caller = this.#protocol.connect(parseAddress(address), { failFast: true }, env);
        return { caller, release: () => caller.close() };
      },
      release: () => Promise.resolve(),
    };
    const terms = { name, namespace: undefined, ...(waitMs === undefined ? {} : { waitMs }) };
    const broker = new DirectBroker(terms, ground, env);
    this.#servers.set(broker, () => server);
    return broker;
  }

  /** One whose consumers are known to everybody when `consume` resolves: elsewhere that takes as long as discovery does. */
  openTold(name: string): Broker {
    const broker = this.open(name);
    const told = async <T>(opened: Promise<T>): Promise<T> => {
      const result = await opened;
      await this.told();
      return result;
    };
    return new Proxy<Broker>(broker, {
      get: (target, member) => {
        if (member === "consume")
          return (...given: Parameters<Broker["consume"]>) => told(target.consume(...given));
        const value: unknown = Reflect.get(target, member, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** Resolves when everybody has been told what discovery knows. */
  told(): Promise<void> {
    return sleep(this.#terms.env, toldMs);
  }

  /** Its connections break and nobody can come any more; discovery goes on to tell of it. */
  async cut(broker: DirectBroker): Promise<void> {
    await this.#servers.get(broker)?.()?.drain(0);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.keys()].map((each) => each.close()));
    await this.#discovery.close();
  }
}
