import { systemError } from "../base/error.ts";
import type { Guarantee } from "../base/guarantee.ts";

/**
 * What the receipt of a message means. `accepted`: the broker has it in memory. `stored`: it would outlive a crash of the
 * broker, as far as that broker's disk policy goes. `replicated`: a majority of its replicas has it.
 */
export type Enqueued = "accepted" | "stored" | "replicated";

/** All of them, the weakest first. */
export const enqueuedLevels: readonly Enqueued[] = ["accepted", "stored", "replicated"];

/** Where messages of one type go: what the adapters make exchanges, queues and topics of. Plain data. */
export interface Channel {
  /** The same for all who use it: `orders.1.placed`. Letters, digits, dots, dashes and underscores, at most 200. */
  readonly name: string;
  /** `queue`: each message goes to one of those who consume. `topic`: each group of consumers gets each message. */
  readonly shape: "queue" | "topic";
  /** Messages of one key are delivered in the order in which they were published. */
  readonly ordered: boolean;
  readonly guarantee: Guarantee;
  /** What receipts must mean at least. Undefined: the best that the broker has. */
  readonly enqueued: Enqueued | undefined;
  /** A message that no queue or group is there for is refused. For topics false: an event that nobody is bound to is fine. */
  readonly mandatory: boolean;
  /** The groups of a topic that are known beforehand: for them messages are kept from the declaration on. */
  readonly groups: readonly string[];
  /** Into how many parts it is divided, each consumed in its order by one consumer of a group at a time. Default 12. */
  readonly shards: number;
  /** How long messages are kept, consumed or not, in milliseconds. Undefined: the broker's own. */
  readonly retentionMs: number | undefined;
  /** The most messages that wait for one group, past which publishing is refused. Undefined: the broker's own bound. */
  readonly lengthMax: number | undefined;
  /** The highest priority that a message may have; 0: there are none. */
  readonly priorityMax: number;
  /** Of the messages of one key only the last is kept for ever. */
  readonly compacted: boolean;
  /** What concerns one adapter alone, by its name: the type of an exchange, settings of a topic. */
  readonly native: Readonly<Record<string, unknown>>;
}

/** The shards of a channel that nobody has said otherwise of: enough for twelve consumers, few enough to declare at once. */
const shardsDefault = 12;

const nameCharsMax = 200;
export const shardsMax = 1_024;

/** A channel with what was not said filled in. Refuses with INVALID_ARGUMENT what no adapter could take. */
export function channel(given: Partial<Channel> & Pick<Channel, "name" | "shape">): Channel {
  const { name, shards = shardsDefault, shape } = given;
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name.length > nameCharsMax)
    throw refused(
      `the channel name ${JSON.stringify(name)} must have 1 to ${nameCharsMax} letters, digits, dots, dashes or underscores`,
    );
  if (!Number.isInteger(shards) || shards < 1 || shards > shardsMax)
    throw refused(`the channel ${name}: shards is a number from 1 to ${shardsMax}, not ${shards}`);
  return Object.freeze({
    name,
    shape,
    ordered: given.ordered ?? false,
    guarantee: given.guarantee ?? "at-least-once",
    enqueued: given.enqueued,
    mandatory: given.mandatory ?? shape === "queue",
    groups: Object.freeze([...(given.groups ?? [])]),
    shards,
    retentionMs: given.retentionMs,
    lengthMax: given.lengthMax,
    priorityMax: given.priorityMax ?? 0,
    compacted: given.compacted ?? false,
    native: Object.freeze({ ...given.native }),
  });
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
