import { milliseconds, type Duration } from "../../base/duration.ts";
import { systemError } from "../../base/error.ts";
import { AnswerCache } from "../answer-cache.ts";
import { isAnswer } from "./fallback-stage.ts";
import { mayHaveRun, Scope } from "./scope.ts";
import type { Stage } from "./stage.ts";

export interface CacheStageOptions<In> {
  /** Inputs with the same key have the same answer. Default: the input as JSON. */
  readonly key?: (input: In) => string;
  /** How long an answer is as good as new; 0: only callers at the same time share one. Default 5 s. */
  readonly ttl?: Duration;
  /** How long after that it is still given instead of a failure. Default 0: never. */
  readonly stale?: Duration;
  /** Answers that are kept. Default 1,000; who was not asked for the longest goes first. */
  readonly entriesMax?: number;
}

/**
 * Gives an answer again for a while, and calls only once however many ask at the same time. Who gives up leaves the others their answer. All
 * get the same value: it must not be changed. Only for functions whose answer depends on nothing but the input.
 */
export function cache<In = unknown>(
  options: CacheStageOptions<In> = {},
): Stage<never, NoInfer<In>> {
  const keyOf = (options.key ?? jsonOf) as (input: unknown) => string;
  const checked = {
    ttlMs: milliseconds(options.ttl ?? "5s"),
    staleMs: milliseconds(options.stale ?? 0),
    ...(options.entriesMax === undefined ? {} : { entriesMax: options.entriesMax }),
  };
  return {
    name: "cache",
    build(place) {
      const { env } = place;
      const answers = new AnswerCache<unknown>(checked);
      const now = (): number => env.now();
      return {
        wrap: (inner) => async (input, scope, hold) => {
          const key = keyOf(input);
          const kept = answers.fresh(key, env.now());
          if (kept !== undefined) return kept.value;
          const load = (signal: AbortSignal): Promise<unknown> =>
            apart(scope, signal, (own) => inner(input, own, hold));
          scope.begin();
          let ran = true;
          try {
            return await answers.get(key, load, now, scope.signal);
          } catch (failure) {
            ran = mayHaveRun(failure);
            if (isAnswer(failure, place)) throw failure;
            const old = answers.stale(key, env.now());
            if (old === undefined) throw failure;
            return old.value;
          } finally {
            scope.end(ran);
          }
        },
        state: () => ({ size: answers.size }),
      };
    },
  };
}

/** Loads for whoever asks for it: with the time of the first one, but it does not end with him. */
async function apart(
  { env, deadlineAt, lane }: Scope,
  signal: AbortSignal,
  load: (own: Scope) => Promise<unknown>,
): Promise<unknown> {
  const own = new Scope({ env, deadlineAt, lane });
  const leave = (): void => own.cancel(own.cancelled("nobody waits for it any more"));
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await load(own);
  } finally {
    signal.removeEventListener("abort", leave);
    own.close();
  }
}

function jsonOf(input: unknown): string {
  if (typeof input === "string") return input;
  try {
    return JSON.stringify(input) ?? "";
  } catch (cause) {
    throw systemError("INVALID_ARGUMENT", "the input cannot be written as JSON", {
      executed: "no",
      advice: "give cache() a key: cache({ key: (input) => input.id })",
      cause,
    });
  }
}
