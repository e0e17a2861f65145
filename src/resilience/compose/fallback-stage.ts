import { boundedWhole } from "../bounded.ts";
import type { Run } from "./scope.ts";
import { refused, type Place, type Stage } from "./stage.ts";

export interface FallbackOptions {
  /** Fallback functions under way at once, 1 to 1,000,000: they must not become the next overload. Default 10 (Hystrix). */
  readonly max?: number;
}

/**
 * Answers in the place of what failed, with a value or by another function. Not when the application said no: that is an answer, and the other
 * function would only hide it; nor when the caller gave up.
 */
export function fallback<Extra, In = unknown>(
  other: (failure: unknown, input: In, run: Run) => Extra | Promise<Extra>,
  options?: FallbackOptions,
): Stage<Extra, In>;
export function fallback<Extra>(other: Extra, options?: FallbackOptions): Stage<Extra>;
export function fallback(other: unknown, options: FallbackOptions = {}): Stage<unknown> {
  const max = boundedWhole("fallback max", options.max ?? 10, 1, 1_000_000);
  return {
    name: "fallback",
    build(place) {
      let underWay = 0;
      let used = 0;
      return {
        wrap: (inner) => async (input, scope, hold) => {
          try {
            return await inner(input, scope, hold);
          } catch (failure) {
            if (scope.failure !== undefined || isAnswer(failure, place)) throw failure;
            used++;
            if (typeof other !== "function") return other;
            if (underWay >= max) throw crowded(max, failure);
            underWay++;
            try {
              return await (other as Other)(failure, input, scope);
            } finally {
              underWay--;
            }
          }
        },
        state: () => ({ used, underWay }),
      };
    },
  };
}

type Other = (failure: unknown, input: unknown, run: Run) => unknown;

/** The application has said no, or nobody wants to know any more. */
export function isAnswer(failure: unknown, { outcomeOf }: Place): boolean {
  const outcome = outcomeOf(failure);
  return outcome === "appError" || outcome === "cancelled";
}

function crowded(max: number, failure: unknown): unknown {
  const told = failure instanceof Error ? failure.message : String(failure);
  return refused(
    "fallback",
    `${max} fallbacks are under way, and the call has failed: ${told}`,
    "give fallback() more room, or a value",
  );
}
