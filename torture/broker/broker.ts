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
/** Of the strikes, so many hit the owner; so many are in order; so many stand still for a while instead. */
const ofOwner = 0.5;
const orderly = 0.15;
const still = 0.1;
const stillMs = 400;
/** All that waits is consumed within this after the last publisher has stopped, in milliseconds. */
const drainMs = 60_000;
const stopMs = 40_000;

export interface Terms {
  readonly kills: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** The broker that is shared. */
export interface Shared {
  readonly address: (folder: string) => string;
  /** Between two strikes, in milliseconds. */
  readonly pauseMs: readonly [least: number, most: number];
  /** The process that it would be worst to lose; undefined: there is none. */
  readonly owner: (folder: string) => Promise<number | undefined>;
  /** The processes also kill themselves, at steps of this program, which is given the role and the seed behind the address. */
  readonly dying?: string;
}

const file: Shared = {
  address: (folder) => `file:${folder}`,
  pauseMs: [150, 900],
  owner: async (folder) => (await readOwner(folder))?.pid,
};

/** Processes that share a broker in a folder, and are killed while they work. */
export async function tortureBroker(terms: Terms, shared: Shared = file): Promise<TortureReport> {
  const place = mkdtempSync(join(tmpdir(), "trunkline-torture-"));
  const folder = join(place, "data");
  const address = shared.address(folder);
  const { dying } = shared;
  const hand = (role: "publisher" | "consumer", index: number): Hand =>
    new Hand({
      program: dying ?? `broker/${role}.ts`,
      name: `${role}-${index}`,
      args: dying === undefined ? [address] : [address, role, String(terms.seed)],
      logs: place,
      mortal: dying !== undefined,
    });
  const hands = [
    ...Array.from({ length: publishers }, (_, index) => hand("publisher", index)),
    ...Array.from({ length: consumers }, (_, index) => hand("consumer", index)),
  ];
  let kept = false;
  try {
    for (const each of hands) each.start();
    await begun(hands);
    const kills = await strike(hands, folder, shared, terms);
    terms.progress("the last strike is over; what waits is consumed");
    const [publishing, consuming] = [hands.slice(0, publishers), hands.slice(publishers)];
    const stopped = await Promise.all(publishing.map((each) => each.stop(stopMs)));
    const stuck = await drained(address);
    stopped.push(...(await Promise.all(consuming.map((each) => each.stop(stopMs)))));
    const verdict = verdictOf(hands.flatMap(({ log }) => linesOf(log)));
    const report = reportOf(verdict, stuck, stopped, hands, { ...terms, kills });
    kept = !report.ok;
    return kept ? { ...report, told: [...report.told, `all of it is kept in ${place}`] } : report;
  } finally {
    for (const each of hands) each.end();
    if (!kept) rmSync(place, { recursive: true, force: true });
  }
}

/** Resolves with how often they were struck, or struck themselves. */
async function strike(
  hands: readonly Hand[],
  folder: string,
  { owner: ownerOf, pauseMs }: Shared,
  terms: Terms,
): Promise<number> {
  const random = seededRandom(terms.seed, "torture");
  const between = (least: number, most: number): number => least + random() * (most - least);
  const suicides = (): number => hands.reduce((sum, each) => sum + each.suicides, 0);
  let strikes = 0;
  while (strikes + suicides() < terms.kills) {
    await pause(between(...pauseMs));
    const owner = await ownerOf(folder);
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
    strikes++;
    terms.progress(`${strikes + suicides()}/${terms.kills}: ${role}${victim.name}, ${did}`);
  }
  await pause(500);
  return strikes + suicides();
}

/** How many messages are still there when there has been time enough for all of them. */
async function drained(address: string): Promise<number> {
  const broker = await openBroker(address, { name: "torture", waitMs: 30_000 }, realEnv());
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
  const suicides = hands.reduce((sum, each) => sum + each.suicides, 0);
  const own = suicides > 0 ? `, ${suicides} of them by their own hand` : "";
  const tallies = { ok, kills, lost, doubled, reordered, stuck, hung };
  const told = [
    `${kills} strikes${own} (seed ${seed}): ${verdict.confirmed} messages confirmed, ${talliesOf(tallies)}`,
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
