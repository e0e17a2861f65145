import { Deadline } from "../../base/deadline.ts";
import { milliseconds, type Duration } from "../../base/duration.ts";
import type { Env } from "../../base/env.ts";
import { systemError, TrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import type { OutcomeKind } from "../outcome.ts";
import { RetryBudget } from "../retry-budget.ts";
import { innermost, type Work } from "./innermost.ts";
import { mayHaveRun, Scope } from "./scope.ts";
import { foreignOutcome, type Inner, type Place, type Stage } from "./stage.ts";

/** What one call says of itself. */
export interface GuardedCallOptions {
  /** Gives the call up: it rejects with CANCELLED at once, and the signal's reason as `cause`. */
  readonly signal?: AbortSignal | undefined;
  /** Until when an answer is wanted: a duration from now, or an instant. Default: that of the composition. */
  readonly deadline?: Duration | Deadline | undefined;
  /** The lane that it takes its room from. Default `main`. */
  readonly lane?: string | undefined;
}

/** The same function, guarded. */
export type Guarded<In, Out> = (input: In, options?: GuardedCallOptions) => Promise<Out>;

export interface ComposeOptions {
  /** How long a call may take that says nothing itself. Default 10 s; it never waits for ever by accident. `Deadline.never`: as long as it likes. */
  readonly deadline?: Duration | Deadline;
  /** What a failure says, where the default would be wrong: which errors are worth another try, and which speak against the callee. */
  readonly outcome?: (failure: unknown) => OutcomeKind | undefined;
  /** Surroundings for tests: time, timers, randomness. Default: those of the machine. */
  readonly env?: Env;
}

type AnyStage = Stage<unknown, never>;

/** What stages may answer that the function does not. */
export type ExtraOf<S extends readonly AnyStage[]> = [S[number]] extends [never]
  ? never
  : S[number] extends Stage<infer Extra, never>
    ? Extra
    : never;

/** The inputs that all of the stages can deal with. */
export type InputOf<S extends readonly AnyStage[]> = [S[number]] extends [never]
  ? unknown
  : S[number] extends Stage<unknown, infer In>
    ? In
    : never;

/** What is known of one stage now. */
export interface StageState extends Readonly<Record<string, unknown>> {
  readonly stage: string;
}

/** Stages with their state. All functions that it guards share it: make one for each thing that is called. */
export interface Composed<S extends readonly AnyStage[]> {
  around<In extends InputOf<S>, Out>(work: Work<In, Out>): Guarded<In, Out | ExtraOf<S>>;
  /** What each stage has to tell, in their order, for people. */
  state(): StageState[];
}

const lifeMs = 10_000;
const mainLane = "main";

/**
 * Guards any asynchronous function, without a contract or a network: `compose(retry(), breaker(), timeout("1s")).around(fetchPrice)`. The first
 * stage is the outermost. The stages are the gates that a client has; there their order is given, here it is the reader's.
 *
 * A call rejects with what the function threw, or with a TrunklineError: CANCELLED when its signal aborted, DEADLINE_EXCEEDED when its deadline
 * or, with `gate: "timeout"`, one attempt was over, UNAVAILABLE from a breaker, RESOURCE_EXHAUSTED from another gate. `executed` says whether
 * the function was called.
 */
export function compose<const S extends readonly AnyStage[]>(...stages: S): Composed<S> {
  return composeWith({}, ...stages);
}

/** The same with options. */
export function composeWith<const S extends readonly AnyStage[]>(
  options: ComposeOptions,
  ...stages: S
): Composed<S> {
  const { env = realEnv(), outcome } = options;
  const usual = lengthOf(options.deadline ?? lifeMs);
  const budgets = stages.flatMap(({ budget }) => budget ?? []);
  const place: Place = {
    env,
    budget: new RetryBudget(budgets[0] ?? {}, env.now()),
    outcomeOf:
      outcome === undefined
        ? foreignOutcome
        : (failure) => outcome(failure) ?? foreignOutcome(failure),
  };
  const built = stages.map((stage) => ({ name: stage.name, ...stage.build(place) }));
  return {
    around(work) {
      const chain = built.reduceRight<Inner>(
        (inner, stage) => stage.wrap(inner),
        innermost(work as Work<unknown, unknown>),
      );
      return (input, call = {}) => guarded(env, chain, usual, input, call) as never;
    },
    state: () => built.map(({ name, state }) => ({ stage: name, ...state?.(env.now()) })),
  };
}

async function guarded(
  env: Env,
  chain: Inner,
  usual: (now: number) => number,
  input: unknown,
  { signal, deadline, lane = mainLane }: GuardedCallOptions,
): Promise<unknown> {
  const now = env.now();
  const deadlineAt = deadline === undefined ? usual(now) : lengthOf(deadline)(now);
  if (signal?.aborted === true) throw givenUp(signal);
  if (deadlineAt <= now)
    throw systemError("DEADLINE_EXCEEDED", "its deadline was over before it began", {
      executed: "no",
    });
  const scope = new Scope({ env, deadlineAt, lane });
  const giveUp = (): void => scope.cancel(scope.cancelled("the caller gave up", signal!.reason));
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    return await chain(input, scope, undefined);
  } catch (failure) {
    throw ofAll(failure, scope);
  } finally {
    signal?.removeEventListener("abort", giveUp);
    scope.close();
  }
}

/** The last attempt may not have run where an earlier one has: that is what counts for the call. */
function ofAll(failure: unknown, { executed }: Scope): unknown {
  if (executed === "no" || mayHaveRun(failure)) return failure;
  const { code, reason, gate, advice, retryAfterMs, endpointFault, operation, endpoint } =
    failure as TrunklineError;
  const details = { gate, advice, retryAfterMs, endpointFault, operation, endpoint };
  return new TrunklineError(code, reason, { ...details, executed, cause: failure });
}

function givenUp(signal: AbortSignal): Error {
  const reason = "the caller gave up before it began";
  return systemError("CANCELLED", reason, { executed: "no", cause: signal.reason });
}

function lengthOf(deadline: Duration | Deadline): (now: number) => number {
  if (deadline instanceof Deadline) return () => deadline.at;
  const lengthMs = milliseconds(deadline);
  return (now) => now + lengthMs;
}
