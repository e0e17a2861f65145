/**
 * What of a partition is done: everything below `base`, and everything between `base` and `high` that is not open. Offsets that
 * Kafka left out (compacted, markers of transactions) are done by themselves. Pure; without clock and connection.
 */
export class Completion {
  /** The first offset that nobody has been handed yet. */
  high: number;
  /**
   * The offset below which a delivery may have begun, as it was committed: whoever takes over counts one delivery more for what is
   * open below it.
   */
  marked: number;
  /** What was handed out and is not done, in the order of offsets: how often it was. */
  readonly #open: Map<number, number>;
  /** Below it the one before may have begun a delivery. */
  readonly #begunBefore: number;

  constructor(high: number, marked: number = high, open: ReadonlyMap<number, number> = new Map()) {
    this.high = high;
    this.marked = marked;
    this.#begunBefore = marked;
    this.#open = new Map(open);
  }

  /** The offset that is committed: below it all is done. */
  get base(): number {
    for (const [offset] of this.#open) return offset;
    return this.high;
  }

  get openCount(): number {
    return this.#open.size;
  }

  isOpen(offset: number): boolean {
    return this.#open.has(offset);
  }

  /** How often what is open was delivered. */
  deliveriesOf(offset: number): number {
    return this.#open.get(offset) ?? 0;
  }

  /** It is handed out: gives which delivery this is. Offsets that are new come in their order. */
  begin(offset: number): number {
    const before = this.#open.get(offset) ?? (offset < this.#begunBefore ? 1 : 0);
    const count = before + 1;
    this.#open.set(offset, count);
    if (offset >= this.high) this.high = offset + 1;
    return count;
  }

  done(offset: number): void {
    this.#open.delete(offset);
  }

  /** Everything below is done, or is not there any more. */
  advance(offset: number): void {
    for (const open of this.#open.keys()) if (open < offset) this.#open.delete(open);
    if (offset > this.high) this.high = offset;
  }

  /** What is open in `from` (inclusive) to `to` (exclusive) and was not `seen` there is not in the log any more. */
  prune(from: number, to: number, seen: ReadonlySet<number>): void {
    for (const open of this.#open.keys())
      if (open >= from && open < to && !seen.has(open)) this.#open.delete(open);
  }

  /**
   * What is committed when `settled` are done too: the offset, and what is to be known above it. `mark`: below which deliveries may
   * have begun; `undefined` when none is under way any more. `again`: what will be handed out once more before the next commit.
   */
  written(
    mark: number | undefined,
    settled: ReadonlySet<number> = nothing,
    again: ReadonlySet<number> = nothing,
  ): { readonly offset: number; readonly metadata: string } {
    const open = [...this.#open].filter(([offset]) => !settled.has(offset));
    const base = open[0]?.[0] ?? this.high;
    const bytes: number[] = [];
    const begun = Math.max(mark ?? 0, base);
    pushNumber(bytes, this.high - base);
    pushNumber(bytes, begun - base);
    let last = base;
    for (const [offset, count] of open) {
      const deliveries = count + (again.has(offset) ? 1 : 0);
      const known = Math.max(0, deliveries - (offset < begun ? 1 : 0));
      // One byte for most: how far from the last one, and whether a count follows.
      pushNumber(bytes, (offset - last) * 2 + (known > 0 ? 1 : 0));
      if (known > 0) pushNumber(bytes, known);
      last = offset;
    }
    const empty = open.length === 0 && begun === base;
    return { offset: base, metadata: empty ? "" : prefix + Buffer.from(bytes).toString("base64") };
  }

  /** What the one before committed. What cannot be read says nothing: then all from the offset on is new. */
  static read(offset: number, metadata: string | null | undefined): Completion {
    if (metadata?.startsWith(prefix) !== true) return new Completion(offset);
    const bytes = Buffer.from(metadata.slice(prefix.length), "base64");
    const reader = { bytes, at: 0 };
    const high = offset + takeNumber(reader);
    const marked = offset + takeNumber(reader);
    const open = new Map<number, number>();
    let last = offset;
    while (reader.at < bytes.length) {
      const step = takeNumber(reader);
      last += Math.floor(step / 2);
      const known = step % 2 === 1 ? takeNumber(reader) : 0;
      open.set(last, known + (last < marked ? 1 : 0));
    }
    if (!Number.isSafeInteger(high) || !Number.isSafeInteger(marked)) return new Completion(offset);
    return new Completion(high, marked, open);
  }
}

const nothing: ReadonlySet<number> = new Set();

/** Names the form, so that another one can follow. */
const prefix = "t1:";

/** The most that the metadata of one partition has, in characters: what Kafka allows unless told otherwise. */
export const metadataCharsMax = 4_096;

/**
 * The most that is open in one partition at a time, past which nothing new of it is delivered: so that all of it, with three bytes
 * for each, finds room in the metadata.
 */
export const openMax = 1_000;

/** How far ahead of the first open message others are delivered. Three bytes of metadata reach farther, memory does not mind. */
export const windowMax = 8_000;

function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

function takeNumber(reader: { readonly bytes: Uint8Array; at: number }): number {
  let value = 0;
  for (let factor = 1; ; factor *= 0x80) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) return Number.NaN;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
}
