import type { Lag } from "../../broker.ts";
import type { AnyQueue } from "../any-queue.ts";
import { EmbeddedConsumer } from "./consumer.ts";

/** How far the group of a queue is behind. `missing`: messages that the queue has still to get. */
export function lagOf(queue: AnyQueue, missing: number): Lag {
  const waiting = queue.count + missing;
  if (queue.terms.shards === 0) return { waiting, shards: [{ shard: "0", waiting }] };
  const owners = new Map(
    queue.consumers.flatMap((each) => each.shards.map((name) => [name, each])),
  );
  const shards = queue.lanes.map(({ ready }, index) => {
    const shard = String(index);
    const terms = owners.get(shard)?.terms;
    if (terms === undefined) return { shard, waiting: ready };
    const held = terms instanceof EmbeddedConsumer ? terms.unsettledIn(shard) : 0;
    return { shard, waiting: ready + held, consumer: terms.user };
  });
  return { waiting, shards };
}
