import { isTrunklineError } from "../../base/error.ts";
import { boundedWhole } from "../bounded.ts";
import { innermost } from "./innermost.ts";
import { Hold, type Run } from "./scope.ts";
import { refused, type Place, type Stage } from "./stage.ts";

export interface FallbackOptions {
  /** Fallback functions under way at once, 1 to 1,000,000: they must not become the next overload. Default 10 (Hystrix). */
  readonly max?: number;
}

/**
 * Answers in the place of what failed, with a value or by another function. Not when the application said no: that is an answer, and the other
 * function would only hide it; nor when the caller gave up. When the deadline is over there is only time for a value.
 */
export function fallback<Extra, In = unknown>(
  other: (failure: unknown, input: In, run: Run) => Extra | Promise<Extra>,
  options?: FallbackOptions,
): Stage<Extra, NoInfer<In>>;
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
            if (isAnswer(failure, place)) throw failure;
            if (typeof other === "function") {
              if (scope.failure !== undefined) throw failure; // no time is left for another function
              if (underWay >= max) throw crowded(max, failure);
            }
            used++;
            if (typeof other !== "function") return other;
            underWay++;
            const own = new Hold(hold);
            const instead = async (given: unknown, run: Run): Promise<unknown> =>
              (other as Other)(failure, given, run);
            try {
              return await innermost(instead)(input, scope, own);
            } finally {
              own.whenIdle(() => underWay--);
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
  if (isTrunklineError(failure) && failure.code === "CANCELLED" && !failure.declared) return true;
  return outcomeOf(failure) === "appError";
}

function crowded(max: number, failure: unknown): unknown {
  const told = failure instanceof Error ? failure.message : String(failure);
  return refused(
    "fallback",
    `${max} fallbacks are under way, and the call has failed: ${told}`,
    "give fallback() more room, or a value",
  );
}
