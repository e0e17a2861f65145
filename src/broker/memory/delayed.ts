import type { Env } from "../../base/env.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import { DueHeap, type Due } from "../due-heap.ts";

interface Delay<T> extends Due {
  readonly item: T;
}

/** Items that are due later: a heap by time and one alarm (due time, not a place in a queue). */
export class Delayed<T> extends Alarm {
  readonly #heap: DueHeap<Delay<T>> = new DueHeap();
  readonly #env: Env;
  readonly #due: (item: T) => void;
  #wanted = false;

  constructor(env: Env, due: (item: T) => void) {
    super();
    this.#env = env;
    this.#due = due;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** `atWall` in milliseconds since 1970. */
  add(atWall: number, item: T): void {
    const delay = { dueAt: atWall, item };
    this.#heap.push(delay);
    if (this.#heap.first === delay) this.#wake();
  }

  /** Somebody is there to take what is due. An alarm for nobody would keep the process from ending. */
  set wanted(wanted: boolean) {
    this.#wanted = wanted;
    this.#wake();
  }

  ring(): void {
    const now = this.#env.wall();
    for (let due = this.#heap.takeDue(now); due !== undefined; due = this.#heap.takeDue(now))
      this.#due(due.item);
    this.#wake();
  }

  list(): readonly T[] {
    return this.#heap.list().map(({ item }) => item);
  }

  clear(): void {
    this.#heap.replace([]);
    this.#env.clear(this);
  }

  #wake(): void {
    const { first } = this.#heap;
    this.#env.clear(this);
    if (first === undefined || !this.#wanted) return;
    this.#env.set(this, this.#env.now() + Math.max(0, first.dueAt - this.#env.wall()));
  }
}
