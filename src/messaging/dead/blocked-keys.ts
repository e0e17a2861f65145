/** What is known of one key that has dead letters. */
interface Blocked {
  /** The order of its last letter. */
  highest: number;
  /** How many there are, as far as is known. */
  letters: number;
  /** The shard by which it came here. */
  shard: string;
  /** How many looks in a row have not found it any more. */
  unseen: number;
}

/** A dead letter as a look at them finds it. */
export interface SeenLetter {
  readonly key: string;
  readonly shard: string;
  readonly order: number;
}

/** A look that does not find a key may have come while somebody had its letters in hand: two in a row do not. */
const unseenMax = 2;

/**
 * Which keys have dead letters, in the consumer of their shards. A key is blocked from its first dead letter until the last
 * one was redriven and handled: those who redrive do it one after the other, so that then all before it are done.
 */
export class BlockedKeys {
  readonly #keys = new Map<string, Blocked>();
  /** Keys that changed since a look has begun: what it found of them is old. */
  #changed = new Set<string>();

  get keys(): readonly string[] {
    return [...this.#keys.keys()];
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** How many letters a key has. */
  letters(key: string): number {
    return this.#keys.get(key)?.letters ?? 0;
  }

  /**
   * A message of the key dies: gives its order among the others. `earlier`: the order that it had before, which it keeps. Orders begin
   * with the time (milliseconds since 1970), so that consumers that know nothing of each other do not give the same.
   */
  bury(key: string, shard: string, earlier: number | undefined, wall: number): number {
    this.#changed.add(key);
    const known = this.#keys.get(key);
    const order = earlier ?? Math.max(wall, (known?.highest ?? 0) + 1);
    if (known === undefined) {
      this.#keys.set(key, { highest: order, letters: 1, shard, unseen: 0 });
      return order;
    }
    known.highest = Math.max(known.highest, order);
    known.shard = shard;
    if (earlier === undefined) known.letters++;
    return order;
  }

  /** A redriven message of the key was handled. True: it was the last one, and the key is free. */
  handled(key: string, order: number): boolean {
    const known = this.#keys.get(key);
    if (known === undefined) return false;
    this.#changed.add(key);
    known.letters = Math.max(1, known.letters - 1);
    if (order < known.highest) return false;
    this.#keys.delete(key);
    return true;
  }

  /** A look at the dead letters begins: what changes from now on is known better than by it. */
  lookBegins(): void {
    this.#changed = new Set();
  }

  /** What a look has found: all letters that there are. `fresh`: the shard has just come, and nothing that was known of it holds. */
  seen(letters: readonly SeenLetter[], fresh: (shard: string) => boolean): void {
    for (const [key, { shard }] of this.#keys)
      if (fresh(shard) && !this.#changed.has(key)) this.#keys.delete(key);
    const found = new Set<string>();
    const counts = new Map<string, number>();
    for (const { key } of letters) counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const { key, shard, order } of letters) {
      found.add(key);
      if (this.#changed.has(key)) continue;
      const known = this.#keys.get(key);
      const highest = Math.max(order, known?.highest ?? 0);
      this.#keys.set(key, { highest, letters: counts.get(key)!, shard, unseen: 0 });
    }
    for (const [key, known] of this.#keys)
      if (!found.has(key) && !this.#changed.has(key) && ++known.unseen >= unseenMax)
        this.#keys.delete(key);
  }
}
