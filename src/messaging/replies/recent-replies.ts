import type { Envelope } from "../../broker/envelope.ts";

/** The bytes of the data of all replies that are remembered together. */
const bytesMax = 16 * 1024 * 1024;

/** The last replies, by the id of what they answer: of several to one the first; the oldest go first. */
export class RecentReplies {
  readonly #countMax: number;
  readonly #dropped: (reply: Envelope) => void;
  readonly #replies = new Map<string, Envelope>();
  #bytes = 0;

  /** `dropped` hears of those that make room. */
  constructor(countMax: number, dropped: (reply: Envelope) => void = () => {}) {
    this.#countMax = countMax;
    this.#dropped = dropped;
  }

  get(id: string): Envelope | undefined {
    return this.#replies.get(id);
  }

  add(id: string, reply: Envelope): void {
    if (this.#replies.has(id)) return;
    this.#replies.set(id, reply);
    this.#bytes += reply.data.byteLength;
    for (const [oldest, old] of this.#replies) {
      if (this.#replies.size <= this.#countMax && this.#bytes <= bytesMax) break;
      this.forget(oldest);
      this.#dropped(old);
    }
  }

  forget(id: string): void {
    this.#bytes -= this.#replies.get(id)?.data.byteLength ?? 0;
    this.#replies.delete(id);
  }
}
