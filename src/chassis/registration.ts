import { alarmAt } from "../base/alarm.ts";
import { backoff } from "../base/backoff.ts";
import type { Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import type { Discovery, Instance, Lease, Locality } from "../discovery/discovery.ts";
import type { TakenDiscovery } from "./registries.ts";

/** How a process registers itself, so that `service:` addresses lead to it. */
export interface RegistrationOptions {
  /** Where: an address (`etcd://…`, `directory:/run/services`) or a discovery, which stays yours to close. Default: what `TRUNKLINE_DISCOVERY` says, else the directory of this user. */
  readonly discovery?: string | Discovery;
  /** After this time without a sign of life the registry forgets the instance. Renewed at a third of it. Default 10 s. */
  readonly ttl?: Duration;
  /** Names the instance; give one that stays the same after a restart where others rely on it (consistent hashing). Default: another one with each life. */
  readonly id?: string;
  /** The swim lane that it belongs to. Default `main`. */
  readonly lane?: string;
  /** Its share beside others: 2 takes twice what 1 takes. Default 1. */
  readonly weight?: number;
  /** Where it is: nearer callers come first. Default: not known. */
  readonly locality?: Locality;
  /** The name of the store of idempotency keys that its services share with other instances. Default: that of `keys`; without one they share none. */
  readonly keyStore?: string;
  /** Whatever else its users agree on. Default none. */
  readonly meta?: Readonly<Record<string, string>>;
  /** Where it can be reached, the best first, when that is not where it listens: behind a proxy, under a name in a certificate. Default: where it listens. */
  readonly addresses?: readonly string[];
  /**
   * True: without a registry the process does not start. Default false: it starts, and registers as soon as the registry answers:
   * callers that know it from before find it all the same, and a registry that is down must not keep services from starting.
   * What no waiting can mend, a wrong address or a folder of somebody else, is a problem of the start either way.
   */
  readonly required?: boolean;
}

/**
 * `registering`: not yet. `held`: whoever asks the registry finds it. `lost`: it was, and will be again as soon as can be.
 * `left`: it has deregistered.
 */
export type RegistrationState = "registering" | "held" | "lost" | "left";

/** What is known of the registration of a process. */
export interface RegistrationStats {
  readonly state: RegistrationState;
  /** The name of the registry: `directory`, `etcd`. */
  readonly registry: string;
  /** Under which it is registered. */
  readonly id: string;
  readonly addresses: readonly string[];
  /** Why it is not held. */
  readonly problem?: string | undefined;
}

/** What there is to register, and how. */
export interface RegistrationTerms {
  readonly taken: TakenDiscovery;
  readonly instance: Instance;
  readonly ttlMs: number;
  readonly required: boolean;
  readonly env: Env;
}

/** How long the start waits for a registry that is not required, in milliseconds. */
const patienceMs = 2_000;
/** How long stopping waits for a registry that does not answer, in milliseconds; it forgets the instance by itself. */
const farewellMs = 2_000;
/** Between two tries to register for the first time. */
const tries = { baseMs: 500, capMs: 10_000 };

/** What no waiting mends. */
const hopeless: ReadonlySet<string> = new Set([
  "INVALID_ARGUMENT",
  "UNIMPLEMENTED",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
]);

/** The registration of a process, from its start to its end. */
export class Registration {
  readonly #terms: RegistrationTerms;
  #instance: Instance;
  #lease: Lease | undefined;
  #state: RegistrationState = "registering";
  #problem: string | undefined;
  #failures = 0;
  #retry: Alarm | undefined;
  #trying: Promise<void> = Promise.resolve();
  #leaving = false;

  constructor(terms: RegistrationTerms) {
    this.#terms = terms;
    this.#instance = terms.instance;
  }

  get stats(): RegistrationStats {
    const { id, addresses } = this.#instance;
    const registry = this.#terms.taken.discovery.name;
    const problem = this.#problem === undefined ? {} : { problem: this.#problem };
    return { state: this.#state, registry, id, addresses, ...problem };
  }

  /** Registers. Where that is not required, it goes on trying behind the back of whoever calls. */
  async begin(): Promise<void> {
    const { required, env } = this.#terms;
    this.#trying = this.#try();
    if (required) return this.#trying;
    const { promise: patience, resolve } = Promise.withResolvers<void>();
    const alarm = alarmAt(env, env.now() + patienceMs, resolve);
    try {
      await Promise.race([this.#trying, patience]);
    } finally {
      env.clear(alarm);
    }
  }

  /** Takes a contract out, `orders@1`, or in again, while the process lives on. */
  serving(contract: string, is: boolean): void {
    const { contracts } = this.#terms.instance;
    const now = contracts.filter((each) =>
      each === contract ? is : this.#instance.contracts.includes(each),
    );
    this.#change({ contracts: now });
  }

  /** Tells that it is about to go. */
  drain(): void {
    this.#leaving = true;
    if (this.#retry !== undefined) this.#terms.env.clear(this.#retry);
    this.#change({ state: "draining" });
  }

  /** Deregisters. A registry that does not answer is waited for so long, and left to forget. */
  async leave(): Promise<void> {
    const { env, taken } = this.#terms;
    if (!this.#leaving) this.drain();
    const gone = this.#trying
      .catch(() => {})
      .then(() => this.#lease?.close())
      .then(() => taken.release())
      .catch(() => {}); // it forgets us by itself
    const { promise: farewell, resolve } = Promise.withResolvers<void>();
    const alarm = alarmAt(env, env.now() + farewellMs, resolve);
    await Promise.race([gone, farewell]);
    env.clear(alarm);
    this.#become("left");
  }

  #change(change: Partial<Instance>): void {
    this.#instance = { ...this.#instance, ...change };
    // What the registry does not take now, it takes with the next renewal.
    void this.#lease?.update(this.#instance).catch(() => {});
  }

  async #try(): Promise<void> {
    const { taken, ttlMs, required, env } = this.#terms;
    const onChange = (held: boolean, problem?: string): void => {
      this.#become(held ? "held" : "lost", problem);
    };
    const tried = this.#instance;
    try {
      this.#lease = await taken.discovery.register(tried, { ttlMs, onChange }, env);
    } catch (error) {
      const code = isTrunklineError(error) ? error.code : "UNKNOWN";
      this.#become("registering", (error as Error).message);
      if (required || hopeless.has(code)) throw error;
      this.#again();
      return;
    }
    this.#become("held");
    // It has changed while it was being registered.
    if (this.#instance !== tried) this.#change({});
  }

  #again(): void {
    if (this.#leaving) return;
    const { env } = this.#terms;
    const waitMs = backoff(this.#failures++, tries, () => env.random());
    this.#retry = alarmAt(env, env.now() + waitMs, () => {
      this.#trying = this.#try();
      this.#trying.catch(() => {}); // told by `stats`
    });
  }

  #become(state: RegistrationState, problem?: string): void {
    if (this.#state === "left") return;
    this.#state = state;
    this.#problem = problem;
  }
}
