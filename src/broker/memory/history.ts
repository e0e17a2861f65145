import type { Env } from "../../base/env.ts";
import type { Channel } from "../channel.ts";
import type { Entry } from "./entry.ts";

/** What is kept of a topic for who wants it again, when its channel does not say for how long. */
const keptMax = 10_000;
/** The same, when it does. */
const keptWithRetentionMax = 1_000_000;

/** What was published to a channel lately; of a compacted one, the last message of each key, for ever. */
export class History {
  readonly #channel: Channel;
  readonly #env: Env;
  #entries: Entry[] = [];
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
      return;
    }
    this.#entries.push(entry);
    const most = this.#channel.retentionMs === undefined ? keptMax : keptWithRetentionMax;
    if (this.#entries.length > most * 1.25) this.#entries = this.#entries.slice(-most);
  }

  /** Those made at that instant (milliseconds since 1970) or later, oldest first. */
  since(wall: number): Entry[] {
    const { retentionMs, compacted } = this.#channel;
    const oldest = Math.max(wall, retentionMs === undefined ? 0 : this.#env.wall() - retentionMs);
    if (compacted)
      return [...this.#latest.values()].filter(({ envelope }) => envelope.time >= wall);
    return this.#entries
      .slice(-keptWithRetentionMax)
      .filter(({ envelope }) => envelope.time >= oldest);
  }
}
