import { ownBroker } from "../demo/exchange/own-broker.ts";
import { bareKafka, bareRabbitmq } from "./messaging/bare.ts";
import { distribution, type DistributionRow } from "./messaging/distribution.ts";
import { moleculer, nest } from "./messaging/frameworks.ts";
import type { Carrier } from "./messaging/post.ts";
import { inFlight, round, type Round } from "./messaging/run.ts";
import { ownCarriers } from "./messaging/trunkline.ts";
import { goal, goalsTable, machine, table, whole, type Bench, type Goal } from "./report.ts";
import { spreadOf, type Spread } from "./spread.ts";

/** Messages of a round, by what carries them: about as many as are through in a second or two. */
const counts: Readonly<Record<string, number>> = {
  memory: 50_000,
  rabbitmq: 10_000,
  kafka: 20_000,
};
const countElse = 20_000;
const alone = 300;
/** Of the keys by Zipf's law, so that each run spreads the same messages. */
const seed = 1;

/** Messages through each broker: how many a second, and how soon they have their receipt; beside the bare client and what others build on it. */
export const messaging: Bench = async (options) => {
  const wanted = (over: string): boolean =>
    options.only.length === 0 || options.only.includes(over);
  const rabbitmq = wanted("rabbitmq") ? await addressOf("rabbitmq") : undefined;
  const kafka = wanted("kafka") ? await addressOf("kafka") : undefined;
  const carriers: Carrier[] = [
    ...ownCarriers({ rabbitmq, kafka }),
    ...(rabbitmq === undefined
      ? []
      : [bareRabbitmq(rabbitmq), nest("rabbitmq", rabbitmq), moleculer(rabbitmq)]),
    ...(kafka === undefined ? [] : [bareKafka(kafka), nest("kafka", kafka)]),
  ].filter(({ over }) => wanted(over));
  const measured = carriers.map((carrier) => ({ carrier, rounds: [] as Round[], failed: "" }));
  for (let at = 0; at <= options.rounds; at++)
    for (let place = 0; place < measured.length; place++) {
      const one = measured[(place + at) % measured.length]!;
      const { peer, over } = one.carrier;
      if (one.failed !== "" || (options.quick && at === 0)) continue;
      options.progress(`round ${at} of ${options.rounds}: ${peer} over ${over}`);
      const count = Math.ceil((counts[over] ?? countElse) * Math.min(1, options.seconds));
      try {
        const result = await round(one.carrier, count, options.quick ? 20 : alone);
        if (at > 0) one.rounds.push(result);
      } catch (error) {
        one.failed = (error as Error).message;
      }
    }
  const rows = measured.map(rowOf);
  const ratios = ratiosOf(measured);
  const spread = wanted("distribution")
    ? await distribution({ messages: options.quick ? 10_000 : 100_000, seed })
    : { rows: [], goals: [] };
  const goals = [...goalsOf(ratios), ...spread.goals];
  const failed = measured.filter(
    ({ carrier, failed: why }) => why !== "" && carrier.peer === "trunkline",
  );
  const report = {
    ok: failed.length === 0,
    bench: "messaging",
    machine: machine(),
    rows: [...rows, ...spread.rows],
    ratios,
    goals,
  };
  return { report, tables: tablesOf(rows, ratios, spread.rows, goals) };
};

interface Measured {
  readonly carrier: Carrier;
  readonly rounds: readonly Round[];
  readonly failed: string;
}

interface Row {
  readonly peer: string;
  readonly over: string;
  readonly receipt: string;
  readonly perSecond: Spread | null;
  readonly cpuUs: Spread | null;
  readonly p50Us: Spread | null;
  readonly p99Us: Spread | null;
  readonly failed: string;
}

function rowOf({ carrier, rounds, failed }: Measured): Row {
  const { peer, over, receipt } = carrier;
  const spread = (of: (each: Round) => number): Spread | null =>
    rounds.length === 0 ? null : spreadOf(rounds.map(of));
  return {
    peer,
    over,
    receipt,
    perSecond: spread(({ perSecond }) => perSecond),
    cpuUs: spread(({ cpuUs }) => cpuUs),
    p50Us: spread(({ p50Us }) => p50Us),
    p99Us: spread(({ p99Us }) => p99Us),
    failed,
  };
}

/** Ours beside the others on the same server, round by round. */
function ratiosOf(measured: readonly Measured[]): Record<string, number> {
  const ratios: Record<string, number> = {};
  for (const theirs of measured) {
    const { peer, over } = theirs.carrier;
    const ours = measured.find(
      ({ carrier }) => carrier.peer === "trunkline" && carrier.over === over,
    );
    if (peer === "trunkline" || ours === undefined) continue;
    const rounds = Math.min(ours.rounds.length, theirs.rounds.length);
    if (rounds === 0) continue;
    const ratio = (of: (ours: Round, theirs: Round) => number): number =>
      Number(
        spreadOf(
          Array.from({ length: rounds }, (_, i) => of(ours.rounds[i]!, theirs.rounds[i]!)),
        ).median.toPrecision(3),
      );
    ratios[`throughput over ${over}, trunkline / ${peer}`] = ratio(
      (a, b) => a.perSecond / b.perSecond,
    );
    ratios[`CPU a message over ${over}, trunkline / ${peer}`] = ratio((a, b) => a.cpuUs / b.cpuUs);
    if (!theirs.carrier.receipt.startsWith("none"))
      ratios[`receipt over ${over}, ${peer} / trunkline`] = ratio((a, b) => b.p50Us / a.p50Us);
  }
  return ratios;
}

function goalsOf(ratios: Readonly<Record<string, number>>): Goal[] {
  return Object.entries(ratios)
    .filter(([name]) => /^(throughput|receipt).*(rabbitmq-client|@platformatic)/.test(name))
    .map(([name, measured]) => goal(name, measured, "≥", 0.9, ""));
}

async function addressOf(name: string): Promise<string | undefined> {
  try {
    return (await ownBroker(name)).address;
  } catch {
    return undefined;
  }
}

function tablesOf(
  rows: readonly Row[],
  ratios: Readonly<Record<string, number>>,
  spread: readonly DistributionRow[],
  goals: readonly Goal[],
): string {
  const carried = table(
    [
      `orders of 200 B, by key, ${inFlight} in flight`,
      "over",
      "messages/s",
      "CPU µs each",
      "receipt p50 µs",
      "p99 µs",
      "receipt",
    ],
    rows.map(({ peer, over, receipt, perSecond, cpuUs, p50Us, p99Us, failed }) => [
      peer,
      over,
      perSecond === null ? "–" : whole(perSecond.median),
      cpuUs === null ? "–" : cpuUs.median.toFixed(1),
      p50Us === null ? "–" : whole(p50Us.median),
      p99Us === null ? "–" : whole(p99Us.median),
      failed === "" ? receipt : failed.slice(0, 60),
    ]),
  );
  const beside = table(
    ["beside each other", ""],
    Object.entries(ratios).map(([name, ratio]) => [name, String(ratio)]),
  );
  const evenly = table(
    ["keys by Zipf's law, exponent 1.1", "messages", "shards", "busiest / mean", "consumers idle"],
    spread.map((row) => [
      row.case,
      whole(row.messages),
      String(row.shards),
      row.maxOverMean.toFixed(2),
      `${Math.round(row.idle * 100)} %`,
    ]),
  );
  return [carried, beside, evenly, goalsTable(goals)].join("\n\n");
}
