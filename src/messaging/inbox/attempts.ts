import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { InboxKey, InboxRows } from "../../store/inbox-rows.ts";
import type { Ended, Outcome, Received, Work } from "../work.ts";
import type { Solitude } from "./solitude.ts";
import { outcomeOfTrouble, troubleOf } from "./trouble.ts";

/** What counting attempts needs. */
export interface AttemptParts {
  readonly rows: InboxRows;
  readonly keyOf: (envelope: Envelope) => InboxKey;
  /** Shared by all consumers of the store in this process: what ends one ends all. */
  readonly solitude: Solitude;
  readonly env: Env;
}

/** So many attempts that have begun and not ended: it is not handled again (IN-5). */
const crashesMax = 3;
/** With so many it may be at fault, or may have been beside one that is: it runs alone. */
const suspiciousFrom = 2;
/** Before it waits for its turn once more, in milliseconds: others go on meanwhile. */
const turnAgainMs = 1_000;
/** Attempts whose end could not be written when it came; the oldest go first. */
const owedMax = 10_000;

/**
 * Finds what ends its process: an attempt that is not the first is counted before its transaction and after it, each time in a
 * transaction of its own, and where too many have begun and not ended the message is given up without another one.
 */
export class CountedAttempts {
  readonly #parts: AttemptParts;
  /** Ends that are still to be written, by message. */
  readonly #owed = new Map<string, InboxKey>();
  /** Those of which nothing is known any more, as far as this process has seen to it. */
  readonly #forgotten = new WeakSet<Received>();

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  /** The same work, counted. */
  around(work: Work): Work {
    return (message) =>
      isFirst(message) ? this.#beside(() => work(message)) : this.#counted(message, work);
  }

  /**
   * The same, and what is known of the attempts at a message that has ended is forgotten: one that is given up may be redriven, and one
   * that was done here before may have come to another process meanwhile, which died at it.
   */
  forgetting(ended: Ended): Ended {
    return async (message, ending) => {
      const known = ending !== "handled" || !(isFirst(message) || this.#forgotten.has(message));
      if (known) await this.#end(this.#parts.keyOf(message.envelope), true);
      await ended(message, ending);
    };
  }

  async #beside<T>(run: () => Promise<T>): Promise<T> {
    const { solitude } = this.#parts;
    const free = solitude.enter();
    if (free !== undefined) await free;
    try {
      return await run();
    } finally {
      solitude.leave();
    }
  }

  async #counted(message: Received, work: Work): Promise<Outcome> {
    const { env, keyOf, solitude } = this.#parts;
    const key = keyOf(message.envelope);
    try {
      const outcome = await this.#beside(async () => {
        const open = await this.#begin(key);
        if (open > crashesMax) return crashed(open);
        if (open < suspiciousFrom) return this.#run(key, message, work);
        // It is not begun yet: were its turn to begin after a crash of another one, that would count against it.
        await this.#end(key, false);
        return undefined;
      });
      if (outcome !== undefined) return outcome;
      const alone = await solitude.alone(message.signal, async () => {
        message.heartbeat();
        const open = await this.#begin(key);
        return open > crashesMax ? crashed(open) : this.#run(key, message, work);
      });
      return alone ?? waitedTooLong();
    } catch (error) {
      return outcomeOfTrouble(troubleOf(error, false), env);
    }
  }

  async #run(key: InboxKey, message: Received, work: Work): Promise<Outcome> {
    const outcome = await work(message);
    const done = outcome.kind === "done";
    await this.#end(key, done);
    if (done) this.#forgotten.add(message);
    return outcome;
  }

  /** Resolves with how many attempts have begun and not ended, this one included. */
  async #begin(key: InboxKey): Promise<number> {
    if (this.#owed.delete(key.message)) await this.#end(key, false);
    try {
      const { started, finished } = await this.#parts.rows.started(key);
      return started - finished;
    } catch (error) {
      // It may have been counted, and nothing begins.
      if (!isTrunklineError(error) || error.executed !== "no") this.#owe(key);
      throw error;
    }
  }

  /** What cannot be written now is written before the next attempt: the process lives, so it was no crash. */
  async #end(key: InboxKey, forget: boolean): Promise<void> {
    try {
      await this.#parts.rows.finished(key, forget);
    } catch {
      this.#owe(key);
    }
  }

  #owe(key: InboxKey): void {
    if (this.#owed.size >= owedMax) this.#owed.delete(this.#owed.keys().next().value!);
    this.#owed.set(key.message, key);
  }
}

function isFirst({ attempt, delivery }: Received): boolean {
  return attempt === 1 && !delivery.redelivered;
}

function crashed(open: number): Outcome {
  const reason = `${open - 1} attempts at it have begun and not ended: it ends its process`;
  return { kind: "dead", failure: { why: "crashed", code: "UNAVAILABLE", reason } };
}

/** Its turn did not come: it waits for another one. */
function waitedTooLong(): Outcome {
  const reason = "what runs beside it did not end until its time was over";
  const failure = { why: "failed", code: "DEADLINE_EXCEEDED", reason } as const;
  return { kind: "retry", afterMs: turnAgainMs, blameless: true, failure };
}
