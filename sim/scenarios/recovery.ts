import { World } from "trunkline/testing";
import { roundRobin } from "../../src/discovery/balancing/in-turn.ts";
import type { Target } from "../../src/pipeline/target.ts";
import { Lab, operationOf } from "../../src/pipeline/testing/lab.ts";
import { answers, failsWith, ScriptedCaller } from "../../src/pipeline/testing/scripted-caller.ts";
import type { Outcome } from "./goal.ts";

/** How long the endpoint is down. A breaker that opens after 5 s, then 10, 20, 40… has its next probe within as long as it was open. */
const downMs = 60_000;

/** After that the endpoint is back, its breaker is closed within this: the longest it can be open then, 80 s, and a probe. */
const recoveryMsMax = 81_000;

/** One of three is down for a minute. When it is back its breaker closes within its bound, and it gets its share again. */
export async function recovery(seed: number): Promise<Outcome[]> {
  const world = new World(seed);
  const env = world.env("caller");
  let down = true;
  const callers = Array.from({ length: 3 }, (_, index) => {
    const act = () =>
      down && index === 0 ? failsWith("UNAVAILABLE", "maybe", 1) : answers("ok", 5);
    return new ScriptedCaller(`tcp://h${index}:1`, env, act);
  });
  return world.play(async () => {
    // In turn, so that the breaker alone keeps calls away: who looks at what they take hardly asks it.
    const lab = new Lab(env, callers, { balancer: roundRobin<Target>() });
    const operation = operationOf(true);
    const calls: Promise<unknown>[] = [];
    let failed = 0;
    const ask = (): void => void calls.push(lab.ask(operation).catch(() => failed++));
    const breaker = lab.targets[0]!.parts.breaker!;
    while (world.now < downMs) {
      await world.sleep(10);
      ask();
    }
    if (breaker.state(env.now()) !== "open") throw new Error("the breaker was to be open by now");
    down = false;
    const backAt = world.now;
    while (breaker.state(env.now()) !== "closed" && world.now < backAt + 600_000) {
      await world.sleep(10);
      ask();
    }
    const measured = world.now - backAt;
    await Promise.all(calls);
    return [
      {
        name: "an endpoint is back: until its breaker is closed",
        measured,
        bound: "≤",
        limit: recoveryMsMax,
        unit: " ms",
      },
      {
        name: "one of three endpoints down for a minute: failed idempotent calls",
        measured: failed,
        bound: "≤",
        limit: 0,
        unit: "",
      },
    ];
  });
}
