import { alarmAt } from "../base/alarm.ts";
import { backoff } from "../base/backoff.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError } from "../base/error.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import type { Instance, Lease, RegisterOptions } from "./discovery.ts";
import { readInstance } from "./instance.ts";

/** What a registry can do with one registration. Each act is tried for at most one time to live. */
export interface LeaseActs {
  /**
   * Registers under a new lease; also when only the instance has changed. The first time, whatever is there under this id is
   * replaced: it was left over by the life before. `again`: only what has the same `bootId`, or nothing; false, and nothing is
   * changed, when another life has registered the id since.
   */
  take(instance: Instance, again: boolean): Promise<boolean>;
  /** Renews the lease; false when the registry does not know it any more, or knows another one by now. */
  renew(): Promise<boolean>;
  /** Deregisters, unless somebody else has registered the same id since. */
  give(): Promise<void>;
}

/** Shorter ones would be lost by a long garbage collection, in milliseconds. */
export const ttlMsMin = 100;
/** Longer ones would keep the dead for ever, in milliseconds: one day. */
export const ttlMsMax = 86_400_000;
/** The time to live of whoever names none, in milliseconds. */
const ttlMsDefault = 10_000;

/** The time to live that was asked for. Refuses with INVALID_ARGUMENT what is out of bounds. */
export function ttlOf({ ttlMs = ttlMsDefault }: RegisterOptions): number {
  if (ttlMs >= ttlMsMin && ttlMs <= ttlMsMax) return ttlMs;
  const reason = `a lease lives from ${ttlMsMin} ms to one day, not ${ttlMs} ms`;
  throw systemError("INVALID_ARGUMENT", reason, { executed: "no", advice: "give another `ttlMs`" });
}

/**
 * Registers, and renews at a third of the time to live, give or take a tenth, so that those who have registered together
 * do not come together. A lease that is lost, or that was not renewed in time because this process stood still, is taken anew,
 * unless another life has registered the id meanwhile: then it is lost as long as that one is there. While the registry does not answer it is tried again with a back-off
 * up to a third of the time to live.
 *
 * @throws TrunklineError UNAVAILABLE when the registry does not take it; INVALID_ARGUMENT when it is no instance.
 */
export async function keepLease(
  acts: LeaseActs,
  instance: Instance,
  options: RegisterOptions,
  env: Env,
): Promise<Lease> {
  const kept = new KeptLease(acts, readInstance(instance), options, env);
  await kept.begin();
  return kept;
}

class KeptLease implements Lease {
  readonly #acts: LeaseActs;
  readonly #ttlMs: number;
  readonly #onChange: (held: boolean, problem?: string) => void;
  readonly #env: Env;
  #instance: Instance;
  /** When the registry was asked for what it last granted: it may have counted from then on. */
  #grantedAt = -Infinity;
  /** True from the beginning: that the first lease is there needs no telling. */
  #held = true;
  /** False: the next act takes the lease anew. */
  #known = false;
  /** The instance has changed since it was taken last: renewing is not enough. */
  #changed = false;
  /** Another life has the id. */
  #superseded = false;
  #failures = 0;
  /** Why the last act failed. */
  #problem: string | undefined;
  #alarm: Alarm | undefined;
  /** Acts come one after the other. */
  #acting: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(acts: LeaseActs, instance: Instance, options: RegisterOptions, env: Env) {
    this.#acts = acts;
    this.#ttlMs = ttlOf(options);
    this.#onChange = options.onChange ?? (() => {});
    this.#instance = instance;
    this.#env = env;
  }

  get held(): boolean {
    return this.#held && !this.#expired();
  }

  async begin(): Promise<void> {
    try {
      await this.#take(false);
    } catch (error) {
      if (isTrunklineError(error)) throw error;
      const reason = `the registry does not take the instance: ${told(error)}`;
      throw systemError("UNAVAILABLE", reason, { executed: "no", cause: error });
    }
    this.#next();
  }

  async update(instance: Instance): Promise<void> {
    const { id, bootId } = this.#instance;
    this.#instance = { ...readInstance(instance), id, bootId };
    if (this.#closed !== undefined) return;
    // Not by `#known`: a renewal under way would make that true again.
    this.#changed = true;
    await this.#act(() => this.#keep());
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#alarm !== undefined) this.#env.clear(this.#alarm);
    this.#held = false;
    // A registry that cannot be reached forgets the instance by itself.
    await this.#act(() => this.#within(this.#acts.give())).catch(() => {});
  }

  #expired(): boolean {
    return this.#env.now() - this.#grantedAt >= this.#ttlMs;
  }

  #next(): void {
    if (this.#closed !== undefined) return;
    this.#alarm = alarmAt(this.#env, this.#env.now() + this.#waitMs(), () => {
      void this.#act(() => this.#keep())
        .catch(() => {}) // told by `onChange`; tried again
        .then(() => this.#next());
    });
  }

  #waitMs(): number {
    const random = (): number => this.#env.random();
    const third = this.#ttlMs / 3;
    if (this.#failures > 0)
      return backoff(this.#failures - 1, { baseMs: third / 4, capMs: third }, random);
    // The other life may be a dead one, of which the registry has heard too late: then its lease ends.
    return (this.#superseded ? this.#ttlMs : third) * (0.9 + 0.2 * random());
  }

  #act<T>(run: () => Promise<T>): Promise<T> {
    const acting = this.#acting.then(run);
    this.#acting = acting.catch(() => {});
    return acting;
  }

  async #keep(): Promise<void> {
    if (this.#closed !== undefined) return;
    try {
      const renewable = this.#known && !this.#changed && !this.#expired();
      if (!renewable || !(await this.#renew())) await this.#take(true);
      this.#failures = 0;
      this.#problem = undefined;
    } catch (error) {
      this.#failures++;
      this.#problem = told(error);
      // Who is not sure of the lease has lost it only when its time is over: one lost packet is no reason to tell.
      if (this.#expired()) this.#become(false, this.#problem);
      throw error;
    }
  }

  async #renew(): Promise<boolean> {
    const from = this.#env.now();
    const known = await this.#within(this.#acts.renew());
    if (known) this.#granted(from);
    else this.#become(false, "the registry does not know the lease any more");
    return known;
  }

  async #take(again: boolean): Promise<void> {
    if (this.#known && this.#expired())
      this.#become(false, this.#problem ?? "it was not renewed in time: this process stood still");
    this.#known = false;
    this.#changed = false;
    const from = this.#env.now();
    let taken: boolean;
    try {
      taken = await this.#within(this.#acts.take(this.#instance, again));
    } catch (error) {
      this.#changed = true;
      throw error;
    }
    this.#superseded = !taken;
    if (taken) this.#granted(from);
    else this.#become(false, "another life has registered this id");
  }

  #granted(from: number): void {
    this.#grantedAt = from;
    this.#known = true;
    this.#become(true);
  }

  #become(held: boolean, problem?: string): void {
    if (!held) this.#known = false;
    if (this.#held === held || this.#closed !== undefined) return;
    this.#held = held;
    this.#onChange(held, problem);
  }

  /** No act waits for ever, whatever its registry does. */
  #within<T>(act: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const dueMs = this.#env.now() + this.#ttlMs;
      const alarm = alarmAt(this.#env, dueMs, () =>
        reject(
          systemError("UNAVAILABLE", `the registry did not answer within ${this.#ttlMs} ms`, {
            executed: "maybe",
          }),
        ),
      );
      act.then(resolve, reject).finally(() => this.#env.clear(alarm));
    });
  }
}

function told(error: unknown): string {
  if (isTrunklineError(error)) return error.reason;
  return error instanceof Error ? error.message : String(error);
}
