/**
 * One at a time for each key, in the order of arrival, while other keys go on. What has no key never waits. Holds no
 * more than what is unsettled, which the consumer's prefetch bounds.
 */
export class KeyLanes<Task extends { readonly key: string | undefined }> {
  /** By key, while one of it is out: those behind it. */
  readonly #behind = new Map<string, Task[]>();

  /** Keys of which one is out. */
  get busy(): number {
    return this.#behind.size;
  }

  /** True: it may go now; else it waits behind the others of its key. */
  enter(task: Task): boolean {
    if (task.key === undefined) return true;
    const behind = this.#behind.get(task.key);
    if (behind === undefined) {
      this.#behind.set(task.key, []);
      return true;
    }
    behind.push(task);
    return false;
  }

  /** It is over: the next of its key, which may go now. */
  leave({ key }: Task): Task | undefined {
    if (key === undefined) return undefined;
    const next = this.#behind.get(key)?.shift();
    if (next === undefined) this.#behind.delete(key);
    return next;
  }

  /** Takes out those that wait and are not wanted any more. */
  drop(unwanted: (task: Task) => boolean): Task[] {
    const dropped: Task[] = [];
    for (const [key, behind] of this.#behind) {
      const kept = behind.filter((task) => !unwanted(task));
      if (kept.length === behind.length) continue;
      dropped.push(...behind.filter(unwanted));
      this.#behind.set(key, kept);
    }
    return dropped;
  }
}
