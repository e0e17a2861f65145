import { join } from "node:path";
import { start, type Child } from "../child.ts";
import { goal, type BenchOptions, type Goal } from "../report.ts";
import type { InsideAnswer } from "./inside.ts";
import { LoadClient } from "./load-client.ts";
import type { OwnQuestion } from "./own-server.ts";
import type { LoadQuestion } from "./raw-load.ts";
import { usualDepth } from "./side-by-side.ts";

/** What was measured of the embedded broker alone. */
export interface Promised {
  readonly case: string;
  readonly measured: number;
  readonly unit: string;
}

interface Own {
  readonly child: Child<OwnQuestion, number | InsideAnswer>;
  readonly port: number;
}

/** What each part makes of a new folder, by its name in `--only`. */
const parts: Readonly<
  Record<string, (folder: string, options: BenchOptions) => Promise<[Promised[], Goal[]]>>
> = { "in-process": fromInside, backlog, idle };

/** What the embedded broker promises of itself, beside nobody. */
export async function ownPromises(
  folder: string,
  options: BenchOptions,
): Promise<{ readonly rows: Promised[]; readonly goals: Goal[] }> {
  const rows: Promised[] = [];
  const goals: Goal[] = [];
  for (const [name, part] of Object.entries(parts)) {
    if (options.only.length > 0 && !options.only.includes(name)) continue;
    options.progress(name);
    const [measured, met] = await part(join(folder, name), options);
    rows.push(...measured);
    goals.push(...met);
  }
  return { rows, goals };
}

async function own(folder: string, nodeOptions: readonly string[] = []): Promise<Own> {
  const child: Own["child"] = await start("broker/own-server.ts", [folder], nodeOptions);
  const { port } = JSON.parse(child.about) as { readonly port: number };
  return { child, port };
}

async function fromInside(
  folder: string,
  { rounds, seconds }: BenchOptions,
): Promise<[Promised[], Goal[]]> {
  const { child } = await own(folder);
  const rows: Promised[] = [];
  let most = 0;
  for (const [calls, each] of [
    [1, 1],
    [usualDepth, 1],
    [16, 64],
  ] as const) {
    const question = { ask: "inside", calls, each, seconds } as const;
    await child.ask(question);
    const answers: InsideAnswer[] = [];
    for (let round = 0; round < rounds; round++)
      answers.push((await child.ask(question)) as InsideAnswer);
    const middle = answers.toSorted((a, b) => a.perSecond - b.perSecond)[answers.length >> 1]!;
    const what = `in process, ${calls} calls at once with ${each} each`;
    rows.push({ case: what, measured: middle.perSecond, unit: "confirmed/s" });
    rows.push({ case: `${what}: p50`, measured: middle.p50Us, unit: "µs" });
    rows.push({ case: `${what}: p99`, measured: middle.p99Us, unit: "µs" });
    most = Math.max(most, middle.perSecond);
  }
  await child.end();
  return [rows, [goal("in process, confirmed/s", most, "≥", 120_000, "")]];
}

/** Millions of messages wait; then the process is killed, and another one begins with them. */
async function backlog(
  folder: string,
  { quick, seconds, rounds }: BenchOptions,
): Promise<[Promised[], Goal[]]> {
  const count = quick ? 100_000 : 5_000_000;
  const { child, port } = await own(folder, ["--expose-gc"]);
  const client = await LoadClient.start("raw");
  const place = { port, user: "guest", password: "guest" };
  const middle = async (question: Partial<LoadQuestion> & { queue: string }): Promise<number> => {
    const load = { place, queueArguments: {}, inFlight: usualDepth, consumes: false, seconds };
    const rates: number[] = [];
    for (let round = 0; round <= rounds; round++)
      rates.push((await client.load({ ...load, ...question })).perSecond);
    return rates.slice(1).toSorted((a, b) => a - b)[(rates.length - 1) >> 1]!;
  };
  const published = await middle({ queue: "empty" });
  const through = await middle({ queue: "empty", consumes: true });
  const before = (await child.ask({ ask: "memory" })) as number;
  const from = performance.now();
  await child.ask({ ask: "fill", queue: "full", count });
  const filledPerSecond = (count * 1_000) / (performance.now() - from);
  const after = (await child.ask({ ask: "memory" })) as number;
  const full = { queue: "full", amongOthers: true };
  const onto = await middle(full);
  const beside = await middle({ queue: "beside", consumes: true });
  const consumed = await middle({ ...full, consumes: true, consumesOnly: true });
  const both = await middle({ ...full, consumes: true });
  const waiting = (await child.ask({ ask: "waiting", queue: "full" })) as number;
  await client.end();
  await child.kill("SIGKILL", 1_000);
  const killedAt = performance.now();
  const again = await own(folder);
  const startedMs = performance.now() - killedAt;
  const found = (await again.child.ask({ ask: "waiting", queue: "full" })) as number;
  await again.child.end();
  // What was delivered and not acknowledged comes back.
  if (found < waiting) throw new Error(`${waiting} waited, and after a kill ${found} were found`);
  const bytesEach = (after - before) / count;
  return [
    [
      { case: "filling a queue in process", measured: filledPerSecond, unit: "messages/s" },
      { case: "publishing to an empty queue", measured: published, unit: "confirmed/s" },
      { case: `publishing behind ${count}`, measured: onto, unit: "confirmed/s" },
      { case: "through an empty queue", measured: through, unit: "confirmed and consumed/s" },
      { case: `through a queue beside one of ${count}`, measured: beside, unit: "the same" },
      { case: `consuming ${count}`, measured: consumed, unit: "consumed/s" },
      { case: `publishing while ${count} are consumed`, measured: both, unit: "confirmed/s" },
      { case: "a message that waits", measured: bytesEach, unit: "B of memory" },
      { case: `start after a kill with ${found} messages`, measured: startedMs, unit: "ms" },
    ],
    [
      goal("publishing behind millions, of the rate", onto / published, "≥", 0.8, "×"),
      goal("consuming millions, of the rate", consumed / through, "≥", 0.8, "×"),
      goal("through a queue beside millions, of the rate", beside / through, "≥", 0.8, "×"),
      goal("memory of a message that waits", bytesEach, "≤", 100, " B"),
      goal("start after a kill", startedMs / 1_000, "≤", 2, " s"),
    ],
  ];
}

/** Each process opens so many: their memory is not what is measured. */
const perProcess = 2_500;

async function idle(
  folder: string,
  { quick, progress }: BenchOptions,
): Promise<[Promised[], Goal[]]> {
  const { child, port } = await own(folder, ["--expose-gc"]);
  const clients: Child<object, unknown>[] = [];
  const open = async (count: number): Promise<void> => {
    for (let opened = 0; opened < count; opened += perProcess) {
      progress(`idle: ${opened} of ${count}`);
      const some = String(Math.min(perProcess, count - opened));
      clients.push(await start("broker/idle-connections.ts", [String(port), some]));
    }
  };
  const memory = async (): Promise<number> => (await child.ask({ ask: "memory" })) as number;
  // Code and pools come with the first ones.
  const first = quick ? 10 : 100;
  await open(first);
  const rows: Promised[] = [];
  const goals: Goal[] = [];
  const before = await memory();
  let there = 0;
  for (const count of quick ? [50] : [1_000, 10_000 - first]) {
    await open(count - there);
    there = count;
    const each = ((await memory()) - before) / count / 1024;
    rows.push({ case: `an idle connection, of ${count}`, measured: each, unit: "KiB" });
    goals.push(goal(`memory of an idle connection, of ${count}`, each, "≤", 30, " KiB"));
  }
  for (const client of clients) await client.end();
  await child.end();
  return [rows, goals];
}
