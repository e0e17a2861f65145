import type { Env } from "../../base/env.ts";
import { Alarm } from "../../base/timer-wheel.ts";

interface Due<T> {
  readonly at: number;
  readonly item: T;
}

/** Items that are due later: a heap by time and one alarm (RT-1: due time, not a place in a queue). */
export class Delayed<T> extends Alarm {
  readonly #heap: Due<T>[] = [];
  readonly #env: Env;
  readonly #due: (item: T) => void;

  constructor(env: Env, due: (item: T) => void) {
    super();
    this.#env = env;
    this.#due = due;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** `atWall` in milliseconds since 1970. */
  add(atWall: number, item: T): void {
    const heap = this.#heap;
    heap.push({ at: atWall, item });
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]!.at <= heap[index]!.at) break;
      [heap[parent], heap[index]] = [heap[index]!, heap[parent]!];
      index = parent;
    }
    if (index === 0) this.#wake();
  }

  ring(): void {
    const now = this.#env.wall();
    while (this.#heap.length > 0 && this.#heap[0]!.at <= now) this.#due(this.#take().item);
    this.#wake();
  }

  list(): readonly T[] {
    return this.#heap.map(({ item }) => item);
  }

  clear(): void {
    this.#heap.length = 0;
    this.#env.clear(this);
  }

  #wake(): void {
    const first = this.#heap[0];
    this.#env.clear(this);
    if (first === undefined) return;
    this.#env.set(this, this.#env.now() + Math.max(0, first.at - this.#env.wall()));
  }

  #take(): Due<T> {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && heap[right]!.at < heap[left]!.at ? right : left;
      if (heap[index]!.at <= heap[child]!.at) break;
      [heap[index], heap[child]] = [heap[child]!, heap[index]!];
      index = child;
    }
    return first;
  }
}
