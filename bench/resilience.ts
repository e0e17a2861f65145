import { choosings } from "./resilience/choosing.ts";
import { guards, type Guard } from "./resilience/guards.ts";
import { inFlight, lap, type Lap } from "./resilience/lap.ts";
import { sides, type Side } from "./resilience/pipeline.ts";
import { playScenarios, scenarioGoals } from "./resilience/scenarios.ts";
import {
  goal,
  goalsTable,
  machine,
  table,
  whole,
  type Bench,
  type BenchOptions,
  type Goal,
} from "./report.ts";
import { spreadOf, type Spread } from "./spread.ts";

interface CallRow {
  readonly case: string;
  readonly peer: string;
  readonly ns: Spread;
  readonly cpuNs: Spread;
}

interface ChoosingRow {
  readonly case: string;
  readonly peer: string;
  readonly pickNs: Spread;
  readonly updateMs: Spread;
}

/** Somebody who makes calls. */
interface Peer {
  readonly peer: string;
  call(i: number): Promise<void>;
}

const parts = ["guards", "pipeline", "choosing", "scenarios"] as const;

const guardsCase = `one function, guarded, ${inFlight} in flight`;
const pipelineCase = `calls of 64 B over memory, ${inFlight} in flight`;

/** What it costs to guard a function, to have the pipeline under a client, and to choose an endpoint; and what it is good for. */
export const resilience: Bench = async (options) => {
  const wanted = (part: (typeof parts)[number]): boolean =>
    options.only.length === 0 || options.only.includes(part);
  const calls: Measured[] = [];
  if (wanted("guards")) calls.push(...(await measureGuards(options)));
  if (wanted("pipeline")) calls.push(...(await measurePipeline(options)));
  const choosing = wanted("choosing") ? measureChoosing(options) : [];
  const outcomes = wanted("scenarios") ? await playScenarios(options) : [];
  const callRows = calls.map(rowOf);
  const ratios = ratiosOf(calls);
  const goals = [...goalsOf(ratios, choosing), ...scenarioGoals(outcomes)];
  const outcomeRows = outcomes.map((each) => ({ case: each.name, peer: "trunkline", ...each }));
  const rows = [...callRows, ...choosing, ...outcomeRows];
  const report = { ok: true, bench: "resilience", machine: machine(), rows, ratios, goals };
  return { report, tables: tablesOf(callRows, choosing, ratios, goals) };
};

/** The laps of one peer, one for each round. */
interface Measured {
  readonly case: string;
  readonly peer: string;
  readonly laps: Lap[];
}

async function measureGuards(options: BenchOptions): Promise<Measured[]> {
  const all = guards();
  const measured = await measure(guardsCase, all.map(checked), options);
  for (const each of all) each.end();
  return measured;
}

/** Every answer is checked. */
function checked(guard: Guard): Peer {
  return {
    peer: guard.peer,
    async call(i) {
      if ((await guard.call(i)) !== i + 1) throw new Error(`${guard.peer}: a wrong answer`);
    },
  };
}

async function measurePipeline(options: BenchOptions): Promise<Measured[]> {
  const { sides: all, end } = await sides();
  const measured = await measure(pipelineCase, all, options);
  await end();
  return measured;
}

/** Round by round, and in each the peers take turns at being first; round 0 warms up. */
async function measure(
  title: string,
  peers: readonly (Peer | Side)[],
  options: BenchOptions,
): Promise<Measured[]> {
  const measured = peers.map(({ peer }) => ({ case: title, peer, laps: [] as Lap[] }));
  for (let round = options.quick ? 1 : 0; round <= options.rounds; round++)
    for (let place = 0; place < peers.length; place++) {
      const index = (place + round) % peers.length;
      const { peer, call } = peers[index]!;
      options.progress(`round ${round} of ${options.rounds}: ${title}, ${peer}`);
      const result = await lap(call, round > 0 ? options.seconds : options.seconds * 3);
      if (round > 0) measured[index]!.laps.push(result);
    }
  return measured;
}

function measureChoosing(options: BenchOptions): ChoosingRow[] {
  return choosings().map(({ policy, endpoints, pickNs, updateMs }) => {
    options.progress(`${policy} among ${endpoints}`);
    const seconds = options.seconds / 4;
    pickNs(seconds);
    updateMs(seconds);
    const rounds = Array.from({ length: options.rounds }, () => ({
      pick: pickNs(seconds),
      update: updateMs(seconds),
    }));
    return {
      case: `choosing among ${endpoints.toLocaleString("en")} endpoints`,
      peer: policy,
      pickNs: spreadOf(rounds.map(({ pick }) => pick)),
      updateMs: spreadOf(rounds.map(({ update }) => update)),
    };
  });
}

function rowOf({ case: title, peer, laps }: Measured): CallRow {
  const spread = (value: (each: Lap) => number): Spread => spreadOf(laps.map(value));
  return { case: title, peer, ns: spread(({ ns }) => ns), cpuNs: spread(({ cpuNs }) => cpuNs) };
}

/** CPU a call, of one beside the other, round by round: what disturbs a whole round disturbs both. */
function ratiosOf(calls: readonly Measured[]): Record<string, number> {
  const lapsOf = (peer: string): Lap[] =>
    calls.find((measured) => measured.peer === peer)?.laps ?? [];
  const pairs = {
    "compose / cockatiel": ["trunkline compose", "cockatiel"],
    "compose / opossum": ["trunkline compose", "opossum"],
    "pipeline / bare, one address": ["default pipeline, one address", "bare caller"],
    "pipeline / bare, three instances": [
      "default pipeline, three instances",
      "bare callers in turn, three instances",
    ],
  };
  return Object.fromEntries(
    Object.entries(pairs).flatMap(([name, [ours, theirs]]) => {
      const beside = lapsOf(theirs!);
      const each = lapsOf(ours!).map(({ cpuNs }, round) => cpuNs / beside[round]!.cpuNs);
      return each.length === 0 ? [] : [[name, Number(spreadOf(each).median.toPrecision(3))]];
    }),
  );
}

function goalsOf(ratios: Record<string, number>, choosing: readonly ChoosingRow[]): Goal[] {
  const goals: Goal[] = [];
  for (const where of ["one address", "three instances"]) {
    const measured = ratios[`pipeline / bare, ${where}`];
    const name = `CPU a call with the default pipeline, ${where}`;
    if (measured !== undefined) goals.push(goal(name, measured, "≤", 1.15, " × bare"));
  }
  for (const { case: title, peer, pickNs, updateMs } of choosing) {
    if (!peer.includes("default")) continue;
    goals.push(goal(`a pick, ${title}`, pickNs.median, "≤", 200, " ns"));
    if (title.includes("1,000"))
      goals.push(goal("an update of 1,000 endpoints", updateMs.median, "≤", 5, " ms"));
  }
  return goals;
}

function tablesOf(
  calls: readonly CallRow[],
  choosing: readonly ChoosingRow[],
  ratios: Readonly<Record<string, number>>,
  goals: readonly Goal[],
): string {
  const callTables = [...Map.groupBy(calls, ({ case: title }) => title)].map(([title, rows]) =>
    table(
      [title, "ns a call", "CPU ns a call"],
      rows.map(({ peer, ns, cpuNs }) => [peer, whole(ns.median), whole(cpuNs.median)]),
    ),
  );
  const choosingTables = [...Map.groupBy(choosing, ({ case: title }) => title)].map(
    ([title, rows]) =>
      table(
        [title, "ns a pick", "ms an update"],
        rows.map(({ peer, pickNs, updateMs }) => [
          peer,
          whole(pickNs.median),
          updateMs.median.toPrecision(2),
        ]),
      ),
  );
  const beside = table(
    ["CPU a call, beside each other", ""],
    Object.entries(ratios).map(([name, ratio]) => [name, String(ratio)]),
  );
  return [...callTables, beside, ...choosingTables, goalsTable(goals)].join("\n\n");
}
