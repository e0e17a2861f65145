// A process that shares a folder: publishes, consumes, and says what became of it, each line at once and with the time of the host.
import { openSync, writeSync } from "node:fs";
import { isTrunklineError } from "../../../base/error.ts";
import { realEnv } from "../../../base/real-env.ts";
import { channel } from "../../../broker/channel.ts";
import type { Envelope } from "../../../broker/envelope.ts";
import { file as make } from "../file.ts";

/** What the parent says. */
export type Order =
  | {
      readonly order: "publish";
      readonly from: number;
      readonly count: number;
      readonly inFlight: number;
    }
  | { readonly order: "close" };

/** What a worker says. `at`: microseconds of the host's monotonic clock. */
export type Line =
  | { readonly say: "open"; readonly at: number }
  | {
      readonly say: "confirmed" | "failed";
      readonly at: number;
      readonly id: string;
      readonly text?: string;
    }
  | {
      readonly say: "got" | "acked" | "fenced";
      readonly at: number;
      readonly id: string;
      readonly key: string;
      readonly attempt: number;
    }
  | { readonly say: "published" | "closed"; readonly at: number };

export const work = channel({ name: "work", shape: "queue", ordered: true, shards: 4 });

/** Keys of one publisher. */
const keys = 5;

const [address = "", name = "", journal = "", consumes = ""] = process.argv.slice(2);
const file = openSync(journal, "a");

/** What is in the journal outlives the process, however that ends. */
function say(line: Record<string, unknown>): void {
  const at = Number(process.hrtime.bigint() / 1_000n);
  writeSync(file, `${JSON.stringify({ ...line, at })}\n`);
  process.send!({ ...line, at });
}

const broker = await make().open(address, { name, waitMs: 30_000 }, realEnv());
await broker.declare([work]);
if (consumes === "consumes")
  await broker.consume({ channel: work, group: undefined, prefetch: 100 }, (batch) => {
    for (const each of batch) {
      const { envelope, attempt } = each;
      const told = { id: envelope.id, key: envelope.subject, attempt };
      say({ say: "got", ...told });
      each.ack().then(
        () => say({ say: "acked", ...told }),
        () => say({ say: "fenced", ...told }),
      );
    }
  });
say({ say: "open" });

function envelope(number: number): Envelope {
  return {
    id: `${name}-${number}`,
    type: "test.counted",
    source: `/${name}`,
    subject: `${name}/${number % keys}`,
    time: Date.now(),
    contentType: "text/plain",
    attributes: {},
    data: Buffer.from(String(number)),
  };
}

async function publish(from: number, count: number, inFlight: number): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (let number = from; number < from + count; number++) {
    const one: Promise<void> = broker
      .publish([{ channel: work, envelope: envelope(number) }])
      .then(([outcome]) => {
        const id = `${name}-${number}`;
        if (isTrunklineError(outcome)) say({ say: "failed", id, text: outcome.message });
        else say({ say: "confirmed", id });
        underWay.delete(one);
      });
    underWay.add(one);
    if (underWay.size >= inFlight) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  say({ say: "published" });
}

process.on("message", (order: Order) => {
  if (order.order === "publish") void publish(order.from, order.count, order.inFlight);
  else
    void broker.close().then(() => {
      say({ say: "closed" });
      process.disconnect();
    });
});
