import { systemError } from "../../base/error.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { keyAt } from "../../contract/key.ts";
import { SpaceSaving } from "./space-saving.ts";

/** How keys with far more messages than others are spread over several shards. */
export interface SaltingTerms {
  /** Keys that are known to be hot. From the first message on they have sub-keys. Default none. */
  readonly keys?: readonly string[];
  /**
   * Keys that turn out to have more than this share of the messages that this process publishes are salted too, 0.001 to 1. In the
   * moment in which one becomes hot, messages of before and after can overtake each other. Default: none is.
   */
  readonly above?: number;
  /** Into how many sub-keys a hot key is divided, 2 to 1,024. Default: four for each shard, at most 256. */
  readonly parts?: number;
  /**
   * A dotted path in the data: messages of a hot key that are equal there have the same sub-key, and keep their order. Default: each
   * message goes to the next sub-key in turn, and hot keys keep no order.
   */
  readonly by?: string;
}

const partsMax = 1_024;
const partsPerShard = 4;
const keysMax = 10_000;
/** Keys that are watched for becoming hot. */
const watchedMax = 1_000;
const shareLeast = 1 / watchedMax;
/** Fewer messages say nothing of shares. */
const messagesLeast = 1_000;
/** After so many messages the past counts half. */
const halvedAfter = 100_000;

/** What marks a sub-key: `acme#3` is the fourth of `acme`. */
const mark = "#";

/**
 * Says by what the messages of one channel find their shard, where that is not their key: hot keys have sub-keys, and what has no
 * key at all is spread evenly instead of being together in one shard.
 */
export class Placement {
  readonly #ordered: boolean;
  readonly #terms: SaltingTerms | undefined;
  readonly #declared: ReadonlySet<string>;
  readonly #parts: number;
  readonly #watched: SpaceSaving | undefined;
  /** Keys that became hot: they stay so, or their order would suffer again. */
  readonly #found = new Set<string>();
  #turn = 0;

  /** @throws TrunklineError INVALID_ARGUMENT for terms that cannot be meant. */
  constructor({ ordered, shards }: Pick<Channel, "ordered" | "shards">, terms?: SaltingTerms) {
    this.#ordered = ordered;
    this.#terms = terms;
    this.#declared = new Set(terms?.keys);
    this.#parts = terms?.parts ?? Math.min(256, Math.max(2, shards * partsPerShard));
    if (terms !== undefined) checkTerms(terms);
    this.#watched = terms?.above === undefined ? undefined : new SpaceSaving(watchedMax);
  }

  /** The partition key of a message; undefined: its key, as ever. */
  partitionKeyOf({ subject, id, attributes }: Envelope, data: unknown): string | undefined {
    if (!this.#ordered || attributes[attribute.partitionkey] !== undefined) return undefined;
    if (subject === undefined) return id;
    if (!this.#hot(subject)) return undefined;
    const by = this.#terms?.by;
    const value = by === undefined ? undefined : keyAt(by, data);
    const part = value === undefined ? this.#turn++ : hashOf(value);
    return `${subject}${mark}${part % this.#parts}`;
  }

  #hot(key: string): boolean {
    if (this.#declared.has(key) || this.#found.has(key)) return true;
    const above = this.#terms?.above;
    if (this.#watched === undefined || above === undefined) return false;
    this.#watched.add(key);
    if (this.#watched.total < messagesLeast || this.#watched.shareOf(key) <= above) {
      if (this.#watched.total >= 2 * halvedAfter) this.#watched.halve();
      return false;
    }
    if (this.#found.size < keysMax) this.#found.add(key);
    return this.#found.has(key);
  }
}

/** By what a message waits for others of its key: a sub-key where it has one. */
export function laneOf({ subject, attributes }: Envelope): string | undefined {
  const placed = attributes[attribute.partitionkey];
  return subject !== undefined && placed?.startsWith(`${subject}${mark}`) === true
    ? placed
    : subject;
}

/** FNV-1a over the text's UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

function checkTerms({ keys = [], above, parts, by }: SaltingTerms): void {
  const refuse = (reason: string): never => {
    throw systemError("INVALID_ARGUMENT", reason, { executed: "no" });
  };
  if (keys.length > keysMax) refuse(`salting.keys has ${keys.length} keys; ${keysMax} are allowed`);
  if (above !== undefined && !(above >= shareLeast && above <= 1))
    refuse(`salting.above is a share from ${shareLeast} to 1, not ${above}`);
  if (parts !== undefined && !(Number.isInteger(parts) && parts >= 2 && parts <= partsMax))
    refuse(`salting.parts is a number from 2 to ${partsMax}, not ${parts}`);
  if (by === "") refuse("salting.by is a dotted path in the data");
}
