import type { OwnDatabases } from "../../scripts/servers/databases.ts";
import { goal, type BenchOptions, type Goal } from "../report.ts";
import {
  askWithServer,
  rateOf,
  ratioOf,
  rowOf,
  startPeer,
  type Measured,
  type Row,
} from "./measured.ts";

/** Ours that the goal is about. */
const promised = "trunkline, by key";
const peers = [
  promised,
  "trunkline, no key",
  "trunkline, file: broker",
  "trunkline, with inbox",
  "pg-boss",
  "graphile-worker",
  "serial cursor",
];
const publishers = 16;
/** Messages of a round. */
const count = 10_000;
const quickCount = 100;
const timesPgBoss = 1.5;

/** From the transaction to the handler: how many a second, published and handled at once; and of what lies there already. */
export async function through(
  database: OwnDatabases,
  options: BenchOptions,
): Promise<{ rows: Row[]; ratios: Record<string, number>; goals: Goal[] }> {
  const messages = options.quick ? quickCount : Math.ceil(count * Math.min(1, options.seconds));
  const cases = [
    `published and handled, ${publishers} transactions at once`,
    "handled, of what lies there",
  ];
  const children = await Promise.all(
    peers.map(async (peer) => startPeer(peer, await database.fresh(), options)),
  );
  const measured: Measured[] = cases.flatMap((name) =>
    peers.map((peer) => ({ peer, case: name, rounds: [], failed: "" })),
  );
  try {
    for (let round = options.quick ? 1 : 0; round <= options.rounds; round++)
      for (const [at, name] of cases.entries())
        for (let turn = 0; turn < peers.length; turn++) {
          const place = (turn + round) % peers.length;
          const one = measured[at * peers.length + place]!;
          const child = children[place]!;
          options.progress(`round ${round} of ${options.rounds}: ${one.peer}, ${name}`);
          const many = { connections: publishers, count: messages };
          await child.ask({ ask: "clear" });
          if (at === 0) await child.ask({ ask: "consume" });
          else await child.ask({ ask: "fill", ...many });
          const told = await askWithServer(
            child,
            at === 0 ? { ask: "through", ...many } : { ask: "drain", count: messages },
            database,
          );
          await child.ask({ ask: "end" });
          if (round > 0) one.rounds.push(told);
          if (told.lost + told.doubled > 0)
            one.failed = `of ${messages}: ${told.lost} lost, ${told.doubled} doubled`;
        }
  } finally {
    for (const child of children) await child.end();
  }
  const ratios: Record<string, number> = {};
  for (const one of measured) {
    const mine = measured.find((each) => each.peer === promised && each.case === one.case)!;
    const ratio = ratioOf(mine, one, (a, b) => rateOf(a, "handled") / rateOf(b, "handled"));
    if (one !== mine && ratio !== undefined)
      ratios[`${one.case}, ${promised} / ${one.peer}`] = ratio;
  }
  const goals = Object.entries(ratios)
    .filter(([name]) => name.endsWith("pg-boss"))
    .map(([name, ratio]) => goal(name, ratio, "≥", timesPgBoss, "×"));
  return { rows: measured.map((each) => rowOf(each, "handled")), ratios, goals };
}
