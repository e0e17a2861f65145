import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ownStore } from "../exchange/own-store.ts";
import { issueCredentials } from "../room/authority.ts";
import { Child } from "./child.ts";
import { Effects } from "./effects.ts";
import { offOf, type SharedTerms } from "./judgement.ts";
import { phases, registryFolder, Storm, type StormOptions } from "./storm.ts";
import type { Row } from "./tally.ts";
import { callerName } from "./trunkline.ts";

/** What the storms came to. */
export interface StormFacts {
  /** Everything that is not as it must be, a sentence each. */
  readonly off: readonly string[];
  readonly rows: readonly Row[];
}

const perSecond = 600;
const replicas = 3;
const calmMs = 1_000;
/** A replica stands still longer than any deadline: what was sent to it meanwhile may not run any more. */
const freezeMsMax = 7_000;
const freezeShare = 0.35;
/** The shorter ones: one replica is struck in each phase, and stands still for this share of the time. */
const shorter = { over: ["https", "grpcs"], struck: 1, share: 0.6 } as const;

type Given = Pick<StormOptions, "freezeMs" | "tell">;

/**
 * The storm over Unix sockets, in the middle of which the registry is taken away; one with a registry that is a process, which is
 * killed; a shorter one over each protocol of the outside; and one whose replicas share the keys of their calls in `store`. In 20 seconds or more each replica stands still for 7 s; in fewer
 * for 0.35 of them. All else takes what it takes: a storm is at least as long as its faults.
 */
export async function storms(
  folder: string,
  { seconds, store }: { readonly seconds: number; readonly store: string },
  tell: (news: string) => void,
): Promise<StormFacts> {
  const given = { freezeMs: Math.min(freezeMsMax, seconds * freezeShare * 1_000), tell };
  const rows: Row[] = [];
  const failed: string[] = [];
  const all: Readonly<Record<string, (place: string) => AsyncGenerator<Row>>> = {
    unix: (place) => whole(place, given),
    "unix by registry": (place) => registryKilled(place, given),
    ...Object.fromEntries(
      shorter.over.map((over) => [over, (place: string) => short(place, over, given)]),
    ),
  };
  for (const [name, storm] of Object.entries(all)) {
    const place = join(folder, `storm-${name.replaceAll(" ", "-")}`);
    mkdirSync(place);
    try {
      for await (const row of storm(place)) rows.push({ ...row, peer: name });
    } catch (error) {
      failed.push(`${name}: ${(error as Error).message}`);
    }
  }
  const off = rows.flatMap((row) => offOf(row));
  const place = join(folder, "storm-shared-keys");
  mkdirSync(place);
  try {
    for await (const row of sharedKeys(place, store === "none" ? "sqlite" : store, given)) {
      rows.push(row);
      off.push(...offOf(row, sharedTerms(row)));
    }
  } catch (error) {
    failed.push(`shared keys: ${(error as Error).message}`);
  }
  return { off: [...failed, ...off], rows };
}

async function* whole(place: string, given: Given): AsyncGenerator<Row> {
  await using storm = await gather(place, { ...given, over: "unix" });
  for (const phase of phases) yield await storm.phase(phase);
  yield await storm.under("registry", async (calm) => {
    given.tell("unix: the registry is gone");
    rmSync(registryFolder(place), { recursive: true });
    await calm();
    await calm();
  });
}

/** The registry is killed, a replica is replaced while nobody can be asked for it, and a registry that knows nobody comes back. */
async function* registryKilled(place: string, given: Given): AsyncGenerator<Row> {
  const listen = `unix:${join(place, "registry.sock")}`;
  await using lives = new AsyncDisposableStack();
  const first = lives.use(await Child.start("registry.ts", [listen]));
  await using storm = await gather(place, {
    ...given,
    over: "unix",
    registry: `registry+${listen}`,
  });
  yield await storm.under("registry", async (calm) => {
    given.tell("unix by registry: its process is killed");
    await first.kill();
    await calm();
    given.tell("unix by registry: roll 1 meanwhile");
    await storm.roll(1);
    await calm();
    lives.use(await Child.start("registry.ts", [listen]));
    given.tell("unix by registry: it is back, and knows nobody");
    await calm();
    await calm();
  });
}

async function* short(place: string, over: string, given: Given): AsyncGenerator<Row> {
  const freezeMs = given.freezeMs * shorter.share;
  await using storm = await gather(place, { ...given, over, freezeMs, struck: shorter.struck });
  for (const phase of phases) yield await storm.phase(phase);
}

/** Fewer: most calls are on the disk before they are answered, in SQLite one at a time. */
const sharedPerSecond = { sqlite: 45, others: 150 } as const;

/** Replicas that share the keys of their calls in a database, which a name or an address means. */
export async function* sharedKeys(
  folder: string,
  named: string,
  { freezeMs, tell, calm = calmMs }: Given & { readonly calm?: number },
): AsyncGenerator<Row> {
  await using own = await ownStore(named, folder);
  await using effects = Effects.at(own.address);
  await effects.begin();
  await using storm = await Storm.gather({
    peer: `shared keys, ${own.named}`,
    module: new URL("shared-keys.ts", import.meta.url),
    shared: { address: own.address, effects },
    folder,
    perSecond: sharedPerSecond[effects.store.dialect === "sqlite" ? "sqlite" : "others"],
    replicas,
    freezeMs,
    calmMs: calm,
    tell,
  });
  for (const phase of phases) yield await storm.phase(phase);
}

/**
 * Who stands still in the middle of a transaction keeps its key to itself until the database takes that away, as PostgreSQL can be told to;
 * in SQLite it keeps everything.
 */
export function sharedTerms({ peer }: Row): SharedTerms {
  const sure = new Set(peer.endsWith("postgres") ? phases : ["kill", "roll"]);
  return { perSecondMin: sharedPerSecond.sqlite * 0.75, sure };
}

function gather(
  folder: string,
  options: Omit<StormOptions, "peer" | "module" | "folder" | "perSecond" | "replicas" | "calmMs">,
): Promise<Storm> {
  const members = Array.from({ length: replicas }, (_, index) => `runway-${index + 1}`);
  issueCredentials(folder, [callerName, ...members]);
  const module = new URL("trunkline.ts", import.meta.url);
  const peer = options.over ?? "";
  return Storm.gather({ ...options, peer, module, folder, perSecond, replicas, calmMs });
}
