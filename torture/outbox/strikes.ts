import { setTimeout as pause } from "node:timers/promises";
import { seededRandom } from "../../src/base/random.ts";
import { readOwner } from "../../src/bridge/embedded/owner-note.ts";
import type { Hand } from "../hand.ts";
import type { Running } from "../../scripts/servers/running.ts";
import type { World } from "./worlds.ts";

/** Of the strikes, so many are in order; so many stand still for a while instead; all others are SIGKILL. */
const orderly = 0.125;
const still = 0.125;
/** Of those that stand still, as long as that, in milliseconds: longer than the lease of a relay. */
const standMs: readonly [least: number, most: number] = [1_200, 2_500];
/** Of the strikes, so many hit each server, so many a writer, so many the process that has the broker's folder; all others any relay or consumer. */
const ofServer = 0.12;
const ofWriters = 0.1;
const ofOwner = 0.2;

export interface StrikeTerms {
  readonly kills: number;
  readonly seconds: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** Strikes processes and servers, evenly over the time. Resolves when all of them are up again, with how many strikes hit something. */
export async function strikeAll(
  writers: readonly Hand[],
  others: readonly Hand[],
  world: World,
  { kills, seconds, seed, progress }: StrikeTerms,
): Promise<void> {
  const random = seededRandom(seed, "torture");
  const between = (least: number, most: number): number => least + random() * (most - least);
  /** Those that stand still, or are being started again. */
  const busy = new Set<object>();
  const under: Promise<void>[] = [];
  const failures: unknown[] = [];
  const away = (victim: object, act: () => Promise<void>): void => {
    busy.add(victim);
    const over = act().catch((error: unknown) => void failures.push(error));
    under.push(over.finally(() => busy.delete(victim)));
  };
  const everyMs = (seconds * 1_000) / kills;
  for (let kill = 1; kill <= kills; kill++) {
    await pause(between(0.4, 1.6) * everyMs);
    const kind = random();
    const server = world.servers.find((_, index) => {
      const from = index * ofServer;
      return kind >= from && kind < from + ofServer;
    });
    const how = random();
    const draw = random();
    if (server !== undefined && !busy.has(server)) {
      const standing = how < still;
      const ms = between(...standMs);
      progress(`${kill}/${kills}: ${server.name}, ${standing ? "stood still" : "was killed"}`);
      away(server, () => strikeServer(server.running, standing ? ms : undefined));
      continue;
    }
    const owning = await ownerOf(world, others);
    const role = kind > 1 - ofWriters ? writers : others;
    const any = role[Math.floor(draw * role.length)]!;
    const victim = kind > 1 - ofWriters - ofOwner && role === others ? (owning ?? any) : any;
    const owner = victim === owning ? ", which has the broker," : "";
    const standing = how < still && !busy.has(victim);
    const asked = how >= still && how < still + orderly;
    const did = standing ? "stood still" : asked ? "was stopped" : "was killed";
    progress(`${kill}/${kills}: ${victim.name}${owner} ${did}`);
    if (!standing) {
      victim.kill(asked ? "SIGTERM" : "SIGKILL");
      continue;
    }
    const ms = between(...standMs);
    away(victim, async () => {
      victim.kill("SIGSTOP");
      await pause(ms);
      victim.kill("SIGCONT");
    });
  }
  await Promise.all(under);
  if (failures.length > 0) throw failures[0];
}

async function strikeServer(server: Running, stillMs: number | undefined): Promise<void> {
  if (stillMs === undefined) {
    await server.kill();
    await server.restart();
    return;
  }
  server.freeze();
  await pause(stillMs);
  server.thaw();
}

async function ownerOf({ broker }: World, hands: readonly Hand[]): Promise<Hand | undefined> {
  if (!broker.startsWith("file:")) return undefined;
  const owner = await readOwner(broker.slice("file:".length));
  return hands.find(({ pid }) => pid !== undefined && pid === owner?.pid);
}
