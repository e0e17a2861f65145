import { Deadline } from "../../base/deadline.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";

/** What a guarded function learns of the call, beside its input. */
export interface Run {
  /** Aborts when nobody wants the answer of this attempt any more; its reason is the error that the caller gets. */
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  /** 1 for the first one. */
  readonly attempt: number;
}

/** Something that ends early when the call does. */
export interface Cancellable {
  cancel(failure: TrunklineError): void;
}

interface ScopeParts {
  readonly env: Env;
  readonly deadlineAt: number;
  readonly lane: string;
  readonly attempt?: number;
  readonly parent?: Scope;
}

/** The life of a call, or of one attempt of it: until when it may take, and who ends with it. Makes no AbortController unless somebody looks. */
export class Scope extends Alarm implements Run, Cancellable {
  readonly env: Env;
  readonly deadlineAt: number;
  readonly lane: string;
  readonly attempt: number;
  readonly #parent: Scope | undefined;
  #failure: TrunklineError | undefined;
  #dependents: Set<Cancellable> | undefined;
  #abort: AbortController | undefined;
  readonly #root: Scope;
  /** Of the root: attempts that have not ended, and whether one has ended that may have run. */
  #underWay = 0;
  #ran = false;

  constructor({ env, deadlineAt, lane, attempt = 1, parent }: ScopeParts) {
    super();
    this.env = env;
    this.deadlineAt = Math.min(deadlineAt, parent?.deadlineAt ?? Infinity);
    this.lane = lane;
    this.attempt = attempt;
    this.#parent = parent;
    this.#root = parent === undefined ? this : parent.#root;
    this.#failure = parent?.failure;
    parent?.bind(this);
    if (parent === undefined || deadlineAt < parent.deadlineAt) env.set(this, this.deadlineAt);
  }

  /** Why nobody wants the answer any more; undefined while somebody does. */
  get failure(): TrunklineError | undefined {
    return this.#failure;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#failure !== undefined) this.#abort.abort(this.#failure);
    }
    return this.#abort.signal;
  }

  get deadline(): Deadline {
    return new Deadline(this.deadlineAt);
  }

  /** A part of this one, which may end earlier, and ends with it. Close it when it is over. */
  part(deadlineAt: number, attempt: number = this.attempt): Scope {
    return new Scope({ env: this.env, deadlineAt, lane: this.lane, attempt, parent: this });
  }

  bind(dependent: Cancellable): void {
    (this.#dependents ??= new Set()).add(dependent);
  }

  unbind(dependent: Cancellable): void {
    this.#dependents?.delete(dependent);
  }

  /** The function is called: until it has ended nobody knows whether it ran. */
  begin(): void {
    this.#root.#underWay++;
  }

  end(ran: boolean): void {
    this.#root.#underWay--;
    if (ran) this.#root.#ran = true;
  }

  /** Of all attempts of this call together. */
  get executed(): "no" | "maybe" {
    return this.#root.#ran || this.#root.#underWay > 0 ? "maybe" : "no";
  }

  cancel(failure: TrunklineError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    const dependents = this.#dependents;
    this.#dependents = undefined;
    for (const each of dependents ?? []) each.cancel(failure);
    this.#abort?.abort(failure);
  }

  cancelled(reason: string, cause?: unknown): TrunklineError {
    return systemError("CANCELLED", reason, { executed: this.executed, cause });
  }

  /** The time of this one is over: of the whole call, or of one attempt. */
  ring(): void {
    const { executed } = this;
    const call = this.#parent === undefined;
    this.cancel(
      systemError("DEADLINE_EXCEEDED", call ? "no answer in time" : "an attempt took too long", {
        executed,
        gate: call ? undefined : "timeout",
        endpointFault: call ? undefined : true,
        advice: call ? "give it a later deadline" : "give timeout() more, or let retry() try again",
      }),
    );
  }

  /** It is over: nothing rings any more, and nothing holds on to it. */
  close(): void {
    this.env.clear(this);
    this.#parent?.unbind(this);
  }
}

/** Whether a function that failed so may have run. */
export function mayHaveRun(failure: unknown): boolean {
  return !isTrunklineError(failure) || failure.executed !== "no";
}

/** What must not be given back before the work has really ended, also when nobody waits for it any more. */
export class Hold {
  readonly #outer: Hold | undefined;
  #running = 0;
  #idle: (() => void) | undefined;

  constructor(outer: Hold | undefined) {
    this.#outer = outer;
  }

  begin(): void {
    this.#running++;
    this.#outer?.begin();
  }

  end(): void {
    if (--this.#running === 0) this.#idle?.();
    this.#outer?.end();
  }

  /** Calls `idle` when nothing runs any more. To be asked when nothing more will begin. */
  whenIdle(idle: () => void): void {
    if (this.#running === 0) idle();
    else this.#idle = idle;
  }
}

/** Resolves at that instant; rejects with the scope's failure as soon as it has one. */
export function pause(scope: Scope, until: number): Promise<void> {
  if (scope.failure !== undefined) return Promise.reject(scope.failure);
  return new Promise((resolve, reject) => {
    scope.env.set(new Pause(scope, resolve, reject), until);
  });
}

class Pause extends Alarm implements Cancellable {
  readonly #scope: Scope;
  readonly #resolve: () => void;
  readonly #reject: (failure: TrunklineError) => void;

  constructor(scope: Scope, resolve: () => void, reject: (failure: TrunklineError) => void) {
    super();
    this.#scope = scope;
    this.#resolve = resolve;
    this.#reject = reject;
    scope.bind(this);
  }

  ring(): void {
    this.#scope.unbind(this);
    this.#resolve();
  }

  cancel(failure: TrunklineError): void {
    this.#scope.env.clear(this);
    this.#reject(failure);
  }
}
