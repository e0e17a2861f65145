import { once } from "node:events";
import { seededRandom } from "../../../src/base/random.ts";
import { begin, complaintMax, logOf, type Duty } from "../../hand.ts";
import { linesOf } from "../../log.ts";
import { noReport, sumOf, talliesOf, type TortureReport } from "../../report.ts";
import { databaseAt } from "../database.ts";
import { judge } from "../judgement.ts";
import type { Place } from "../place.ts";
import { databasesOf, worldless, worldOf, type StoreName, type World } from "../worlds.ts";
import { steps, type Step } from "./stepper.ts";

/** Worlds of one database at a time: most of the time each waits for the lease of a dead relay to end. */
const sideBySide = 3;
const leaseMs = 1_000;
/** Which message it is that never comes past its step: one of the first so many. */
const nthMax = 6;
/** A life that lasts longer is hung, in milliseconds. */
const hungMs = 120_000;
/** Transactions of the last life of a world, which nobody kills. */
const deedsAfter = 24;

export interface StepTerms {
  readonly stores: readonly StoreName[];
  /** How often for each step and store. */
  readonly times: number;
  readonly seed: number;
  readonly progress: (text: string) => void;
}

/** What a life is told of its place. */
export interface LifePlace extends Place {
  /** Undefined: it dies nowhere. */
  readonly step: Step | undefined;
  readonly nth: number;
  readonly deeds: number;
}

/** A process that publishes, relays and handles is killed at each step, and the next one carries on; one database after the other. */
export async function tortureSteps(terms: StepTerms): Promise<TortureReport> {
  const reports: Record<string, TortureReport> = {};
  for (const name of terms.stores) {
    const missing = worldless(name);
    reports[name] =
      missing === undefined
        ? await stepsOf(name, terms)
        : { ...noReport, ok: false, told: [missing] };
  }
  return sumOf(reports);
}

/** A step that is to be died at. */
interface Death {
  readonly step: Step;
  readonly nth: number;
}

async function stepsOf(name: StoreName, terms: StepTerms): Promise<TortureReport> {
  const { times, seed, progress } = terms;
  const random = seededRandom(seed, name);
  await using databases = await databasesOf(name);
  const worlds = await Promise.all(
    Array.from({ length: sideBySide }, () => worldOf(name, "file", databases)),
  );
  await using stack = new AsyncDisposableStack();
  for (const world of worlds) stack.use(world);
  const appends = await isAppending(worlds[0]!);
  const todo = steps
    .filter(({ act }) => appends || !act.endsWith("append"))
    .flatMap((step) => Array.from({ length: times }, () => ({ step, at: random() })))
    .toSorted((a, b) => a.at - b.at);
  let begun = 0;
  const next = (): Death | undefined => {
    const entry = todo[begun];
    if (entry === undefined) return undefined;
    const { when, act } = entry.step;
    progress(`${name} ${++begun}/${todo.length}: ${when} ${act}`);
    return { step: entry.step, nth: 1 + Math.floor(random() * nthMax) };
  };
  const reports = await Promise.all(worlds.map((world) => inOneWorld(world, next)));
  const { parts: _parts, ...sum } = sumOf(Object.fromEntries(reports.entries()));
  const where = new Set(todo.map(({ step }) => `${step.when} ${step.act}`)).size;
  const first = `${sum.kills} kills at ${where} steps (seed ${seed}): ${talliesOf(sum)}`;
  return { ...sum, told: [first, ...sum.told] };
}

/** One life after the other; the last one dies nowhere. */
async function inOneWorld(world: World, next: () => Death | undefined): Promise<TortureReport> {
  const place = { store: world.store, broker: world.broker, rate: 0, leaseMs };
  const unforeseen: string[] = [];
  let kills = 0;
  const live = async (death: Death | undefined): Promise<void> => {
    const given: LifePlace = {
      ...place,
      ...{ step: death?.step, nth: death?.nth ?? 0, deeds: deedsAfter },
    };
    const ended = await lifeOf(given, world.folder);
    const foreseen = death === undefined ? ended.code === 0 : ended.signal === "SIGKILL";
    if (!foreseen) unforeseen.push(`${JSON.stringify(death)} ended with ${JSON.stringify(ended)}`);
  };
  // After something that nobody foresaw there is no use in going on.
  for (let death = next(); death !== undefined && unforeseen.length === 0; death = next()) {
    await live(death);
    kills++;
  }
  if (unforeseen.length === 0) await live(undefined);
  const lines = linesOf(logOf(duty(place, world.folder)));
  const { figures, committed: _, ...judged } = await judge(world.store, lines);
  const told = [figures, ...judged.told, ...unforeseen];
  const ok = judged.ok && unforeseen.length === 0;
  if (!ok) {
    world.keep();
    told.push(`all of it is kept in ${world.folder}`);
  }
  return { ...judged, ok, kills, told };
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | "hung" | null;
  readonly complaint: string;
}

function duty(place: Place, logs: string): Duty {
  return { program: "outbox/steps/life.ts", name: "life", args: [JSON.stringify(place)], logs };
}

async function lifeOf(place: LifePlace, folder: string): Promise<End> {
  let complaint = "";
  let hung = false;
  const child = begin(duty(place, folder), (text) => {
    complaint = `${complaint}${text}`.slice(-complaintMax);
  });
  const alarm = setTimeout(() => {
    hung = true;
    child.kill("SIGKILL");
  }, hungMs);
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  clearTimeout(alarm);
  return { code, signal: hung ? "hung" : signal, complaint };
}

/** Whether its store locks and inserts in one. */
async function isAppending({ store: address }: World): Promise<boolean> {
  await using database = await databaseAt(address);
  return database.store.outbox.append !== undefined;
}
