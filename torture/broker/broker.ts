import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { realEnv } from "../../src/base/real-env.ts";
import { seededRandom } from "../../src/base/random.ts";
import { readOwner } from "../../src/bridge/embedded/owner-note.ts";
import { openBroker } from "../../src/chassis/broker-at.ts";
import { begun, Hand } from "../hand.ts";
import { linesOf } from "../log.ts";
import { talliesOf, type TortureReport } from "../report.ts";
import { orders } from "./channel.ts";

import { verdictOf, type Verdict } from "./verdict.ts";

const publishers = 2;
const consumers = 2;
/** Between two strikes, in milliseconds. */
const pauseMs: readonly [least: number, most: number] = [150, 900];
/** Of the strikes, so many hit the owner; so many are in order; so many stand still for a while instead. */
const ofOwner = 0.5;
const orderly = 0.15;
const still = 0.1;
const stillMs = 400;
/** All that waits is consumed within this after the last publisher has stopped, in milliseconds. */
const drainMs = 60_000;
const stopMs = 40_000;

interface Terms {
  readonly kills: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** Processes that share a broker in a folder, and are killed while they work. */
export async function tortureBroker(terms: Terms): Promise<TortureReport> {
  const place = mkdtempSync(join(tmpdir(), "trunkline-torture-"));
  const folder = join(place, "data");
  const hand = (role: "publisher" | "consumer", index: number): Hand =>
    new Hand({
      program: `broker/${role}.ts`,
      name: `${role}-${index}`,
      args: [folder],
      logs: place,
    });
  const hands = [
    ...Array.from({ length: publishers }, (_, index) => hand("publisher", index)),
    ...Array.from({ length: consumers }, (_, index) => hand("consumer", index)),
  ];
  let kept = false;
  try {
    for (const each of hands) each.start();
    await begun(hands);
    await strike(hands, folder, terms);
    terms.progress("the last strike is over; what waits is consumed");
    const [publishing, consuming] = [hands.slice(0, publishers), hands.slice(publishers)];
    const stopped = await Promise.all(publishing.map((each) => each.stop(stopMs)));
    const stuck = await drained(folder);
    stopped.push(...(await Promise.all(consuming.map((each) => each.stop(stopMs)))));
    const verdict = verdictOf(hands.flatMap(({ log }) => linesOf(log)));
    const report = reportOf(verdict, stuck, stopped, hands, terms);
    kept = !report.ok;
    return kept ? { ...report, told: [...report.told, `all of it is kept in ${place}`] } : report;
  } finally {
    for (const each of hands) each.end();
    if (!kept) rmSync(place, { recursive: true, force: true });
  }
}

async function strike(hands: readonly Hand[], folder: string, terms: Terms): Promise<void> {
  const random = seededRandom(terms.seed, "torture");
  const between = (least: number, most: number): number => least + random() * (most - least);
  for (let kill = 1; kill <= terms.kills; kill++) {
    await pause(between(...pauseMs));
    const owner = (await readOwner(folder))?.pid;
    const owning = hands.find(({ pid }) => pid !== undefined && pid === owner);
    const any = hands[Math.floor(random() * hands.length)]!;
    const victim = random() < ofOwner ? (owning ?? any) : any;
    const how = random();
    const role = victim === owning ? "the owner, " : "";
    if (how < still) {
      victim.kill("SIGSTOP");
      await pause(stillMs);
      victim.kill("SIGCONT");
    } else victim.kill(how < still + orderly ? "SIGTERM" : "SIGKILL");
    const did = how < still ? "stood still" : how < still + orderly ? "was stopped" : "was killed";
    terms.progress(`${kill}/${terms.kills}: ${role}${victim.name}, ${did}`);
  }
  await pause(500);
}

/** How many messages are still there when there has been time enough for all of them. */
async function drained(folder: string): Promise<number> {
  const broker = await openBroker(`file:${folder}`, { name: "torture", waitMs: 30_000 }, realEnv());
  try {
    const until = performance.now() + drainMs;
    for (;;) {
      const { waiting } = await broker.lag(orders, undefined);
      if (waiting === 0 || performance.now() > until) return waiting;
      await pause(100);
    }
  } finally {
    await broker.close();
  }
}

function reportOf(
  verdict: Verdict,
  stuck: number,
  stopped: readonly boolean[],
  hands: readonly Hand[],
  { kills, seed }: Terms,
): TortureReport {
  const [lost, doubled] = [verdict.lost.length, verdict.doubled.length];
  const reordered = verdict.reordered.length;
  const hung = verdict.hung + stopped.filter((orderlyEnd) => !orderlyEnd).length;
  const deaths = hands.reduce((sum, each) => sum + each.deaths, 0);
  const ok = lost + doubled + reordered + stuck + hung + deaths === 0 && verdict.confirmed > 0;
  const tallies = { ok, kills, lost, doubled, reordered, stuck, hung };
  const told = [
    `${kills} strikes (seed ${seed}): ${verdict.confirmed} messages confirmed, ${talliesOf(tallies)}`,
    `${verdict.repeated} deliveries were repeated, ${verdict.stale} of an owner that was gone were read late, ${verdict.maybe} publications were told "maybe", ${verdict.refused} refused`,
  ];
  const examples = [...verdict.lost, ...verdict.doubled, ...verdict.reordered].slice(0, 10);
  if (examples.length > 0) told.push(`for example ${examples.join(", ")}`);
  if (deaths > 0) {
    const complaints = hands.map(({ name, complaint }) => `${name}: ${complaint}`);
    told.push(`${deaths} processes ended by themselves`, ...complaints);
  }
  return { ...tallies, told };
}
