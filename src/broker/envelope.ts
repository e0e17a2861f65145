/**
 * A message as it travels: CloudEvents 1.0 in its own words. Each broker's adapter writes it in the binding of its protocol.
 * `specversion` is always 1.0, so it is not kept here.
 */
export interface Envelope {
  /** Unique for its source, the same for every delivery of the message and after a redrive: a UUID of version 7. */
  readonly id: string;
  /** What happened or is wanted: `orders.placed`. */
  readonly type: string;
  /** Who says so, a URI reference: `/orders`. */
  readonly source: string;
  /** The ordering key; undefined: no order is promised for it. */
  readonly subject: string | undefined;
  /** When it was made, in milliseconds since 1970. */
  readonly time: number;
  /** How the data is written: `application/json`. */
  readonly contentType: string;
  /** CloudEvents extension attributes; names of lower-case letters and digits, at most 20. See `attributes.ts`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
}

/** The most bytes that all attributes of an envelope may have together, names included: some brokers allow no more headers. */
export const attributeBytesMax = 16_384;

/** By what a message finds its shard: its own partition key, which a hot key has several of, else the ordering key. */
export function shardKeyOf({ attributes, subject }: Envelope): string | undefined {
  return attributes["partitionkey"] ?? subject;
}
