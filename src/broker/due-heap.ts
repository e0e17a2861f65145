/** Something that is due at an instant. */
export interface Due {
  /** In milliseconds since 1970. */
  readonly dueAt: number;
}

/** A binary heap by time: the soonest can be looked at, and taken. */
export class DueHeap<T extends Due> {
  #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  /** All of them, in no order. */
  list(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    const items = this.#items;
    items.push(item);
    let index = items.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (items[parent]!.dueAt <= items[index]!.dueAt) break;
      [items[parent], items[index]] = [items[index]!, items[parent]!];
      index = parent;
    }
  }

  /** The soonest, when it is due. */
  takeDue(now: number): T | undefined {
    const items = this.#items;
    const [first] = items;
    if (first === undefined || first.dueAt > now) return undefined;
    const last = items.pop()!;
    if (items.length === 0) return first;
    items[0] = last;
    this.#sink();
    return first;
  }

  /** Has these from now on. */
  replace(items: readonly T[]): void {
    this.#items = items.toSorted((a, b) => a.dueAt - b.dueAt); // which is a heap
  }

  #sink(): void {
    const items = this.#items;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= items.length) return;
      const right = left + 1;
      const child = right < items.length && items[right]!.dueAt < items[left]!.dueAt ? right : left;
      if (items[index]!.dueAt <= items[child]!.dueAt) return;
      [items[index], items[child]] = [items[child]!, items[index]!];
      index = child;
    }
  }
}
