import { Buffer } from "node:buffer";
import { realEnv } from "../../src/base/real-env.ts";
import { uuidv7 } from "../../src/base/id.ts";
import { channel } from "../../src/broker/channel.ts";
import type { Outgoing } from "../../src/broker/broker.ts";
import type { Node } from "../../src/broker/embedded/node.ts";
import { SharedEmbedded } from "../../src/broker/embedded/port/shared-embedded.ts";
import { queueTerms } from "../../src/broker/embedded/terms.ts";
import { bodyBytes } from "./raw-load.ts";

/** How those publish who are in the broker's own process: so many calls at once, with so many messages each. */
export interface InsideQuestion {
  readonly ask: "inside";
  readonly calls: number;
  readonly each: number;
  readonly seconds: number;
}

export interface InsideAnswer {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Publishes by the port, and has all consumed. Throws when not each came once. */
export async function inside(node: Node, question: InsideQuestion): Promise<InsideAnswer> {
  const { calls, each, seconds } = question;
  const env = realEnv();
  const shared = new SharedEmbedded(node, { address: "file:bench" });
  const broker = shared.open("bench");
  const orders = channel({ name: `inside-${calls}-${each}`, shape: "queue" });
  await broker.declare([orders]);
  let consumed = 0;
  let wanted = Infinity;
  const all = Promise.withResolvers<void>();
  const subscription = { channel: orders, group: undefined, prefetch: 1_024 };
  await broker.consume(subscription, (batch) => {
    consumed += batch.length;
    for (const delivery of batch) void delivery.ack();
    if (consumed >= wanted) all.resolve();
  });
  const data = Buffer.alloc(bodyBytes, 0x61);
  const outgoing = (): Outgoing => ({
    channel: orders,
    envelope: {
      ...{ id: uuidv7(env), type: "orders.placed", source: "/bench", subject: undefined },
      ...{ time: Date.now(), contentType: "application/json", attributes: {}, data },
    },
  });
  const from = performance.now();
  const until = from + seconds * 1_000;
  const times: number[] = [];
  let sent = 0;
  const lane = async (): Promise<void> => {
    for (let before = performance.now(); before < until;) {
      const receipts = await broker.publish(Array.from({ length: each }, outgoing));
      for (const receipt of receipts) if (!("enqueued" in receipt)) throw receipt;
      sent += each;
      const now = performance.now();
      times.push(now - before);
      before = now;
    }
  };
  await Promise.all(Array.from({ length: calls }, lane));
  const perSecond = (sent * 1_000) / (performance.now() - from);
  wanted = sent;
  if (consumed < sent) await all.promise;
  await broker.close();
  shared.close();
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))]! * 1_000;
  return { perSecond, p50Us: at(0.5), p99Us: at(0.99) };
}

/** Messages that wait, in one queue. */
export async function fill(node: Node, queue: string, count: number): Promise<void> {
  const host = node.host("/");
  host.declareQueue(queueTerms({ name: queue }));
  const deliveryMode2 = Buffer.from([0x10, 0, 2]);
  const piece = 2_000;
  for (let done = 0; done < count;) {
    let batch = 0;
    for (const end = Math.min(count, done + piece); done < end; done++)
      ({ batch } = host.publishTo(queue, {
        exchange: "",
        routingKey: queue,
        properties: deliveryMode2,
        body: Buffer.alloc(bodyBytes, 0x61),
        persistent: true,
        priority: 0,
        expirationMs: undefined,
        key: undefined,
      }));
    await node.storage.until(batch);
  }
}
