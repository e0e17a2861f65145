import type { Env } from "../../../base/env.ts";
import { Alarm } from "../../../base/timer-wheel.ts";
import { DueHeap, type Due } from "../../due-heap.ts";
import type { Storage } from "../storage.ts";
import type { Entry } from "./entry.ts";

/** Times that are kept in memory; of what is stored, later ones are read when the others have come. */
const inMemoryMax = 100_000;

/** Something to be done with a message at an instant. */
export interface Timed extends Due {
  readonly lane: number;
  readonly seq: number;
  /** What is held back, where it is in memory. */
  readonly entry: Entry | undefined;
  /** It is on disk too. */
  readonly stored: boolean;
}

/**
 * When messages expire, and until when they are held back: a heap by time, and one alarm (a time, not a place in a queue). It
 * holds the soonest; the rest is in the index of the storage.
 */
export class Timers extends Alarm {
  readonly #heap: DueHeap<Timed> = new DueHeap();
  /** From here on what is stored may be missing here. */
  #horizon = Infinity;
  /** What came while soonest ones are read: the storage may not have told of it. */
  #meanwhile: Timed[] | undefined;
  readonly #storage: Storage;
  readonly #env: Env;
  readonly #due: (timed: Timed) => void;

  constructor(storage: Storage, env: Env, due: (timed: Timed) => void) {
    super();
    this.#storage = storage;
    this.#env = env;
    this.#due = due;
  }

  /** Reads what is due soonest: at the start, and when all of it has come. */
  async read(): Promise<void> {
    const meanwhile: Timed[] = [];
    this.#meanwhile = meanwhile;
    const soonest = await this.#storage.due(undefined, inMemoryMax);
    this.#meanwhile = undefined;
    const kept = [...this.#heap.list().filter(({ stored }) => !stored), ...meanwhile];
    const held = new Map<string, Entry>();
    for (const { lane, seq, entry } of this.#heap.list())
      if (entry !== undefined) held.set(`${lane} ${seq}`, entry);
    this.#horizon = soonest.length < inMemoryMax ? Infinity : soonest.at(-1)!.dueAt;
    const found = soonest.map((due) => {
      const entry = held.get(`${due.lane} ${due.seq}`);
      return { ...due, entry: entry?.dueAt === due.dueAt ? entry : undefined, stored: true };
    });
    this.#heap.replace([...found, ...kept]);
    this.ring();
  }

  add(timed: Timed): void {
    if (timed.stored) this.#meanwhile?.push(timed);
    if (timed.stored && timed.dueAt >= this.#horizon) return;
    this.#heap.push(timed);
    if (this.#heap.size > 2 * inMemoryMax) this.#shorten();
    if (this.#heap.first === timed) this.#wake();
  }

  ring(): void {
    const now = this.#env.wall();
    for (let due = this.#heap.takeDue(now); due !== undefined; due = this.#heap.takeDue(now))
      this.#due(due);
    if (now >= this.#horizon && this.#meanwhile === undefined)
      void this.read().catch(() => undefined); // a storage that fails ends the broker
    this.#wake();
  }

  close(): void {
    this.#heap.replace([]);
    this.#env.clear(this);
  }

  /** Lets go of the later half of what is stored. */
  #shorten(): void {
    const sorted = this.#heap.list().toSorted((a, b) => a.dueAt - b.dueAt);
    const horizon = sorted[inMemoryMax]!.dueAt;
    const shorter = sorted.filter(({ dueAt, stored }) => !stored || dueAt < horizon);
    if (shorter.length === sorted.length) return;
    this.#horizon = Math.min(this.#horizon, horizon);
    this.#heap.replace(shorter);
  }

  #wake(): void {
    const soonest = Math.min(this.#heap.first?.dueAt ?? Infinity, this.#horizon);
    this.#env.clear(this);
    if (soonest === Infinity) return;
    this.#env.set(this, this.#env.now() + Math.max(0, soonest - this.#env.wall()));
  }
}
