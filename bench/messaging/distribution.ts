import { bind, chassis, contract, event } from "trunkline";
import * as z from "zod";
import { seededRandom, type Random } from "../../src/base/random.ts";
import type { Broker, Outgoing } from "../../src/broker/broker.ts";
import { channel, type Channel } from "../../src/broker/channel.ts";
import { memoryBroker } from "../../src/broker/memory/index.ts";
import type { Goal } from "../report.ts";

/** One way of spreading messages over the shards of a channel. */
export interface DistributionRow {
  readonly part: "distribution";
  readonly case: string;
  readonly messages: number;
  readonly shards: number;
  /** What the busiest consumer got, over the mean: 1 is even. */
  readonly maxOverMean: number;
  /** The part of their time in which consumers have nothing to do until the busiest is done, when each message takes the same time. */
  readonly idle: number;
}

const shards = 12;
const keys = 10_000;
/** The exponent of Zipf's law: the first key has a sixth of all messages. */
const exponent = 1.1;
const chunk = 5_000;

const data = z.object({ customer: z.string().optional(), number: z.number() });
const Orders = contract(
  "distribution",
  { version: "1.0.0" },
  {
    plain: event({ data, key: "customer" }),
    salted: event({ data, key: "customer" }),
    keyless: event({ data, key: "customer" }),
  },
);

/** Publishes messages whose keys follow Zipf's law, and counts what each of twelve consumers gets, before and after the repair. */
export async function distribution(options: {
  readonly messages: number;
  readonly seed: number;
}): Promise<{ readonly rows: readonly DistributionRow[]; readonly goals: readonly Goal[] }> {
  const { messages, seed } = options;
  const random = seededRandom(seed, "zipf");
  const draw = zipf(random);
  const list = Array.from({ length: messages }, () => draw());
  const broker = memoryBroker();
  await using app = await chassis({
    name: "bench",
    messages: broker,
    bindings: [
      bind(Orders.plain, { shards }),
      bind(Orders.salted, { shards, salting: { above: 0.005 } }),
      bind(Orders.keyless, { shards }),
    ],
    signals: false,
  });
  const { plain, salted, keyless } = app.publisher(Orders);
  const publish = (method: typeof plain, keyed: boolean) => async (): Promise<void> => {
    const values = list.map((customer, number) => (keyed ? { customer, number } : { number }));
    for (let from = 0; from < values.length; from += chunk)
      await method.many(values.slice(from, from + chunk));
  };
  const ordered = (name: string): Channel =>
    channel({ name: `distribution.1.${name}`, shape: "topic", ordered: true, shards });
  const bare = ordered("bare");
  const counted = async (
    name: string,
    target: Channel,
    run: () => Promise<void>,
  ): Promise<DistributionRow> => rowOf(name, messages, await spread(broker, target, messages, run));
  const rows = [
    await counted("with keys, before", ordered("plain"), publish(plain, true)),
    await counted("with keys, hot ones salted", ordered("salted"), publish(salted, true)),
    await counted("without keys, before", bare, () => publishBare(broker, bare, messages)),
    await counted("without keys, spread by id", ordered("keyless"), publish(keyless, false)),
  ];
  const goal = (name: string, row: DistributionRow, most: number): Goal => ({
    name,
    goal: `≤ ${most}`,
    measured: row.maxOverMean,
    met: row.maxOverMean <= most,
  });
  return {
    rows,
    goals: [
      goal("distribution: max/mean with keys and salting", rows[1]!, 1.5),
      goal("distribution: max/mean without keys", rows[3]!, 1.3),
    ],
  };
}

/** What each consumer of a group of twelve gets. */
async function spread(
  broker: Broker,
  target: Channel,
  messages: number,
  run: () => Promise<void>,
): Promise<number[]> {
  await broker.declare([target]);
  const counts = Array.from({ length: shards }, () => 0);
  const all = Promise.withResolvers<void>();
  let seen = 0;
  const consumers = await Promise.all(
    counts.map((_, index) =>
      broker.consume({ channel: target, group: "all", prefetch: 100 }, (batch) => {
        for (const delivery of batch) {
          counts[index]!++;
          void delivery.ack();
        }
        if ((seen += batch.length) === messages) all.resolve();
      }),
    ),
  );
  await run();
  await all.promise;
  await Promise.all(consumers.map((consumer) => consumer.close()));
  return counts;
}

/** As nobody spreads them: without key and partition key. */
async function publishBare(broker: Broker, target: Channel, messages: number): Promise<void> {
  const bytes = new Uint8Array(20);
  const outgoing = (index: number): Outgoing => ({
    channel: target,
    envelope: {
      id: String(index),
      type: "bench",
      source: "/bench",
      subject: undefined,
      time: 0,
      contentType: "application/json",
      attributes: {},
      data: bytes,
    },
  });
  for (let from = 0; from < messages; from += chunk) {
    const length = Math.min(chunk, messages - from);
    await broker.publish(Array.from({ length }, (_, index) => outgoing(from + index)));
  }
}

function rowOf(name: string, messages: number, counts: readonly number[]): DistributionRow {
  const most = Math.max(...counts);
  const mean = messages / counts.length;
  return {
    part: "distribution",
    case: name,
    messages,
    shards,
    maxOverMean: Math.round((most / mean) * 100) / 100,
    idle: Math.round((1 - mean / most) * 1_000) / 1_000,
  };
}

function zipf(random: Random): () => string {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= keys; rank++) sums.push((sum += rank ** -exponent));
  return () => {
    const drawn = random() * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! < drawn) low = middle + 1;
      else high = middle;
    }
    return `customer-${low}`;
  };
}
