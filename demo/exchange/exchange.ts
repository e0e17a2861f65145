import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { client, isTrunklineError, type Client } from "trunkline";
import type { Flight } from "../contracts/flight.ts";
import { Child } from "../storm/child.ts";
import { nextOwner, ownerOf } from "./owner.ts";
import { booksAt } from "./books.ts";
import type { OwnStore } from "./own-store.ts";
import { countBooks, countMovements } from "./tally.ts";
import { channelsOf, Traffic, type Movement } from "./traffic.ts";

/** What one exchange came to. */
export interface Exchanged {
  readonly over: string;
  /** Where the totals were kept. */
  readonly store: string;
  readonly event: number;
  readonly command: number;
  readonly gather: number;
  readonly document: number;
  /** Of the events, with their receipts. */
  readonly perSecond: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  /** Everything that is not as it must be, a sentence each. */
  readonly off: readonly string[];
  readonly notes: readonly string[];
}

const counters = 3;
const commandsEach = 100;
const gathers = 40;
const documentsMax = 400;
/** Events on their way at once. */
const inFlight = 256;
/** After the last event has its receipt the counters are through within this. */
const settleMs = 60_000;

export interface ExchangeOptions {
  readonly messages: string;
  /** The broker, for people. */
  readonly over: string;
  readonly folder: string;
  readonly flights: readonly Flight[];
  readonly tell: (news: string) => void;
  /** Kills the broker and starts it again; undefined: it is somebody else's. */
  readonly restart?: (() => Promise<void>) | undefined;
  /** Where the counters keep their totals; undefined: in files. */
  readonly store?: OwnStore | undefined;
  /** The folder of the embedded broker, which one of the processes owns. */
  readonly data?: string | undefined;
}

/** Starts a process of the exchange. */
type Start = (program: string, ...args: string[]) => Promise<Child>;

/** Those that serve and consume through the whole exchange, each in its present life. */
interface Crew {
  office: Child;
  readonly counters: Child[];
}

/** Carries the day's flights by one broker: every kind of message, while consumers, the asker and, where it may be, the broker are killed. */
export async function exchange(options: ExchangeOptions): Promise<Exchanged> {
  const { messages, folder, flights, over, store } = options;
  const run = `demo-${randomUUID().slice(0, 8)}`;
  mkdirSync(folder, { recursive: true });
  const books = store === undefined ? undefined : booksAt(store.address);
  await using _books = books?.store;
  await books?.open();
  await using lives = new AsyncDisposableStack();
  const start: Start = async (program, ...args) =>
    lives.use(await Child.start(`../exchange/${program}`, args));
  const kept = store === undefined ? [] : [store.address];
  const office = await start("office.ts", messages, "office", folder, run, ...kept);
  const group = await Promise.all(
    Array.from({ length: counters }, (_, i) =>
      start("counter.ts", messages, `counter-${i + 1}`, folder, run, ...kept),
    ),
  );
  const crew = { office, counters: group };
  await using traffic = client(Traffic, messages, {
    instance: "exchange",
    deadline: "30s",
    bindings: channelsOf(run),
  });
  const notes: string[] = [];
  const killed = strike(options, run, crew, start, notes);
  const asked = askAndDie(options, run, start, notes);
  const both = Promise.allSettled([killed, asked]);
  lives.defer(async () => void (await both)); // they start processes until they end, also when the publishing fails
  const startedAt = performance.now();
  const published = await publishAll(traffic, flights);
  const perSecond = Math.round((published * 1_000) / (performance.now() - startedAt));
  await killed;
  const plans = await sendPlans(traffic, flights);
  const documents = plans.length;
  const gathered = await gatherAll(traffic, flights);
  const commands = await asked;
  const counted = await until(
    async () =>
      books === undefined ? countMovements(folder, flights) : countBooks(books, flights),
    ({ missing }) => missing === 0,
  );
  const filed = await until(
    async () => new Set(readFileSync(join(folder, "plans.txt"), "utf8").trim().split("\n")).size,
    (count) => count === documents,
  );
  const ended = await Promise.all([crew.office, ...crew.counters].map((child) => child.stop()));
  const off = [
    ...counted.off,
    ...commands.off,
    ...gathered.off,
    ...(plans.some(isTrunklineError) ? ["a plan has no receipt"] : []),
    ...(filed === documents ? [] : [`${filed} of ${documents} plans were filed`]),
    ...(ended.every(Boolean) ? [] : ["a process had to be killed, it did not stop"]),
  ].map((each) => `${over}: ${each}`);
  const { lost, doubled, reordered } = counted;
  return {
    over,
    store: store?.named ?? "files",
    event: published,
    command: commands.count,
    gather: gathered.count,
    document: documents,
    perSecond,
    lost,
    doubled,
    reordered,
    off,
    notes,
  };
}

/** Each movement when its turn is: a departure, then the landing. Those of an airport leave in order, whatever is on its way at once. */
async function publishAll(
  traffic: Client<typeof Traffic>,
  flights: readonly Flight[],
): Promise<number> {
  const waiting = new Set<Promise<unknown>>();
  let published = 0;
  const send = async (what: "departed" | "landed", movement: Movement): Promise<void> => {
    const sending = traffic[what](movement).then(() => published++);
    waiting.add(sending);
    void sending.finally(() => waiting.delete(sending)).catch(() => {});
    if (waiting.size >= inFlight) await Promise.race(waiting);
  };
  for (const { number: flight, origin, destination, delayMinutes } of flights) {
    await send("departed", { flight, airport: origin, delayMinutes });
    await send("landed", { flight, airport: destination, delayMinutes });
  }
  await Promise.all(waiting);
  return published;
}

/** Some flight plans, each for one who files it. */
function sendPlans(
  traffic: Client<typeof Traffic>,
  flights: readonly Flight[],
): ReturnType<typeof traffic.plan.many> {
  return traffic.plan.many(
    flights
      .slice(0, documentsMax)
      .map(({ number, origin, destination }) => ({ flight: number, route: [origin, destination] })),
  );
}

/** A counter is killed and comes back, another one is rolled; in between the broker, or the process that owns it, is killed. */
async function strike(
  { messages, folder, tell, restart, data, over, store }: ExchangeOptions,
  run: string,
  crew: Crew,
  start: Start,
  notes: string[],
): Promise<void> {
  const { counters: group } = crew;
  const kept = store === undefined ? [] : [store.address];
  const again = (index: number): Promise<Child> =>
    start("counter.ts", messages, `counter-${index + 1}`, folder, run, ...kept);
  await sleep(400);
  tell(`${over}: counter-1 is killed`);
  await group[0]!.kill();
  notes.push("counter-1 killed (SIGKILL)");
  group[0] = await again(0);
  if (restart !== undefined) {
    tell(`${over}: the broker is killed`);
    const startedAt = performance.now();
    await restart();
    notes.push(
      `the broker killed (SIGKILL), back after ${Math.round(performance.now() - startedAt)} ms`,
    );
  }
  if (data !== undefined) {
    tell(`${over}: the broker's owner is killed`);
    notes.push(await killOwner(data, crew));
    crew.office = await start("office.ts", messages, "office", folder, run, ...kept);
  }
  tell(`${over}: counter-2 is rolled`);
  const [next, ended] = await Promise.all([again(1), group[1]!.stop()]);
  notes.push(ended ? "counter-2 rolled (SIGTERM)" : "counter-2 did not stop");
  group[1] = next;
}

/** The office came first, so that it owns the broker. Somebody else has to take its place. */
async function killOwner(data: string, { office, counters: group }: Crew): Promise<string> {
  const { pid } = office;
  if (ownerOf(data) !== pid) throw new Error("the office does not own the broker");
  const startedAt = performance.now();
  await office.kill();
  const next = await nextOwner(data, pid);
  if (next === undefined) throw new Error("nobody took the broker over");
  const ms = Math.round(performance.now() - startedAt);
  const index = group.findIndex((counter) => counter.pid === next);
  const publisher = next === process.pid ? "the one who publishes" : "the asker";
  const name = index < 0 ? publisher : `counter-${index + 1}`;
  return `the broker's owner killed (SIGKILL), taken over by ${name} in ${ms} ms`;
}

/** Half of the commands are asked by one that is killed then; the other one hears the replies to all. */
async function askAndDie(
  { messages, folder, tell, over }: ExchangeOptions,
  run: string,
  start: Start,
  notes: string[],
): Promise<{ readonly count: number; readonly off: readonly string[] }> {
  const file = join(folder, "tokens.txt");
  const first = await start("asker.ts", messages, file, run, "0", String(commandsEach));
  tell(`${over}: the asker is killed`);
  await first.kill();
  const second = await start(
    "asker.ts",
    messages,
    file,
    run,
    String(commandsEach),
    String(2 * commandsEach),
  );
  second.send("collect");
  const replies = (await second.answer()) as Readonly<Record<string, number>>;
  const { assigned = 0, closed = 0, wrong = 0, resumed = 0 } = replies;
  await second.kill();
  const count = 2 * commandsEach;
  notes.push(`asker killed (SIGKILL): its ${resumed} commands were answered to the one after it`);
  const off: string[] = [];
  if (assigned + closed !== count || wrong > 0)
    off.push(`of ${count} commands ${assigned + closed} were answered, ${wrong} wrongly`);
  if (closed === 0) off.push("no command was refused, though an airport is closed");
  return { count, off };
}

async function gatherAll(
  traffic: Client<typeof Traffic>,
  flights: readonly Flight[],
): Promise<{ readonly count: number; readonly off: readonly string[] }> {
  const off: string[] = [];
  for (const { origin } of flights.slice(0, gathers)) {
    const { answers, missing } = await traffic.alternates(
      { airport: origin },
      { until: 2, deadline: "10s" },
    );
    if (answers.length !== 2 || missing.length !== 1)
      off.push(`${origin}: ${answers.length} regions answered, ${missing.join(", ")} did not`);
  }
  return { count: gathers, off };
}

/** The last look, or the first at which it is so. */
async function until<T>(look: () => Promise<T>, holds: (seen: T) => boolean): Promise<T> {
  const late = performance.now() + settleMs;
  for (;;) {
    const seen = await look();
    if (holds(seen) || performance.now() > late) return seen;
    await sleep(100);
  }
}
