import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "./fleet.ts";
import type { Sheets } from "./sheets.ts";

/** What was done to a tower. */
export interface Disruption {
  readonly at: Date;
  readonly tower: string;
  readonly what: "killed" | "rolled";
  /** From the signal until its successor listened. */
  readonly tookMs: number;
}

/** When, as shares of the duration: as the towers are asked for their sheets. */
const killAt = 0.3;
const rollAt = 0.6;

/** A sheet that has not begun by then is not waited for. */
const sheetWithinMs = 15_000;

const killed = 2;
const rolled = 1;

/** The one that is replaced by the next build. */
export const rolledTower: string = `tower-${rolled}`;

/**
 * Kills one tower in the middle of its work, with a sheet half handed in, and starts it again; later replaces another one
 * as an update would, and that one finishes its sheet.
 */
export async function disrupt(
  fleet: Fleet,
  sheets: Sheets,
  seconds: number,
  tell: (news: string) => void,
): Promise<Disruption[]> {
  const begun = performance.now();
  const until = (share: number): Promise<void> =>
    sleep(Math.max(0, begun + share * seconds * 1_000 - performance.now()), undefined, {
      ref: false,
    });

  const wait = (tower: string): Promise<void> =>
    Promise.race([sheets.begun(tower), sleep(sheetWithinMs, undefined, { ref: false })]);

  const victim = `tower-${killed}`;
  await until(killAt - 0.02);
  await wait(victim);
  const killedAt = new Date();
  const dead = fleet.kill(victim);
  tell(`${victim} killed (SIGKILL)`);
  await dead;
  await fleet.start("tower", killed);
  const backMs = Date.now() - killedAt.getTime();
  tell(`${victim} is back`);

  await until(rollAt - 0.02);
  await wait(`tower-${rolled}`);
  const rolledAt = new Date();
  tell(`tower-${rolled} rolled (SIGTERM)`);
  const handedMs = await fleet.roll("tower", rolled);
  tell(`the next tower-${rolled} took over`);
  return [
    { at: killedAt, tower: victim, what: "killed", tookMs: backMs },
    { at: rolledAt, tower: `tower-${rolled}`, what: "rolled", tookMs: handedMs },
  ];
}
