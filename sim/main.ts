// `npm run sim -- SUITE [--seeds N | --seed N] [--from N] [--bail] [--json]`: runs the whole stack in virtual time under faults. SUITE: see below; default `calls`.
import { parseArgs } from "node:util";
import { playBroker } from "./broker/broker.ts";
import { playCalls } from "./calls.ts";
import { playDiscovery } from "./discovery/discovery.ts";
import { playMessaging } from "./messaging/messaging.ts";
import { playOutbox } from "./outbox/outbox.ts";
import type { Play, Played } from "./played.ts";
import { playResilience } from "./resilience/resilience.ts";

/** One seed in so many is run twice, to see that it comes out the same. */
const repeatEvery = 25;

/** Who does not know says "maybe", and is always right: more of them than this hide what could be known. Now they are three in ten. */
const maybeShareMax = 0.4;

/** Where it is known what can be known. */
const maybeSuite = "calls";

/** Fewer failures say nothing about shares. */
const failuresMin = 20_000;

/** The lines of the trace that a failure shows. */
const traceLines = 40;

/**
 * What can be played, by name. `broker`: an embedded broker that ends at any point; `calls`: requests of all kinds; `discovery`: registries, those who register and those who watch;
 * `messaging`: publishers and groups of consumers on a broker; `outbox`: transactions that publish, relays, and consumers with an inbox; `resilience`: callers and replicas behind a registry.
 */
const suites: Readonly<Record<string, Play>> = {
  broker: playBroker,
  calls: playCalls,
  discovery: playDiscovery,
  messaging: playMessaging,
  outbox: playOutbox,
  resilience: playResilience,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1000" },
    seed: { type: "string" },
    from: { type: "string", default: "1" },
    bail: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const suite = positionals[0] ?? "calls";
const play = suites[suite];
if (play === undefined) {
  console.error(`no suite "${suite}"; there are: ${Object.keys(suites).join(", ")}`);
  process.exit(2);
}
const failures =
  values.seed === undefined
    ? await sweep(play, Number(values.from), Number(values.seeds))
    : await replay(play, Number(values.seed));
const seeds = values.seed === undefined ? Number(values.seeds) : 1;
if (values.json) {
  const told = failures.map(({ seed, violations }) => ({ seed, violations }));
  console.log(JSON.stringify({ ok: failures.length === 0, suite, seeds, failures: told }));
}
process.exitCode = failures.length === 0 ? 0 : 1;

async function sweep(run: Play, from: number, count: number): Promise<Played[]> {
  const failed: Played[] = [];
  const startedAt = performance.now();
  let shownAt = startedAt;
  let operations = 0;
  let events = 0;
  const told = { no: 0, maybe: 0, yes: 0 };
  const progress = (done: number): void => {
    const seconds = (performance.now() - startedAt) / 1_000;
    console.error(
      `${suite}: ${done}/${count} seeds, ${operations} operations, ${events} events, ` +
        `${(done / seconds).toFixed(1)} seeds/s, ${failed.length} failed`,
    );
  };
  for (let done = 0; done < count; done++) {
    const seed = from + done;
    const played = done % repeatEvery === 0 ? await twice(run, seed) : await run(seed);
    operations += played.operations;
    events += played.events;
    for (const executed of ["no", "maybe", "yes"] as const)
      told[executed] += played.failures[executed];
    if (played.violations.length > 0) {
      failed.push(played);
      await explain(run, played);
      if (values.bail) break;
    }
    if (performance.now() - shownAt > 2_000) {
      shownAt = performance.now();
      progress(done + 1);
    }
  }
  progress(count);
  const { no, maybe, yes } = told;
  const all = no + maybe + yes;
  if (all > 0) console.error(`of what failed ${no} had not run, ${yes} had, ${maybe} perhaps`);
  if (suite === maybeSuite && all > failuresMin && maybe > all * maybeShareMax) {
    const violations = [`of ${all} failures ${maybe} do not know whether it ran`];
    console.error(`✗ ${violations[0]}`);
    failed.push({ ...(await run(from)), violations });
  }
  return failed;
}

async function twice(run: Play, seed: number): Promise<Played> {
  const [first, second] = [await run(seed), await run(seed)];
  if (first.hash === second.hash) return first;
  const violations = [...first.violations, `not the same twice: ${first.hash}, ${second.hash}`];
  return { ...first, violations };
}

/** What was violated, what happened around it, and how to see it again. */
async function explain(run: Play, { seed, violations }: Played): Promise<void> {
  console.error(`\nseed ${seed}: ${violations.length} violated`);
  for (const violation of violations.slice(0, 10)) console.error(`  ✗ ${violation}`);
  const lines: string[] = [];
  await run(seed, (line) => lines.push(line));
  const first = lines.findIndex((line) => line.includes("VIOLATION"));
  const id = /[cs]\d+#\d+\.[\w/]+/.exec(lines[first] ?? "")?.[0];
  const about = lines.slice(0, first).filter((line) => id !== undefined && line.includes(id));
  const last = lines.slice(Math.max(0, first - traceLines), first + 1);
  if (about.length > 0) console.error(`  about ${id}:\n${indented(about.slice(-traceLines))}`);
  console.error(`  the last events before it:\n${indented(last)}`);
  console.error(`  again, with every event: npm run sim -- ${suite} --seed ${seed}\n`);
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}`).join("\n");
}

async function replay(run: Play, seed: number): Promise<Played[]> {
  const played = await run(seed, (line) => console.error(line));
  for (const violation of played.violations) console.error(`✗ ${violation}`);
  const { operations, events, hash } = played;
  console.error(`seed ${seed}: ${operations} operations, ${events} events, trace ${hash}`);
  return played.violations.length > 0 ? [played] : [];
}
