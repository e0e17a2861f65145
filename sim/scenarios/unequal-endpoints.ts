import { World } from "trunkline/testing";
import { roundRobin } from "../../src/discovery/balancing/in-turn.ts";
import type { Balancer } from "../../src/discovery/balancing/balancer.ts";
import { Lab, operationOf } from "../../src/pipeline/testing/lab.ts";
import { answers, failsWith, ScriptedCaller } from "../../src/pipeline/testing/scripted-caller.ts";
import type { Target } from "../../src/pipeline/target.ts";
import { quantile, type Outcome } from "./goal.ts";

const endpoints = 10;

/** Calls a second. */
const rate = 500;

/** The share that an endpoint may get which fails everything within a millisecond. */
const failingShareMax = 0.12;

/** One of ten is ten times slower: whoever looks at what they take does not wait for it as often as whoever asks in turn. */
export async function oneSlow(seed: number, short: boolean): Promise<Outcome[]> {
  const [own, inTurn] = [
    await slowP99(seed, short),
    await slowP99(seed, short, roundRobin<Target>()),
  ];
  const name = "one of ten endpoints 10× slow: p99 beside round robin's";
  return [{ name, measured: own / inTurn, bound: "≤", limit: 0.999, unit: "×" }];
}

async function slowP99(seed: number, short: boolean, balancer?: Balancer<Target>): Promise<number> {
  const world = new World(seed);
  const env = world.env("caller");
  const random = world.random("work");
  const callers = Array.from({ length: endpoints }, (_, index) => {
    const meanMs = index === 0 ? 100 : 10;
    const workMs = (): number => meanMs * (0.5 + random());
    return new ScriptedCaller(`tcp://h${index}:1`, env, () => answers("ok", workMs()));
  });
  return world.play(async () => {
    const lab = new Lab(env, callers, balancer === undefined ? {} : { balancer });
    const tookMs: number[] = [];
    const operation = operationOf(false);
    const ask = async (): Promise<void> => {
      const from = world.now;
      await lab.ask(operation);
      tookMs.push(world.now - from);
    };
    const calls: Promise<void>[] = [];
    while (world.now < (short ? 10_000 : 60_000)) {
      await world.sleep(1_000 / rate);
      calls.push(ask());
    }
    await Promise.all(calls);
    return quantile(tookMs, 0.99);
  });
}

/** One of ten fails everything at once. It looks fast and is not to get more than the others, breakers left aside. */
export async function oneFailing(seed: number, short: boolean): Promise<Outcome[]> {
  const world = new World(seed);
  const env = world.env("caller");
  const callers = Array.from({ length: endpoints }, (_, index) => {
    const act = index === 0 ? failsWith("INTERNAL", "yes", 1) : answers("ok", 10);
    return new ScriptedCaller(`tcp://h${index}:1`, env, () => act);
  });
  return world.play(async () => {
    const lab = new Lab(env, callers, { breakers: { consecutive: 1_000, successRate: 0 } });
    const operation = operationOf(false);
    const calls: Promise<unknown>[] = [];
    while (world.now < (short ? 10_000 : 60_000)) {
      await world.sleep(1_000 / rate);
      calls.push(lab.ask(operation).catch(() => undefined));
    }
    await Promise.all(calls);
    const all = callers.reduce((sum, { attempts }) => sum + attempts.length, 0);
    const measured = callers[0]!.attempts.length / all;
    const name = "an endpoint that fails within a millisecond: its share of ten";
    return [{ name, measured, bound: "≤", limit: failingShareMax, unit: "" }];
  });
}
