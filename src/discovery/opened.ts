import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import type { Instance, Lease, RegisterOptions, Watch } from "./discovery.ts";
import { keepLease, type LeaseActs } from "./keep-lease.ts";

/** The watches and leases that a discovery has opened and that are not closed yet: they close with it. */
export class Opened {
  readonly #open: Set<Watch | Lease> = new Set();
  #closed: Promise<void> | undefined;

  get size(): number {
    return this.#open.size;
  }

  add(watch: Watch): void {
    this.#open.add(watch);
  }

  delete(watch: Watch): void {
    this.#open.delete(watch);
  }

  /** As `keepLease`; nobody is registered by what was closed meanwhile. */
  async keep(
    acts: LeaseActs,
    instance: Instance,
    options: RegisterOptions,
    env: Env,
  ): Promise<Lease> {
    const give = (): Promise<void> => {
      this.#open.delete(lease);
      return acts.give();
    };
    const lease: Lease = await keepLease({ ...acts, give }, instance, options, env);
    if (this.#closed === undefined) {
      this.#open.add(lease);
      return lease;
    }
    await lease.close();
    throw systemError("UNAVAILABLE", "the discovery is closed", { executed: "no" });
  }

  close(): Promise<void> {
    return (this.#closed ??= Promise.all([...this.#open].map((each) => each.close())).then(
      () => {},
    ));
  }
}
