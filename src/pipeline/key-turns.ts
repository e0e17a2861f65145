import type { Env } from "../base/env.ts";
import { keyAt } from "../contract/key.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Job } from "./job.ts";
import { Pause } from "./pause.ts";
import { givenUp, heldUp } from "./refusals.ts";

/** Why a request that has lost its place is not tried again. */
export const overtaken = "not tried again: a later request of its key has been sent";

/**
 * The place of one request among those of its key that are under way to one service. Later ones are sent behind it without
 * waiting for its answer, but once a try has failed they wait until it is over; and it is not sent again while a later one is on
 * its way, or when one has perhaps run.
 */
export class Turn {
  /** It is on its way. */
  sent = false;
  /** A try has failed. */
  failed = false;
  /** Later ones wait for it: it was not sent yet, or a try has failed. */
  holds = true;
  /** A later one has perhaps run. */
  overtaken = false;
  /** Called when it may be its turn. */
  wake: (() => void) | undefined = undefined;
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  /** It must not be sent now. */
  get barred(): boolean {
    return this.overtaken || this.#line.blocking(this) !== undefined;
  }

  /** Returns when it may be its turn, with the time that it is then; throws when nobody waits for it any more. */
  async comes(env: Env, attempt: Attempt): Promise<number> {
    await this.comesAgain(env, attempt, 0);
    if (attempt.cancelled !== undefined) throw givenUp(attempt);
    const now = env.now();
    if (now >= attempt.acceptBy) throw heldUp();
    return now;
  }

  /** Waits for earlier ones, and, at most `laterMs`, for later ones to come to nothing. When it is barred then, it stays so. */
  async comesAgain(env: Env, attempt: Attempt, laterMs: number): Promise<void> {
    const laterUntil = Math.min(env.now() + laterMs, attempt.acceptBy);
    while (!this.overtaken && attempt.cancelled === undefined) {
      const blocking = this.#line.blocking(this);
      if (blocking === undefined) return;
      const until = blocking === "later" ? laterUntil : attempt.acceptBy;
      if (env.now() >= until) return;
      const pause = new Pause(env, until, attempt);
      this.wake = () => pause.wake();
      await pause.over;
      this.wake = undefined;
    }
  }

  /** It is sent now. */
  go(): void {
    this.sent = true;
    this.#line.hold(this, this.failed);
  }

  /** The try has failed, and another one may follow. */
  goBack(): void {
    this.sent = false;
    this.failed = true;
    this.#line.hold(this, true);
  }

  /** It has perhaps run: those before it have lost their place. */
  ran(): void {
    this.#line.overtake(this);
  }

  leave(): void {
    this.#line.leave(this);
  }
}

/** The requests of one key in the order in which they were made. Those under way are bounded by the bulkhead of their service. */
class Line {
  readonly #turns = new Set<Turn>();
  readonly #emptied: () => void;
  /** How many hold others up: usually none, and then nobody is looked for. */
  #holding = 0;

  constructor(emptied: () => void) {
    this.#emptied = emptied;
  }

  join(): Turn {
    const turn = new Turn(this);
    this.#turns.add(turn);
    this.#holding++;
    return turn;
  }

  /** What `turn` has to wait for before it is sent: an earlier request, or a later one. */
  blocking(turn: Turn): "earlier" | "later" | undefined {
    if (this.#holding === 1 && !turn.failed) return undefined; // it is the last one
    let passed = false;
    for (const each of this.#turns) {
      if (each === turn) passed = true;
      else if (!passed && each.holds) return "earlier";
      else if (passed && each.sent) return "later";
    }
    return undefined;
  }

  overtake(by: Turn): void {
    for (const turn of this.#turns) {
      if (turn === by) return;
      turn.overtaken = true;
    }
  }

  leave(turn: Turn): void {
    this.#turns.delete(turn);
    this.hold(turn, false);
    if (this.#turns.size === 0) this.#emptied();
  }

  /** Whether later ones wait for `turn`. Only the first that others wait for can be next. */
  hold(turn: Turn, holds: boolean): void {
    if (turn.holds !== holds) this.#holding += holds ? 1 : -1;
    turn.holds = holds;
    if (this.#holding > 0) this.#wakeNext();
  }

  #wakeNext(): void {
    for (const turn of this.#turns) {
      if (!turn.holds) continue;
      turn.wake?.();
      return;
    }
  }
}

/** Keeps requests of operations that have a key in order although they are tried again. Holds only keys that have some under way. */
export class KeyTurns {
  readonly #lines = new Map<string, Line>();

  /** Keys that have requests under way now. */
  get size(): number {
    return this.#lines.size;
  }

  /** The place of one more request; undefined when it has no key. Lanes have connections of their own, and no order among them. */
  join({ operation, first }: Job, lane: string): Turn | undefined {
    if (operation.key === undefined) return undefined;
    const key = keyAt(operation.key, first);
    if (key === undefined) return undefined;
    const name = `${operation.slot} ${lane} ${key}`;
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = new Line(() => this.#lines.delete(name));
      this.#lines.set(name, line);
    }
    return line.join();
  }
}
