import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import type { Discovery, Instance, InstanceState, Lease } from "../discovery/discovery.ts";
import { checkerOf, type Checker, type Look } from "./checking.ts";
import type { RegistrarEvent, TargetState } from "./event.ts";
import type { Target } from "./target.ts";

/** How targets are looked at, complete. */
export interface WatchTerms {
  readonly discovery: Discovery;
  readonly ttlMs: number;
  readonly checkMs: number;
  readonly checkWithinMs: number;
  readonly unhealthyAfter: number;
  readonly healthyAfter: number;
  readonly onEvent: (event: RegistrarEvent) => void;
  readonly env: Env;
}

/** One target: looked at, registered while it works, and taken out when it does not. */
export class Watched {
  readonly target: Target;
  readonly #terms: WatchTerms;
  readonly #checker: Checker;
  #lease: Lease | undefined;
  #state: TargetState = "waiting";
  /** Looks of the same kind in a row. */
  #good = 0;
  #bad = 0;
  /** What was told of the lease last, and why it was lost. */
  #lost = false;
  #problem: string | undefined;
  #alarm: Alarm | undefined;
  #closed = false;
  /** One look at a time, and what follows from it. */
  #working: Promise<void>;

  constructor(target: Target, terms: WatchTerms) {
    this.target = target;
    this.#terms = terms;
    this.#checker = checkerOf(target, terms.env);
    this.#working = this.#work();
  }

  get state(): TargetState {
    return this.#state;
  }

  /** Takes it out, unless a newer life of it has been registered since. */
  async close(reason: string): Promise<void> {
    this.#closed = true;
    if (this.#alarm !== undefined) this.#terms.env.clear(this.#alarm);
    const closing = this.#checker.close();
    await this.#working;
    await closing;
    await this.#leave("out", reason);
  }

  async #work(): Promise<void> {
    const look = await this.#checker.look(this.#terms.checkWithinMs);
    if (this.#closed) return;
    await this.#heard(look);
    if (this.#closed) return;
    this.#tellLease();
    const { env, checkMs } = this.#terms;
    // Give or take a tenth: those that were found together are not looked at together for ever.
    const dueMs = env.now() + checkMs * (0.9 + 0.2 * env.random());
    this.#alarm = alarmAt(env, dueMs, () => {
      this.#working = this.#work();
    });
  }

  /** Not at once: two registrars of one target take the lease from each other, and each has it again in no time. */
  #tellLease(): void {
    const lost = this.#lease?.held === false;
    if (lost === this.#lost) return;
    this.#lost = lost;
    this.#tell(lost ? "lost" : "held", lost ? this.#problem : undefined);
  }

  async #heard(look: Look): Promise<void> {
    const { healthyAfter, unhealthyAfter } = this.#terms;
    this.#good = look.as === "healthy" ? this.#good + 1 : 0;
    this.#bad = look.as === "healthy" ? 0 : this.#bad + 1;
    if (look.as === "healthy") {
      // The first time one good look is enough: there is nothing that speaks against it.
      if (this.#state === "waiting" || this.#good >= healthyAfter) await this.#enter();
    } else if (this.#bad >= unhealthyAfter) {
      await this.#leave("out", look.as === "stopping" ? "it says that it stops" : look.reason);
    } else if (look.as === "stopping" && this.#state === "registered") {
      await this.#drain();
    }
  }

  async #enter(): Promise<void> {
    if (this.#state === "registered") return;
    const { discovery, ttlMs, env } = this.#terms;
    try {
      if (this.#lease === undefined) {
        const onChange = (held: boolean, problem?: string): void => {
          if (!held) this.#problem = problem;
        };
        this.#lease = await discovery.register(this.#instance("ready"), { ttlMs, onChange }, env);
        this.#lost = false;
      } else await this.#lease.update(this.#instance("ready"));
      this.#become("registered");
    } catch (error) {
      this.#tell("failed", told(error)); // the next look tries again
    }
  }

  async #drain(): Promise<void> {
    try {
      await this.#lease!.update(this.#instance("draining"));
      this.#become("draining", "it says that it stops");
    } catch (error) {
      this.#tell("failed", told(error));
    }
  }

  async #leave(state: TargetState, reason: string): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#lease = undefined;
    await lease.close();
    this.#become(state, reason);
  }

  #instance(state: InstanceState): Instance {
    const { check: _, ...instance } = this.target;
    return { ...instance, state };
  }

  #become(state: TargetState, reason?: string): void {
    this.#state = state;
    this.#tell(state, reason);
  }

  #tell(what: RegistrarEvent["what"], reason?: string): void {
    this.#terms.onEvent({ id: this.target.id, what, ...(reason === undefined ? {} : { reason }) });
  }
}

function told(error: unknown): string {
  if (isTrunklineError(error)) return error.reason;
  return error instanceof Error ? error.message : String(error);
}
