// `victim.ts TERMS NAME LOG`: makes a ring, writes into it, or reads from it, until it dies at a point or is killed from outside.
import { realEnv } from "../../src/base/real-env.ts";
import { isTrunklineError } from "../../src/base/error.ts";
import { seededRandom } from "../../src/base/random.ts";
import type { Delivery } from "../../src/broker/broker.ts";
import { mmap } from "../../src/broker/mmap/index.ts";
import { Log } from "../log.ts";
import { watchFor } from "./points.ts";
import { isWhole, job, jobs, type VictimTerms } from "./traffic.ts";

/** Messages after which a writer ends of itself. */
const messagesMax = 120;
const batchMax = 5;
const prefetch = 8;

const terms = JSON.parse(process.argv[2]!) as VictimTerms;
const { role, point, nth, seed, victim } = terms;
const log = new Log(process.argv[4]!);
const random = seededRandom(seed, victim);

if (point !== undefined)
  watchFor(point, nth, () => {
    process.kill(process.pid, "SIGKILL");
    for (;;); // Nothing more may happen, should the signal take its time.
  });

const broker = await mmap().open(terms.address, { name: victim, waitMs: 60_000 }, realEnv());

async function write(): Promise<void> {
  for (let n = 0; n < messagesMax;) {
    const count = 1 + Math.floor(random() * batchMax);
    const batch = Array.from({ length: count }, (_, i) => job(victim, n + i, random));
    const outcomes = await broker.publish(batch);
    for (const [i, outcome] of outcomes.entries()) {
      if (isTrunklineError(outcome)) throw outcome;
      log.write("confirmed", batch[i]!.envelope.id);
    }
    n += count;
    // So that whoever reads falls asleep now and then.
    if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

async function read(): Promise<void> {
  const settle = async (delivery: Delivery): Promise<void> => {
    const { id } = delivery.envelope;
    const releases = delivery.attempt === 1 && random() < 0.1;
    if (releases) return delivery.release();
    log.write("settles", id);
    await delivery.ack();
    log.write("done", id);
  };
  await broker.consume({ channel: jobs, group: undefined, prefetch }, (batch) => {
    for (const delivery of batch) {
      const { envelope, malformed, attempt } = delivery;
      const what = malformed === undefined && isWhole(envelope) ? "got" : "torn";
      log.write(what, envelope.id, attempt);
      if (random() < 0.5) void settle(delivery);
      else setTimeout(() => void settle(delivery), random() * 4);
    }
  });
  log.write("up");
}

await { maker: () => broker.declare([jobs]), writer: write, reader: read }[role]();
// A reader goes on until it is killed.
if (role !== "reader") {
  await broker.close();
  process.exit(0);
}
