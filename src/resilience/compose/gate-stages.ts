import { AimdLimit, type AimdLimitOptions } from "../aimd-limit.ts";
import { Breaker, noPermit, type BreakerOptions } from "../breaker.ts";
import { isRejection, type Gate } from "../gate.ts";
import type { OutcomeKind } from "../outcome.ts";
import { Throttle, type ThrottleOptions } from "../throttle.ts";
import { Hold } from "./scope.ts";
import { refused, type Inner, type Place, type Stage } from "./stage.ts";

/** Calls nothing for a while that has failed too often; then a single call tries whether it is well again. */
export function breaker(options: BreakerOptions = {}): Stage {
  return {
    name: "breaker",
    build(place) {
      const { env } = place;
      const machine = new Breaker(options, env.random);
      return {
        wrap: (inner) => async (input, scope, hold) => {
          const permit = machine.tryAcquire(env.now());
          if (permit === noPermit) throw open(machine, env.now());
          return settled(inner(input, scope, hold), place, (outcome) =>
            machine.release(permit, outcome, env.now()),
          );
        },
        state: (now) => ({ state: machine.state(now), retryAt: machine.retryAt(now) }),
      };
    },
  };
}

function open(machine: Breaker, now: number): Error {
  const retryAfterMs = Math.max(0, Math.ceil((machine.retryAt(now) ?? now) - now));
  return refused(
    "breaker",
    `it has failed too often lately, and is ${machine.state(now) === "open" ? "left alone" : "being tried"}`,
    "call it later; `fallback()` answers meanwhile",
    retryAfterMs,
  );
}

/** Refuses a growing share of calls while most of them are turned down for overload. */
export function throttle(options: ThrottleOptions = {}): Stage {
  return {
    name: "throttle",
    build(place) {
      const { env } = place;
      const machine = new Throttle(options, env.random, env.now());
      return {
        wrap: (inner) => async (input, scope, hold) => {
          if (!machine.tryAcquire(env.now()))
            throw refused(
              "throttle",
              "most calls are turned down for overload",
              "call less, or later: a share is let through and grows as it recovers",
            );
          return settled(inner(input, scope, hold), place, (outcome) =>
            machine.release(outcome, env.now()),
          );
        },
        state: (now) => ({ rejectionRate: machine.rejectionRate(now) }),
      };
    },
  };
}

/** Bounds what is under way at once, and learns the bound: more with each answer, a tenth less when something is dropped. */
export function limit(options: AimdLimitOptions = {}): Stage {
  return {
    name: "limit",
    build(place) {
      const { env } = place;
      const machine = new AimdLimit(options);
      return {
        wrap: (inner) => async (input, scope, outer) => {
          if (!machine.tryAcquire())
            throw refused(
              "limit",
              `${machine.inFlight} calls are under way, as many as it seems to bear`,
              "call less at once",
            );
          const hold = new Hold(outer);
          const from = env.now();
          return settled(inner(input, scope, hold), place, (outcome) => {
            const tookMs = env.now() - from;
            hold.whenIdle(() => machine.release(outcome, tookMs, env.now()));
          });
        },
        state: () => ({ limit: machine.limit, inFlight: machine.inFlight }),
      };
    },
  };
}

/** Any gate of one's own. */
export function gate(own: Gate): Stage {
  return {
    name: own.name,
    build(place) {
      const { env } = place;
      const wrap =
        (inner: Inner): Inner =>
        async (input, scope, outer) => {
          const from = env.now();
          const { deadlineAt, lane } = scope;
          const answer = own.tryAcquire({ now: from, deadlineAt, lane });
          if (isRejection(answer))
            throw refused(answer.gate, answer.reason, answer.advice, answer.retryAfterMs);
          const hold = new Hold(outer);
          return settled(inner(input, scope, hold), place, (outcome) => {
            const now = env.now();
            hold.whenIdle(() => answer.release(outcome, now - from, env.now()));
          });
        };
      return { wrap };
    },
  };
}

/** Passes on how it ends, and tells the outcome on every path. */
async function settled(
  work: Promise<unknown>,
  { outcomeOf }: Place,
  tell: (outcome: OutcomeKind) => void,
): Promise<unknown> {
  let outcome: OutcomeKind = "ok";
  try {
    return await work;
  } catch (failure) {
    outcome = outcomeOf(failure);
    throw failure;
  } finally {
    tell(outcome);
  }
}
