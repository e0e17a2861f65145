import { Client } from "pg";
import type { OwnDatabases } from "../../scripts/servers/databases.ts";
import { laneOfKey } from "../../src/messaging/outbox/lane.ts";
import { orderedLanes } from "../../src/store/outbox-rows.ts";
import { goal, type BenchOptions, type Goal } from "../report.ts";
import {
  ratioOf,
  rateOf,
  rowOf,
  startPeer,
  type Measured,
  type PeerChild,
  type Row,
} from "./measured.ts";
import { keys, orderOf } from "./peer.ts";

const peer = "trunkline, one lane stands";
const backlog = 1_000_000;
const quickBacklog = 2_000;
const publishers = 16;
const count = 5_000;
const quickCount = 300;
const perSecond = 200;
/** Where two are to be the same: as far as they may lie apart on a machine that does other things too. */
const apart = 1.15;

/** Fresh messages beside a million that cannot be published, because the first of their lane is not taken, and beside none. */
export async function besideBacklog(
  database: OwnDatabases,
  options: BenchOptions,
): Promise<{ rows: Row[]; ratios: Record<string, number>; goals: Goal[] }> {
  const rows = options.quick ? quickBacklog : backlog;
  const names = ["nothing lies there", `${rows.toLocaleString("en")} rows stand in one lane`];
  const cases = ["published and handled", `${perSecond} messages/s`];
  const children: PeerChild[] = [];
  const measured: Measured[] = cases.flatMap((name) =>
    names.map((beside) => ({ peer, case: `${name}, ${beside}`, rounds: [], failed: "" })),
  );
  try {
    for (const [place, name] of names.entries()) {
      options.progress(name);
      const address = await database.fresh();
      children.push(await startPeer(peer, address, options));
      if (place === 1) await fill(address, rows);
      await children[place]!.ask({ ask: "consume" });
    }
    const seconds = options.quick ? 0.2 : Math.min(3, options.seconds);
    for (let round = options.quick ? 1 : 0; round <= options.rounds; round++)
      for (const [at, name] of cases.entries())
        for (let turn = 0; turn < names.length; turn++) {
          const place = (turn + round) % names.length;
          const one = measured[at * names.length + place]!;
          options.progress(`round ${round} of ${options.rounds}: ${name}, ${names[place]!}`);
          const messages = options.quick ? quickCount : count;
          const told = await children[place]!.ask(
            at === 0
              ? { ask: "through", connections: publishers, count: messages }
              : { ask: "steady", perSecond, seconds },
          );
          if (round > 0) one.rounds.push(told);
          if (told.lost + told.doubled > 0)
            one.failed = `${told.lost} lost, ${told.doubled} doubled`;
        }
    for (const child of children) await child.ask({ ask: "end" });
  } finally {
    for (const child of children) await child.end();
  }
  const [freeRate, besideRate, freeSteady, besideSteady] = measured as [
    Measured,
    Measured,
    Measured,
    Measured,
  ];
  const found: [string, number | undefined][] = [
    [
      "time a message beside a backlog",
      ratioOf(besideRate, freeRate, (a, b) => rateOf(b, "handled") / rateOf(a, "handled")),
    ],
    [
      "latency of a message beside a backlog",
      ratioOf(besideSteady, freeSteady, (a, b) => a.handledP50Ms / b.handledP50Ms),
    ],
    [
      "one look of the relay beside a backlog",
      ratioOf(besideSteady, freeSteady, (a, b) => a.claimMs! / b.claimMs!),
    ],
  ];
  const known = found.flatMap(([name, ratio]) =>
    ratio === undefined ? [] : [[name, ratio] as const],
  );
  return {
    rows: measured.map((each) => rowOf(each, "handled")),
    ratios: Object.fromEntries(known),
    goals: known.map(([name, ratio]) => goal(name, ratio, "≤", apart, "×")),
  };
}

/** A lane that no customer's messages go to, with a first row that nobody can read. */
async function fill(address: string, rows: number): Promise<void> {
  const used = new Set(Array.from({ length: keys }, (_, number) => laneOfKey(orderOf(number).id)));
  const lane = Array.from({ length: orderedLanes }, (_, each) => each).find(
    (each) => !used.has(each),
  )!;
  const client = new Client({ connectionString: address });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO trunkline_outbox (id, lane, msg_key, channel, head, data, not_before, written_at)
       SELECT gen_random_uuid()::text, $1, 'stands', 'not a channel', repeat('h', 200), convert_to(repeat('d', 200), 'UTF8'), 0,
         CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)
       FROM generate_series(1, $2)`,
      [lane, rows],
    );
  } finally {
    await client.end();
  }
}
