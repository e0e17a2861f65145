import type { Env } from "../base/env.ts";
import { callerOf, client, close } from "../chassis/client.ts";
import type { ClientOptions } from "../chassis/client-options.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import type { Caller } from "../protocol/protocol.ts";

/** How long what is under way may take when its table is no longer used: as long as any call. */
const closingWithin = "10s";

interface Kept {
  readonly caller: Caller;
  readonly close: () => Promise<void>;
  users: number;
}

/** The clients by which operations go on: one for each contract and address, shared by all tables that use it. */
export class Upstreams {
  readonly #options: ClientOptions;
  readonly #env: Env;
  readonly #kept = new Map<string, Kept>();
  readonly #closing = new Set<Promise<void>>();

  constructor(options: ClientOptions, env: Env) {
    this.#options = options;
    this.#env = env;
  }

  /** Throws when nothing can be called there. What `release` gives is called once. */
  take(
    contract: AnyContract,
    address: string,
    retry: boolean,
  ): { readonly caller: Caller; readonly release: () => void } {
    const { name, major } = contract[info];
    const key = `${name}@${major} ${retry} ${address}`;
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      const made = client(contract, address, {
        ...this.#options,
        ...(retry ? {} : { retry: false }),
        checkSent: false, // who serves it checks what it gets
        env: this.#env,
      });
      kept = {
        caller: callerOf(made),
        close: () => close(made, { within: closingWithin }),
        users: 0,
      };
      this.#kept.set(key, kept);
    }
    kept.users++;
    const own = kept;
    return { caller: own.caller, release: () => this.#release(key, own) };
  }

  #release(key: string, kept: Kept): void {
    kept.users--;
    if (kept.users > 0) return;
    this.#kept.delete(key);
    this.#track(kept.close());
  }

  #track(closing: Promise<void>): void {
    const done = closing.catch(() => {}).finally(() => this.#closing.delete(done));
    this.#closing.add(done);
  }

  /** Resolves when all that was released is closed. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }
}
