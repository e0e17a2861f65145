import type { BenchOptions } from "../report.ts";
import { spreadOf, type Spread } from "../spread.ts";
import { costOf, type Cost } from "./cost.ts";
import { LoadClient } from "./load-client.ts";
import type { LoadAnswer } from "./meter.ts";
import { bodyBytes } from "./raw-load.ts";
import type { Serving } from "./servers.ts";
import { syncOf, type Sync } from "./sync.ts";

/** Messages in flight at once. */
const depths = [1, 192, 3_000];
/** The syncs that are measured before a measurement of one at a time. */
const syncsEach = 100;
/** The depth at which libraries are measured, and that goals are about. */
export const usualDepth = 192;

/** One who carries messages: a client at a broker. */
interface Carrier {
  /** The broker, by its name in `--only`. */
  readonly broker: string;
  readonly peer: string;
  readonly client: "raw" | "amqplib" | "rabbitmq-client" | "nats";
  readonly queueArguments: Readonly<Record<string, string>>;
  readonly depths: readonly number[];
}

const classic = { "x-queue-type": "classic" };
const quorum = { "x-queue-type": "quorum" };
const raw = { client: "raw", depths } as const;

/** All of them; a broker that is not there is left out. */
const carriers: readonly Carrier[] = [
  { ...raw, broker: "rabbitmq", peer: "RabbitMQ 3.10 classic", queueArguments: classic },
  { ...raw, broker: "rabbitmq", peer: "RabbitMQ 3.10 quorum", queueArguments: quorum },
  { ...raw, broker: "rabbitmq4", peer: "RabbitMQ 4.3 classic", queueArguments: classic },
  { ...raw, broker: "rabbitmq4", peer: "RabbitMQ 4.3 quorum", queueArguments: quorum },
  { ...raw, broker: "trunkline", peer: "trunkline", queueArguments: {} },
  { ...raw, broker: "ceiling", peer: "nobody keeps them", queueArguments: {} },
  ...["nats", "nats-always"].map((broker) => ({
    broker,
    peer: broker === "nats" ? "NATS JetStream" : "NATS JetStream, synced",
    client: "nats" as const,
    queueArguments: {},
    // With a sync each, thousands at once would wait for minutes.
    depths: broker === "nats" ? depths : depths.slice(0, 2),
  })),
  ...(["amqplib", "rabbitmq-client"] as const).flatMap((client) =>
    [
      { broker: "rabbitmq", peer: "RabbitMQ 3.10 classic", queueArguments: classic },
      { broker: "rabbitmq4", peer: "RabbitMQ 4.3 classic", queueArguments: classic },
      { broker: "trunkline", peer: "trunkline", queueArguments: {} },
    ].map((one) => ({ ...one, client, depths: [usualDepth] })),
  ),
];

/** What one measurement gave. */
interface Round extends LoadAnswer {
  readonly cost: Cost;
  /** Of one sync of the disk just before, where one message at a time was in flight. */
  readonly sync: Sync | undefined;
}

/** What is measured once in each round. */
interface Case {
  readonly carrier: Carrier;
  readonly serving: Serving;
  readonly inFlight: number;
  readonly consumes: boolean;
  readonly rounds: Round[];
  failed: string;
}

/** One client at one broker, so many in flight: of what was measured the middle, for each thousand messages or for each of them. */
export interface Row {
  readonly peer: string;
  readonly client: string;
  readonly inFlight: number;
  readonly consumes: boolean;
  readonly perSecond: Spread | null;
  /** Of each round, in their order. */
  readonly rates: readonly number[];
  readonly p50Us: Spread | null;
  /** The same in syncs of the disk that were measured just before; only with one in flight. */
  readonly p50Syncs: Spread | null;
  readonly p99Us: Spread | null;
  readonly clientCpuMs: Spread | null;
  readonly serverCpuMs: Spread | null;
  readonly syncsEach: Spread | null;
  /** To the disk, for each byte of a body. */
  readonly writtenEach: Spread | null;
  /** Messages of all rounds that came before one that was sent earlier. */
  readonly disordered: number;
  readonly failed: string;
}

/** Measures all that is wanted of all who run, in turn, round by round. Round 0 warms up. */
export async function sideBySide(
  served: Readonly<Record<string, Serving>>,
  folder: string,
  options: BenchOptions,
): Promise<Row[]> {
  const clients = new Map<string, LoadClient>();
  const cases = casesOf(served, options);
  try {
    for (const { client } of cases.map(({ carrier }) => carrier))
      if (!clients.has(client)) clients.set(client, await LoadClient.start(client));
    for (let round = options.quick ? 1 : 0; round <= options.rounds; round++)
      for (let place = 0; place < cases.length; place++) {
        const one = cases[(place + round) % cases.length]!;
        const { peer, client } = one.carrier;
        const what = `${one.inFlight} in flight${one.consumes ? ", consumed" : ""}`;
        options.progress(`round ${round} of ${options.rounds}: ${peer} by ${client}, ${what}`);
        const sync = one.inFlight === 1 ? syncOf(folder, syncsEach) : undefined;
        await measure(one, clients.get(client)!, round, options.seconds, sync);
      }
  } finally {
    for (const client of clients.values()) await client.end();
  }
  return cases.map(rowOf);
}

function casesOf(served: Readonly<Record<string, Serving>>, { quick }: BenchOptions): Case[] {
  return carriers.flatMap((carrier) => {
    const serving = served[carrier.broker];
    if (serving === undefined) return [];
    return carrier.depths
      .filter((inFlight) => !quick || inFlight === usualDepth)
      .flatMap((inFlight) =>
        [false, true]
          .filter((consumes) => consumes || carrier.client === "raw" || carrier.client === "nats")
          .map((consumes) => ({ carrier, serving, inFlight, consumes, rounds: [], failed: "" })),
      );
  });
}

async function measure(
  one: Case,
  client: LoadClient,
  round: number,
  seconds: number,
  sync: Sync | undefined,
): Promise<void> {
  if (one.failed !== "") return;
  const { serving, inFlight, consumes } = one;
  const { queueArguments } = one.carrier;
  const queue = `bench-${round}-${inFlight}`;
  const question = { place: serving.place, queue, queueArguments, inFlight, consumes, seconds };
  try {
    const { result, cost } = await costOf(serving.pid, () => client.load(question));
    if (round > 0) one.rounds.push({ ...result, cost, sync });
  } catch (error) {
    one.failed = (error as Error).message;
  }
}

function rowOf({ carrier, inFlight, consumes, rounds, failed }: Case): Row {
  const spread = (of: (each: Round) => number | null): Spread | null => {
    const values = rounds.map(of).filter((value) => value !== null);
    return values.length === 0 ? null : spreadOf(values);
  };
  const each = (value: number | null, by: number): number | null =>
    value === null ? null : value / by;
  return {
    peer: carrier.peer,
    client: carrier.client,
    inFlight,
    consumes,
    perSecond: spread(({ perSecond }) => perSecond),
    rates: rounds.map(({ perSecond }) => perSecond),
    p50Us: spread(({ p50Us }) => p50Us),
    p50Syncs: spread(({ p50Us, sync }) => (sync === undefined ? null : p50Us / sync.p50Us)),
    p99Us: spread(({ p99Us }) => p99Us),
    clientCpuMs: spread(({ cpuUs, total }) => cpuUs / total),
    serverCpuMs: spread(({ cost, total }) => each(cost.cpuMs, total / 1_000)),
    syncsEach: spread(({ cost, total }) => each(cost.syncs, total)),
    writtenEach: spread(({ cost, total }) => each(cost.writtenBytes, total * bodyBytes)),
    disordered: rounds.reduce((sum, { disordered }) => sum + disordered, 0),
    failed,
  };
}
