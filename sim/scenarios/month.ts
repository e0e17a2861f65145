import { VirtualEnv } from "../../src/base/virtual-env.ts";
import { systemError } from "../../src/base/error.ts";
import { seededRandom, type Random } from "../../src/base/random.ts";
import type { Attempt } from "../../src/protocol/attempt.ts";
import type { Operation } from "../../src/protocol/operation.ts";
import { Lab, operationOf, type LabTerms } from "../../src/pipeline/testing/lab.ts";
import { ScriptedCaller, answers } from "../../src/pipeline/testing/scripted-caller.ts";
import type { Outcome } from "./goal.ts";

const dependencies = 30;

/** Of each instance. */
const availability = 0.9999;

/** How long an instance is down at a time, on average, in milliseconds. */
const outageMs = 60_000;

/** Between two requests, of which each needs all dependencies, in milliseconds. */
const everyMs = 60_000;

const dayMs = 86_400_000;

/** An instance that is down now and then: refuses what it gets, without delay. */
class Instance extends ScriptedCaller {
  readonly #env: VirtualEnv;
  readonly #random: Random;
  #down = false;
  #until = 0;

  constructor(name: string, env: VirtualEnv, random: Random) {
    super(name, env, () => answers("ok"));
    this.#env = env;
    this.#random = random;
    this.#until = this.#draw((outageMs * availability) / (1 - availability));
  }

  override call(_operation: Operation, _input: unknown, _attempt: Attempt): Promise<unknown> {
    const now = this.#env.now();
    while (now >= this.#until) {
      this.#down = !this.#down;
      this.#until += this.#draw(
        this.#down ? outageMs : (outageMs * availability) / (1 - availability),
      );
    }
    if (!this.#down) return Promise.resolve("ok");
    return Promise.reject(systemError("UNAVAILABLE", "it is down", { executed: "maybe" }));
  }

  #draw(meanMs: number): number {
    return -meanMs * Math.log(1 - this.#random());
  }
}

interface Lived {
  /** Requests that got everything they needed. */
  readonly whole: number;
  readonly requests: number;
}

/** One caller, for a month, with so many instances of each of its dependencies. */
async function live(
  seed: number,
  days: number,
  instances: number,
  terms: LabTerms,
): Promise<Lived> {
  const env = new VirtualEnv(seed);
  const labs = Array.from({ length: dependencies }, (_, index) => {
    const callers = Array.from({ length: instances }, (__, each) => {
      const name = `tcp://d${index}-${each}:1`;
      return new Instance(name, env, seededRandom(seed, name));
    });
    return new Lab(env, callers, terms);
  });
  const operation = operationOf(true);
  let whole = 0;
  let requests = 0;
  while (env.now() < days * dayMs) {
    env.stall(everyMs);
    requests++;
    const answered = await Promise.all(
      labs.map((lab) =>
        lab.ask(operation).then(
          () => true,
          () => false,
        ),
      ),
    );
    if (answered.every(Boolean)) whole++;
  }
  return { whole, requests };
}

/**
 * A month of a caller with thirty dependencies, whose instances are there 99.99 % of the time: one instance of each and no retry, the
 * default pipeline with two of each, and that with a fallback.
 */
export async function month(seed: number, short: boolean): Promise<Outcome[]> {
  const days = short ? 3 : 30;
  const naked = await live(seed, days, 1, { retry: false, breaker: false });
  const usual = await live(seed, days, 2, {});
  const fallback = await live(seed, days, 2, {
    operations: { ask: { fallback: () => "what we know" } },
  });
  const share = ({ whole, requests }: Lived): number => (100 * whole) / requests;
  const about = "a month with 30 dependencies of 99.99 %: requests answered";
  return [
    { name: `${about}, naked`, measured: share(naked), bound: "≤", limit: 99.95, unit: " %" },
    { name: `${about}, default`, measured: share(usual), bound: "≥", limit: 99.99, unit: " %" },
    { name: `${about}, fallback`, measured: share(fallback), bound: "≥", limit: 100, unit: " %" },
  ];
}
