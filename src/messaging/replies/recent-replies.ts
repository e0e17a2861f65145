import type { Envelope } from "../../broker/envelope.ts";

/** Replies that are remembered, so that a command that comes again is answered as before; the oldest go first. */
const repliesMax = 10_000;
/** The bytes of their data. */
const bytesMax = 16 * 1024 * 1024;

/** The last replies of one operation, by the id of what they answer. */
export class RecentReplies {
  readonly #replies = new Map<string, Envelope>();
  #bytes = 0;

  get(id: string): Envelope | undefined {
    return this.#replies.get(id);
  }

  forget(id: string): void {
    this.#bytes -= this.#replies.get(id)?.data.byteLength ?? 0;
    this.#replies.delete(id);
  }

  add(id: string, reply: Envelope): void {
    if (this.#replies.has(id)) return;
    this.#replies.set(id, reply);
    this.#bytes += reply.data.byteLength;
    for (const [oldest, { data }] of this.#replies) {
      if (this.#replies.size <= repliesMax && this.#bytes <= bytesMax) break;
      this.#replies.delete(oldest);
      this.#bytes -= data.byteLength;
    }
  }
}
