import type { Outcome } from "../../sim/scenarios/goal.ts";
import { scenarios } from "../../sim/scenarios/scenarios.ts";
import { goal, type BenchOptions, type Goal } from "../report.ts";

/** Each scenario once, in virtual time: the same whenever it is played. */
export async function playScenarios(options: BenchOptions): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const scenario of scenarios) {
    options.progress(`scenario: ${scenario.name}`);
    outcomes.push(...(await scenario(1, options.quick)));
  }
  return outcomes;
}

export function scenarioGoals(outcomes: readonly Outcome[]): Goal[] {
  return outcomes.map(({ name, measured, bound, limit, unit }) =>
    goal(name, measured, bound, limit, unit),
  );
}
