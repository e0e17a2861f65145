import type { Env } from "../base/env.ts";
import type { Caller, ConnectOptions, Dispatcher } from "../protocol/protocol.ts";
import type { Address } from "../transport/address.ts";
import type { Transport } from "../transport/transport.ts";
import { wayTo } from "./schemes.ts";

interface Shared {
  readonly caller: Caller;
  users: number;
}

export interface TakenCaller {
  readonly caller: Caller;
  /** Gives the caller back, once; with its last user it closes. */
  readonly release: () => Promise<void>;
}

/** One caller for each address and set of bounds: many connections to one endpoint would share no system call. */
export class CallerPool {
  readonly #byTransport = new WeakMap<Transport, WeakMap<Env, Map<string, Shared>>>();

  /** Who serves something to the other side has a caller alone: what it serves is nobody else's. */
  take(
    address: Address,
    options: ConnectOptions,
    dispatcher: Dispatcher | undefined,
    env: Env,
    transports: readonly Transport[] | undefined,
  ): TakenCaller {
    const { protocol, transport } = wayTo(address, transports);
    if (dispatcher !== undefined) {
      const caller = protocol.connect(address, { ...options, dispatcher }, env);
      return { caller, release: () => caller.close() };
    }
    let byEnv = this.#byTransport.get(transport);
    if (byEnv === undefined) this.#byTransport.set(transport, (byEnv = new WeakMap()));
    let byKey = byEnv.get(env);
    if (byKey === undefined) byEnv.set(env, (byKey = new Map()));
    const key = `${address.protocol} ${address.text} ${JSON.stringify(options)}`;
    let shared = byKey.get(key);
    if (shared === undefined) {
      shared = { caller: protocol.connect(address, options, env), users: 0 };
      byKey.set(key, shared);
    }
    shared.users++;
    const taken = shared;
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => (released ??= this.#release(byKey, key, taken));
    return { caller: taken.caller, release };
  }

  async #release(byKey: Map<string, Shared>, key: string, shared: Shared): Promise<void> {
    shared.users--;
    if (shared.users > 0) return;
    if (byKey.get(key) === shared) byKey.delete(key);
    await shared.caller.close();
  }
}
