import { playOverload } from "../overload.ts";
import type { Outcome } from "./goal.ts";

/** The share of what a server could do that it still does when twice as much comes. */
const goodputMin = 0.9;

/** Twice as much comes as the server can do. */
export async function overloaded(seed: number, short: boolean): Promise<Outcome[]> {
  const plan = { seed, load: 2, workers: 10, seconds: short ? 20 : 60, admission: {} };
  const { settled } = await playOverload(plan);
  const name = "twice the load: answers in time, of what the server can do";
  return [{ name, measured: settled, bound: "≥", limit: goodputMin, unit: "" }];
}
