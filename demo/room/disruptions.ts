import { setTimeout as sleep } from "node:timers/promises";
import type { Audit } from "./audit.ts";
import type { Fleet } from "./fleet.ts";

/** What was done to a tower. */
export interface Disruption {
  readonly at: Date;
  readonly tower: string;
  readonly what: "killed" | "rolled";
  /** From the signal until its successor listened. */
  readonly tookMs: number;
}

/** When, as shares of the duration. */
const killAt = 0.3;
const rollAt = 0.6;

const killed = 2;
const rolled = 1;

/** Kills one tower in the middle of its work and starts it again; later replaces another one as an update would. */
export async function disrupt(
  fleet: Fleet,
  audit: Audit,
  seconds: number,
  tell: (news: string) => void,
): Promise<Disruption[]> {
  const begun = performance.now();
  const until = (share: number): Promise<void> =>
    sleep(Math.max(0, begun + share * seconds * 1_000 - performance.now()), undefined, {
      ref: false,
    });

  await until(killAt);
  const victim = `tower-${killed}`;
  await audit.next(({ tower }) => tower === victim); // it has work in hand, this very moment
  const killedAt = new Date();
  const dead = fleet.kill(victim);
  tell(`${victim} killed (SIGKILL)`);
  await dead;
  await fleet.start("tower", killed);
  const backMs = Date.now() - killedAt.getTime();
  tell(`${victim} is back`);

  await until(rollAt);
  const rolledAt = new Date();
  tell(`tower-${rolled} is asked to stop (SIGTERM), the next one stands by`);
  const handedMs = await fleet.roll("tower", rolled);
  tell(`the next tower-${rolled} has taken over`);
  return [
    { at: killedAt, tower: victim, what: "killed", tookMs: backMs },
    { at: rolledAt, tower: `tower-${rolled}`, what: "rolled", tookMs: handedMs },
  ];
}
