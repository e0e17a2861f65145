// A process that shares a folder: publishes, consumes, and says what became of it.
import { openSync, writeSync } from "node:fs";
import { isTrunklineError, openBroker, realEnv } from "trunkline";
import { work, type Line, type Order } from "./lines.ts";

const [address = "", name = "", journal = "", waitMs = ""] = process.argv.slice(2);
const file = openSync(journal, "a");

type Said<L = Line> = L extends Line ? Omit<L, "at"> : never;

/** What is in the journal outlives the process, however that ends. */
function say(said: Said): void {
  const line = { ...said, at: Number(process.hrtime.bigint() / 1_000n) };
  writeSync(file, `${JSON.stringify(line)}\n`);
  process.send!(line);
}

const broker = await openBroker(address, { name, waitMs: Number(waitMs) }, realEnv());
await broker.declare([work]);
/** What is being settled. */
const settling = new Set<Promise<void>>();
const subscription = {
  channel: work,
  group: undefined,
  prefetch: 100,
  // A shard is given up when what came of it is settled, as consumers of contracts do.
  revoking: async () => void (await Promise.all(settling)),
};
await broker.consume(subscription, (batch) => {
  for (const each of batch) {
    const { id, subject: key = "" } = each.envelope;
    say({ say: "got", id, key });
    const settled: Promise<void> = each
      .ack()
      .then(
        () => say({ say: "acked", id, key }),
        () => say({ say: "fenced", id, key }),
      )
      .finally(() => settling.delete(settled));
    settling.add(settled);
  }
});
say({ say: "open" });

/** Keys of one publisher. */
const keys = 5;

async function one(number: number): Promise<void> {
  const id = `${name}-${number}`;
  const envelope = {
    ...{ id, type: "test.counted", source: `/${name}`, subject: `${name}/${number % keys}` },
    ...{ time: Date.now(), contentType: "text/plain", attributes: {} },
    data: Buffer.from(String(number)),
  };
  const [outcome] = await broker.publish([{ channel: work, envelope }]);
  if (isTrunklineError(outcome)) say({ say: "failed", id, text: outcome.message });
  else say({ say: "confirmed", id });
}

async function publish({ from, count, inFlight }: Extract<Order, { order: "publish" }>) {
  const underWay = new Set<Promise<void>>();
  for (let number = from; number < from + count; number++) {
    const each: Promise<void> = one(number).finally(() => underWay.delete(each));
    underWay.add(each);
    if (underWay.size >= inFlight) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  say({ say: "published" });
}

process.on("message", (order: Order) => {
  if (order.order === "publish") void publish(order);
  else
    void broker.close().then(() => {
      say({ say: "closed" });
      process.disconnect();
    });
});
