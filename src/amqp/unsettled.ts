import type { Handed, QueueConsumer } from "../broker/embedded/consumer.ts";
import type { Consumer } from "./consumer.ts";

/** A message that was delivered and is not settled. */
export interface Held {
  readonly handed: Handed;
  /** Who settles it with its queue. */
  readonly by: QueueConsumer;
  /** To whom it was delivered; undefined: to one who asked for one message. */
  readonly consumer: Consumer | undefined;
}

/** Where settled ones are forgotten: less often is more memory, more often is more work. */
const forgottenFrom = 1_024;

/** What a channel has delivered and not settled, by delivery tags, which rise by one with each delivery. */
export class Unsettled {
  /** `#held[0]` has the tag `#first`. Those settled are undefined. */
  #held: (Held | undefined)[] = [];
  #first = 1;
  /** Before it all are settled. */
  #from = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** A tag for a delivery that nobody settles. */
  skip(): number {
    this.#held.push(undefined);
    return this.#tagged();
  }

  add(held: Held): number {
    this.#held.push(held);
    this.#count++;
    return this.#tagged();
  }

  /** Whether a tag is one of them. */
  has(tag: number): boolean {
    return this.#held[tag - this.#first] !== undefined;
  }

  /** Takes one out; undefined: it is settled already, or never was. */
  take(tag: number): Held | undefined {
    const index = tag - this.#first;
    const held = this.#held[index];
    if (held === undefined) return undefined;
    this.#held[index] = undefined;
    this.#count--;
    this.#forget();
    return held;
  }

  /** Takes out all whose tags are not past `tag`, in their order. What was settled before is not looked at again. */
  takeUpTo(tag: number): readonly (readonly [number, Held])[] {
    const taken: (readonly [number, Held])[] = [];
    const end = Math.min(this.#held.length, tag - this.#first + 1);
    for (let index = this.#from; index < end; index++) {
      const held = this.#held[index];
      if (held === undefined) continue;
      this.#held[index] = undefined;
      taken.push([this.#first + index, held]);
    }
    this.#count -= taken.length;
    this.#forget();
    return taken;
  }

  /** Puts one back that was taken out. */
  restore(tag: number, held: Held): void {
    while (tag < this.#first) {
      this.#held.unshift(undefined);
      this.#first--;
      this.#from++;
    }
    this.#held[tag - this.#first] = held;
    this.#from = Math.min(this.#from, tag - this.#first);
    this.#count++;
  }

  #tagged(): number {
    return this.#first + this.#held.length - 1;
  }

  #forget(): void {
    const held = this.#held;
    while (this.#from < held.length && held[this.#from] === undefined) this.#from++;
    if (this.#from < forgottenFrom || this.#from * 2 < held.length) return;
    this.#held = held.slice(this.#from);
    this.#first += this.#from;
    this.#from = 0;
  }
}
