import { systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { ReplyBox, ReplyTerms } from "../broker.ts";
import type { Envelope } from "../envelope.ts";
import type { Cluster } from "./cluster.ts";
import { Fetcher, type Source } from "./fetcher.ts";
import { offsetsAt } from "./offsets.ts";
import { partitionOf } from "./partition-of.ts";
import { readEnvelope, type ReadRecord } from "./record.ts";

/** Into how many partitions replies are divided. A box is in one of them, for ever: what it is called says in which. */
export const replyPartitions = 12;
/** How long replies are kept, in milliseconds: a day. */
export const replyMs = 86_400_000;

/** Where a reply goes. */
export interface ReplyPlace {
  readonly topic: string;
  readonly partition: number;
  /** The key of its records: several boxes share a partition. */
  readonly box: string;
}

/** `topic/partition/box`, the box percent-encoded: `trunkline.replies/7/orders` */
function replyAddress({ topic, partition, box }: ReplyPlace): string {
  return `${topic}/${partition}/${encodeURIComponent(box)}`;
}

/** @throws TrunklineError INVALID_ARGUMENT */
export function parseReplyAddress(to: string): ReplyPlace {
  const match = /^([A-Za-z0-9._-]{1,249})\/(\d{1,6})\/([^/]{1,600})$/.exec(to);
  try {
    if (match !== null)
      return {
        topic: match[1]!,
        partition: Number(match[2]),
        box: decodeURIComponent(match[3]!),
      };
  } catch {
    // Not percent-encoded as it should be: refused below.
  }
  throw systemError("INVALID_ARGUMENT", `${JSON.stringify(to)} is not the address of a reply box`, {
    executed: "no",
  });
}

/**
 * Opens a box: reads one partition from its own place, without a group, so that nothing is missed while groups change. A durable
 * box is found by its name alone.
 */
export async function openReplyBox(
  cluster: Cluster,
  topic: string,
  terms: ReplyTerms,
  heard: (envelope: Envelope) => void,
): Promise<ReplyBox> {
  const box = terms.name ?? `~${uuidv7(cluster.env)}`;
  const partitions = (await cluster.topic(topic))?.leaders.length ?? 0;
  const partition = partitionOf(Buffer.from(box), Math.max(1, partitions));
  const from = terms.name === undefined ? "new" : (terms.since ?? "new");
  const begin = await offsetsAt(cluster, topic, from, [partition]);
  const fetcher = new Fetcher(cluster);
  const key = Buffer.from(box);
  const source: Source = {
    topic,
    partition,
    position: begin.get(partition) ?? 0,
    wants: () => true,
    take(records) {
      for (const record of records) if (record.key?.equals(key) === true) hear(record, heard);
      fetcher.wake();
    },
    astray() {
      void offsetsAt(cluster, topic, "first", [partition]).then(
        (first) => (source.position = first.get(partition) ?? source.position),
        () => {},
      );
    },
  };
  fetcher.add(source);
  const close = (): Promise<void> => fetcher.close();
  return {
    address: replyAddress({ topic, partition, box }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What is no envelope is no reply to anything. */
function hear(record: ReadRecord, heard: (envelope: Envelope) => void): void {
  const { envelope, malformed } = readEnvelope(record);
  if (malformed === undefined) heard(envelope);
}
