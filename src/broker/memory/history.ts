import type { Env } from "../../base/env.ts";
import type { Channel } from "../channel.ts";
import type { Entry } from "./entry.ts";

/** Messages that are kept of a topic for who wants them again, when its channel does not say for how long. */
const keptMax = 10_000;
/** The same, when it does. */
const keptWithRetentionMax = 1_000_000;
/** The data of all of them, in bytes. */
const keptBytesMax: number = 256 * 1024 * 1024;
/** Keys of which a compacted channel keeps the last message; those that were said longest ago go first. */
const keysMax = 1_000_000;

/** What was published to a channel lately; of a compacted one, the last message of each key, for ever. */
export class History {
  readonly #channel: Channel;
  readonly #env: Env;
  /** Those before the head are gone. */
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  readonly #latest = new Map<string, Entry>();

  constructor(channel: Channel, env: Env) {
    this.#channel = channel;
    this.#env = env;
  }

  add(entry: Entry): void {
    if (this.#channel.shape === "queue") return;
    const { subject } = entry.envelope;
    if (this.#channel.compacted && subject !== undefined) {
      this.#latest.delete(subject);
      this.#latest.set(subject, entry);
      if (this.#latest.size > keysMax) this.#latest.delete(this.#latest.keys().next().value!);
      return;
    }
    this.#entries.push(entry);
    this.#bytes += entry.envelope.data.byteLength;
    const { retentionMs } = this.#channel;
    const most = retentionMs === undefined ? keptMax : keptWithRetentionMax;
    while (this.#size > most || this.#bytes > keptBytesMax || this.#stale()) this.#drop();
  }

  /** Those made at that instant (milliseconds since 1970) or later, oldest first. */
  since(wall: number): Entry[] {
    const { compacted, retentionMs } = this.#channel;
    const of = compacted
      ? [...this.#latest.values()]
      : (this.#entries.slice(this.#head) as Entry[]);
    const endless = compacted || retentionMs === undefined;
    const oldest = endless ? wall : Math.max(wall, this.#env.wall() - retentionMs);
    return of.filter(({ envelope }) => envelope.time >= oldest);
  }

  get #size(): number {
    return this.#entries.length - this.#head;
  }

  #stale(): boolean {
    const { retentionMs } = this.#channel;
    if (retentionMs === undefined || this.#size === 0) return false;
    return this.#entries[this.#head]!.envelope.time < this.#env.wall() - retentionMs;
  }

  #drop(): void {
    this.#bytes -= this.#entries[this.#head]!.envelope.data.byteLength;
    this.#entries[this.#head++] = undefined;
    if (this.#head < 1_024 || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }
}
