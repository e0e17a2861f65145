import { World } from "trunkline/testing";
import { Lab, operationOf } from "../../src/pipeline/testing/lab.ts";
import { answers, ScriptedCaller } from "../../src/pipeline/testing/scripted-caller.ts";
import { quantile, type Outcome } from "./goal.ts";

const dependencies = 30;

/** Calls that may wait for one dependency. */
const permits = 100;

/** Calls a second of each dependency. */
const rate = 100;

const deadlineMs = 10_000;

interface Lived {
  /** Of those that answer. */
  readonly p99Ms: number;
  /** The longest that a call to the silent one took, once its permits were gone. */
  readonly refusedMs: number;
  /** The most calls that were under way to the silent one. */
  readonly most: number;
}

async function live(seed: number, short: boolean, silent: boolean): Promise<Lived> {
  const world = new World(seed);
  const env = world.env("caller");
  const random = world.random("work");
  const labs = Array.from({ length: dependencies }, (_, index) => {
    const act = () => (silent && index === 0 ? "silence" : answers("ok", 5 + 10 * random()));
    const caller = new ScriptedCaller(`tcp://d${index}:1`, env, act);
    return { lab: new Lab(env, [caller], { limit: { service: permits } }), caller };
  });
  return world.play(async () => {
    const operation = operationOf(false);
    const tookMs: number[] = [];
    let refusedMs = 0;
    const ask = async (index: number): Promise<void> => {
      const from = world.now;
      const { lab, caller } = labs[index]!;
      const full = caller.now >= permits;
      try {
        await lab.ask(operation, "x", deadlineMs);
        tookMs.push(world.now - from);
      } catch {
        if (full) refusedMs = Math.max(refusedMs, world.now - from);
      }
    };
    const calls: Promise<void>[] = [];
    while (world.now < (short ? 5_000 : 30_000)) {
      await world.sleep(1_000 / rate);
      for (let index = 0; index < dependencies; index++) calls.push(ask(index));
    }
    await Promise.all(calls);
    return { p99Ms: quantile(tookMs, 0.99), refusedMs, most: labs[0]!.caller.most };
  });
}

/** One of thirty dependencies accepts everything and never answers. */
export async function blackHole(seed: number, short: boolean): Promise<Outcome[]> {
  const well = await live(seed, short, false);
  const hole = await live(seed, short, true);
  const about = "one of 30 dependencies never answers";
  return [
    {
      name: `${about}: a call to it, once its permits are gone`,
      measured: hole.refusedMs,
      bound: "≤",
      limit: 5,
      unit: " ms",
    },
    {
      name: `${about}: p99 of the others beside before`,
      measured: hole.p99Ms / well.p99Ms,
      bound: "≤",
      limit: 1.1,
      unit: "×",
    },
    {
      name: `${about}: calls that wait for it at most`,
      measured: hole.most,
      bound: "≤",
      limit: permits,
      unit: "",
    },
  ];
}
