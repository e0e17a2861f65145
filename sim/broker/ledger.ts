import type { Fate, Plan } from "./plan.ts";

/** One message as its publisher knows it. */
export interface Sent {
  readonly id: string;
  readonly key: string;
  /** Its place among those of its key. */
  readonly seq: number;
  readonly fate: Fate;
  readonly priority: number;
  readonly persistent: boolean;
  /** In milliseconds since 1970. */
  readonly notBefore: number | undefined;
  readonly expirationMs: number | undefined;
  /** Its receipt has come, or the broker has refused it. */
  outcome: "open" | "confirmed" | "refused";
  /** How often it was sent: again after an end of the broker before its receipt. */
  times: number;
}

/** What was sent, what was delivered of it, and where it ended; for one queue. */
export class Ledger {
  readonly queue: string;
  /** Ids in the order in which they were first delivered. */
  readonly first: string[] = [];
  readonly #seen = new Set<string>();
  /** Ids in the order in which they were done. */
  readonly done: string[] = [];
  readonly #done = new Set<string>();
  /** Done, and the broker cannot forget it any more. */
  readonly #gone = new Set<string>();
  readonly #holds = new Map<string, number>();
  /** Reasons of dead letters by id, one for each letter. */
  readonly dead = new Map<string, string[]>();
  deliveries = 0;

  constructor(queue: string) {
    this.queue = queue;
  }

  /** It is held back until then, and the broker cannot forget that any more. */
  holds({ id }: Sent, until: number): void {
    this.#holds.set(id, until);
  }

  /** Gives back what is wrong with it. */
  delivered({ id, notBefore }: Sent, wall: number): string | undefined {
    this.deliveries++;
    if (!this.#seen.has(id)) this.first.push(id);
    this.#seen.add(id);
    if (this.#gone.has(id)) return `${this.queue}: ${id} came again after it was done for good`;
    const from = Math.max(notBefore ?? 0, this.#holds.get(id) ?? 0);
    if (wall < from) return `${this.queue}: ${id} came ${from - wall} ms too early`;
    return undefined;
  }

  finish({ id }: Sent): void {
    if (!this.#done.has(id)) this.done.push(id);
    this.#done.add(id);
  }

  /** What it did with a message is safe. */
  gone({ id }: Sent): void {
    this.#gone.add(id);
  }

  /** Everything that a promise was broken by, when all is over. */
  lies(sent: ReadonlyMap<string, Sent>, plan: Plan): string[] {
    const lies: string[] = [];
    for (const message of sent.values()) lies.push(...this.#fateOf(message, plan));
    if (plan.order !== "none") lies.push(...this.#disorder("first came", this.first, sent, plan));
    if (plan.order === "keys") lies.push(...this.#disorder("was done", this.done, sent, plan));
    return lies.map((lie) => `${this.queue}: ${lie}`);
  }

  #fateOf({ id, fate, outcome, persistent, expirationMs }: Sent, plan: Plan): string[] {
    const letters = this.dead.get(id) ?? [];
    const done = this.#done.has(id);
    const lies: string[] = [];
    const mayLose = !persistent && plan.crashEveryMs < Infinity;
    const shortened = plan.lengthMax !== undefined;
    const expires = expirationMs !== undefined || plan.ttlMs !== undefined;
    if (letters.length > 1) lies.push(`${id} is dead ${letters.length} times: ${letters.join()}`);
    if (done && letters.length > 0 && this.#gone.has(id))
      lies.push(`${id} was done, and is dead: ${letters.join()}`);
    if (outcome === "confirmed" && !done && letters.length === 0 && !mayLose)
      lies.push(`${id} (${fate}) is lost`);
    for (const why of letters) {
      const meant =
        (why === "expired" && expires) ||
        (why === "maxlen" && shortened) ||
        (why === "rejected" && fate === "rejected") ||
        (why === "delivery_limit" && (fate === "poison" || plan.crashEveryMs < Infinity)) ||
        // A consumer that leaves has tried.
        (why === "delivery_limit" && plan.consumersEach > 1);
      if (!meant) lies.push(`${id} (${fate}) is dead for no reason: ${why}`);
    }
    if (done && (fate === "rejected" || fate === "poison")) lies.push(`${id} (${fate}) was done`);
    return lies;
  }

  #disorder(
    how: string,
    ids: readonly string[],
    sent: ReadonlyMap<string, Sent>,
    plan: Plan,
  ): string[] {
    const last = new Map<string, Sent>();
    const lies: string[] = [];
    // What was given up because there was too much comes back when that was not yet safe: later than what followed it.
    if (plan.lengthMax !== undefined && plan.crashEveryMs < Infinity) return lies;
    for (const id of ids) {
      const message = sent.get(id)!;
      const { key, seq, notBefore, persistent } = message;
      // What is held back, and what may be lost, has no place in the order.
      if (notBefore !== undefined || (!persistent && plan.crashEveryMs < Infinity)) continue;
      const before = last.get(key);
      if (before !== undefined && before.seq > seq) lies.push(`${id} ${how} after ${before.id}`);
      last.set(key, message);
    }
    return lies;
  }
}
