import type { Env } from "../base/env.ts";
import { mainLane } from "../discovery/discovery.ts";
import type { Caller, ConnectOptions, Dispatcher } from "../protocol/protocol.ts";
import type { Address } from "../transport/address.ts";
import type { Transport } from "../transport/transport.ts";
import { LateCaller } from "./late-caller.ts";
import { wayTo, type Given, type Way } from "./schemes.ts";

interface Shared {
  readonly caller: Caller;
  users: number;
}

export interface TakenCaller {
  readonly caller: Caller;
  /** Gives the caller back, once; with its last user it closes: what is under way may still end within that time (default: none). */
  readonly release: (withinMs?: number) => Promise<void>;
}

/** One caller for each address and set of bounds: many connections to one endpoint would share no system call. */
export class CallerPool {
  readonly #byTransport = new WeakMap<Transport, WeakMap<Env, Map<string, Shared>>>();

  /**
   * Who serves something to the other side has a caller alone: what it serves is nobody else's. Swim lanes share none.
   */
  take(
    address: Address,
    options: ConnectOptions,
    dispatcher: Dispatcher | undefined,
    env: Env,
    given: Given,
    lane: string = mainLane,
  ): TakenCaller {
    const way = wayTo(address, given);
    const { transport } = way;
    if (dispatcher !== undefined) {
      const caller = connected(way, address, { ...options, dispatcher }, env);
      return { caller, release: (withinMs) => caller.close(withinMs) };
    }
    let byEnv = this.#byTransport.get(transport);
    if (byEnv === undefined) this.#byTransport.set(transport, (byEnv = new WeakMap()));
    let byKey = byEnv.get(env);
    if (byKey === undefined) byEnv.set(env, (byKey = new Map()));
    const factory = given.protocols?.find(({ name }) => name === address.protocol);
    const key = [
      address.protocol,
      address.text,
      lane,
      JSON.stringify(options),
      numberOf(factory),
      numberOf(options.format),
    ].join(" ");
    let shared = byKey.get(key);
    if (shared === undefined) {
      shared = { caller: connected(way, address, options, env), users: 0 };
      byKey.set(key, shared);
    }
    shared.users++;
    const taken = shared;
    let released: Promise<void> | undefined;
    const release = (withinMs?: number): Promise<void> =>
      (released ??= this.#release(byKey, key, taken, withinMs));
    return { caller: taken.caller, release };
  }

  async #release(
    byKey: Map<string, Shared>,
    key: string,
    shared: Shared,
    withinMs?: number,
  ): Promise<void> {
    shared.users--;
    if (shared.users > 0) return;
    if (byKey.get(key) === shared) byKey.delete(key);
    await shared.caller.close(withinMs);
  }
}

function connected(
  { protocol, load }: Way,
  address: Address,
  options: ConnectOptions,
  env: Env,
): Caller {
  if (protocol !== undefined) return protocol.connect(address, options, env);
  return new LateCaller(address.text, async () => (await load()).connect(address, options, env));
}

const numbers = new WeakMap<object, number>();
let numbered = 0;

/** Tells objects apart that JSON shows alike: formats and protocols hold functions. */
export function numberOf(part: object | undefined): number {
  if (part === undefined) return 0;
  let number = numbers.get(part);
  if (number === undefined) numbers.set(part, (number = ++numbered));
  return number;
}
