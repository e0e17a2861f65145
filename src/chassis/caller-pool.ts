import type { Env } from "../base/env.ts";
import type { Caller, ConnectOptions } from "../protocol/protocol.ts";
import type { Address } from "../transport/address.ts";
import type { Transport } from "../transport/transport.ts";
import { wayTo } from "./schemes.ts";

interface Shared {
  readonly caller: Caller;
  users: number;
}

/** One caller for each address and set of bounds: many connections to one endpoint would share no system call. */
export class CallerPool {
  readonly #byTransport = new WeakMap<Transport, WeakMap<Env, Map<string, Shared>>>();

  /** `release` gives the caller back, once; with the last user it closes. */
  take(
    address: Address,
    options: ConnectOptions,
    env: Env,
    transports: readonly Transport[] | undefined,
  ): { readonly caller: Caller; readonly release: () => Promise<void> } {
    const { protocol, transport } = wayTo(address, transports);
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
