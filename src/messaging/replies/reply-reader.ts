import { systemError, type TrunklineError } from "../../base/error.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Broker, ReplyBox } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { closedDesk } from "./listening.ts";
import { RecentReplies } from "./recent-replies.ts";

/** Replies that are kept for who asks for them later; the oldest go first. */
const keptMax = 4_096;
/** Who waits for replies in one box, past which further ones are refused. */
const waitersMax = 65_536;

/** Somebody who waits for the reply to a command. */
export interface ReplyWaiter {
  heard(reply: Envelope): void;
  failed(error: TrunklineError): void;
}

/**
 * Reads a box from one instant on. Replies may be asked for long after they came, and more than once, so the last ones are kept; of
 * several to one command the first counts.
 */
export class ReplyReader {
  /** From when on it hears everything, in milliseconds since 1970. */
  readonly since: number;
  readonly #kept = new RecentReplies(keptMax, ({ time }) => {
    this.#droppedAt = Math.max(this.#droppedAt, time);
  });
  readonly #waiters = new Map<string, Set<ReplyWaiter>>();
  readonly #box: Promise<ReplyBox>;
  #waiting = 0;
  /** The latest time of a reply that was dropped to make room. */
  #droppedAt = -Infinity;
  #closed = false;

  /** `name` undefined: of a transient box, which nobody else can read. */
  constructor(broker: Broker, name: string | undefined, since: number) {
    this.since = since;
    const terms = name === undefined ? { name } : { name, since };
    this.#box = broker.replies(terms, (reply) => this.#heard(reply));
    this.#box.catch(() => (this.#closed = true)); // why is told to whoever awaits the address
  }

  /** Nothing is heard here any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Rejects with the broker's error when the box could not be opened. */
  async address(): Promise<string> {
    return (await this.#box).address;
  }

  /** True when a reply that was sent after that instant is kept, or still to come. */
  covers(from: number): boolean {
    return this.since <= from && this.#droppedAt < from;
  }

  /** Hears the reply to `id` once, at once where it is here already. @throws TrunklineError RESOURCE_EXHAUSTED, CANCELLED. */
  wait(id: string, waiter: ReplyWaiter): void {
    if (this.#closed) throw closedDesk("maybe");
    const kept = this.#kept.get(id);
    if (kept !== undefined) {
      waiter.heard(kept);
      return;
    }
    if (this.#waiting >= waitersMax)
      throw systemError("RESOURCE_EXHAUSTED", `${waitersMax} wait for replies already`, {
        executed: "maybe",
      });
    const waiters = this.#waiters.get(id);
    if (waiters === undefined) this.#waiters.set(id, new Set([waiter]));
    else waiters.add(waiter);
    this.#waiting++;
  }

  leave(id: string, waiter: ReplyWaiter): void {
    const waiters = this.#waiters.get(id);
    if (waiters?.delete(waiter) !== true) return;
    this.#waiting--;
    if (waiters.size === 0) this.#waiters.delete(id);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const waiters = [...this.#waiters.values()].flatMap((each) => [...each]);
    this.#waiters.clear();
    this.#waiting = 0;
    for (const waiter of waiters) waiter.failed(closedDesk("maybe"));
    const box = await this.#box.catch(() => undefined);
    await box?.close();
  }

  #heard(reply: Envelope): void {
    const id = reply.attributes[attribute.correlationid];
    if (this.#closed || id === undefined || this.#kept.get(id) !== undefined) return;
    this.#kept.add(id, reply);
    const waiters = this.#waiters.get(id);
    if (waiters === undefined) return;
    this.#waiters.delete(id);
    this.#waiting -= waiters.size;
    for (const waiter of waiters) waiter.heard(reply);
  }
}
