/** Consumers of which the first alone consumes what it names, while the others wait for their turn. */
export class Turns<T> {
  readonly #queues = new Map<string, { readonly consumer: T; readonly begin: () => void }[]>();

  /** Begins now where it is the first, or where neither it nor those before it are exclusive; else when it is its turn. */
  enter(queue: string, consumer: T, begin: () => void): void {
    const all = this.#queues.get(queue) ?? [];
    this.#queues.set(queue, all);
    all.push({ consumer, begin });
    if (all.length === 1) begin();
  }

  /** Whether somebody has the queue, or waits for it. */
  has(queue: string): boolean {
    return this.#queues.has(queue);
  }

  leave(queue: string, consumer: T): void {
    const all = this.#queues.get(queue);
    const at = all?.findIndex((each) => each.consumer === consumer) ?? -1;
    if (all === undefined || at < 0) return;
    all.splice(at, 1);
    if (all.length === 0) this.#queues.delete(queue);
    else if (at === 0) all[0]!.begin();
  }
}
