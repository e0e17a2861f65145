import { setTimeout as pause } from "node:timers/promises";
import type { Line } from "../log.ts";
import type { TortureReport } from "../report.ts";
import { databaseAt } from "./database.ts";
import { isDone, ledgerOf, leftOf, type Left } from "./ledger.ts";
import { verdictOf } from "./verdict.ts";

/** The leases of relays that were killed have ended after that, in milliseconds. */
const leasesEndMs = 5_000;
const examplesMax = 10;

/** A report, but for the kills, and what people may want to know beside it. */
export interface Judgement extends Omit<TortureReport, "kills"> {
  readonly figures: string;
  /** Transactions that were told to be committed. */
  readonly committed: number;
}

/** Judges when nothing runs any more: by what stands in the database at an address, and in the logs. */
export async function judge(address: string, lines: readonly Line[]): Promise<Judgement> {
  await using database = await databaseAt(address);
  const { store } = database;
  const { sent, effects } = await ledgerOf(store);
  const verdict = verdictOf(sent, effects, lines);
  const left = await settled(() => leftOf(store));
  const [lost, doubled] = [verdict.lost.length, verdict.doubled.length];
  const reordered = verdict.reordered.length;
  const stuck = left.pending + left.dead + left.attempts + left.relays + left.leased;
  const { hung, failed, committed } = verdict;
  const told: string[] = [];
  if (stuck > 0) told.push(`left: ${JSON.stringify(left)}`);
  const examples = [...verdict.lost, ...verdict.doubled, ...verdict.reordered];
  if (examples.length > 0) told.push(`for example ${examples.slice(0, examplesMax).join(", ")}`);
  told.push(...failed.slice(0, examplesMax));
  const wrong = lost + doubled + reordered + stuck + hung + failed.length;
  const figures = `${committed} transactions told to be committed, ${sent.length} messages, ${effects.length} effects`;
  const ok = wrong === 0 && committed > 0;
  return { ok, lost, doubled, reordered, stuck, hung, told, figures, committed };
}

/** What is left when the leases of the dead have ended. */
async function settled(look: () => Promise<Left>): Promise<Left> {
  const until = performance.now() + leasesEndMs;
  for (;;) {
    const left = await look();
    if ((isDone(left) && left.leased + left.relays === 0) || performance.now() > until) return left;
    await pause(100);
  }
}
