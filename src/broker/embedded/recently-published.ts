import type { Env } from "../../base/env.ts";
import { mix32 } from "../../base/hash32.ts";
import type { Storage } from "./storage.ts";

/** For how long what was published is known again, in milliseconds. */
const recentMs = 600_000;
/** How many are; the oldest are forgotten before their time when there are more. */
const recentMax = 1_000_000;
const recentAtFirst = 1_024;

/**
 * Knows again what was published a short while ago: publishers send again what was not confirmed, with the same identity, to
 * whoever has taken over. Of an identity there are 64 bits of a hash: for a million of them one that is new is taken for known once in
 * 10^13 times. They are written together with what was published, so that after a crash either both are there or neither is.
 */
export class RecentlyPublished {
  /** When this batch is safe, so is all that is known. */
  batch = 0;
  readonly #storage: Pick<Storage, "remember" | "batch">;
  readonly #env: Env;
  readonly #windowMs: number;
  readonly #most: number;
  /** A ring of marks and when they came, the oldest at `#head`. */
  #high = new Uint32Array(recentAtFirst);
  #low = new Uint32Array(recentAtFirst);
  #at = new Float64Array(recentAtFirst);
  #head = 0;
  #size = 0;
  /** Where in the ring a mark is, plus one; 0: nowhere. Found by its lower half, or behind it. */
  #slots = new Uint32Array(2 * recentAtFirst);
  /** The identity whose mark is in the two halves. */
  #identity: string | undefined;
  #markHigh = 0;
  #markLow = 0;

  constructor(
    storage: Pick<Storage, "remember" | "batch" | "found">,
    env: Env,
    { windowMs = recentMs, most = recentMax }: { windowMs?: number; most?: number } = {},
  ) {
    this.#storage = storage;
    this.#env = env;
    this.#windowMs = windowMs;
    this.#most = most;
    for (const { at, marks } of storage.found.remembered)
      for (let index = 0; index + 1 < marks.length; index += 2)
        this.#put(marks[index]!, marks[index + 1]!, at);
    this.#forget(env.wall());
  }

  get size(): number {
    return this.#size;
  }

  /** Whether something of that identity was published within the window, or within a shorter time (milliseconds). */
  has(identity: string, withinMs: number = this.#windowMs): boolean {
    this.#mark(identity);
    const slot = this.#find(this.#markHigh, this.#markLow);
    if (slot < 0) return false;
    const at = this.#at[this.#slots[slot]! - 1]!;
    return this.#env.wall() - at < Math.min(withinMs, this.#windowMs);
  }

  /** It is published in this turn. `stored`: what is published outlives this process; so the next one will know it. */
  add(identity: string, stored: boolean): void {
    const now = this.#env.wall();
    this.#mark(identity);
    this.#forget(now);
    this.#put(this.#markHigh, this.#markLow, now);
    if (!stored) return;
    this.batch = this.#storage.batch;
    this.#storage.remember(now, [this.#markHigh, this.#markLow], this.#at[this.#head]!);
  }

  /** Two hashes by MurmurHash3's steps over the text's UTF-16 units. */
  #mark(identity: string): void {
    if (identity === this.#identity) return;
    this.#identity = identity;
    let high = 0x9747b28c;
    let low = 0x3c6ef372;
    // Two units at a time; beyond the end there is none, which the length tells from a zero.
    for (let index = 0; index < identity.length; index += 2) {
      const units = identity.charCodeAt(index) | (identity.charCodeAt(index + 1) << 16);
      const left = Math.imul(rotated(Math.imul(units, 0xcc9e2d51), 15), 0x1b873593);
      const right = Math.imul(rotated(Math.imul(units, 0x2c1b3c6d), 11), 0x85ebca6b);
      high = Math.imul(rotated(high ^ left, 13), 5) + 0xe6546b64;
      low = Math.imul(rotated(low ^ right, 17), 9) + 0x561ccd1b;
    }
    this.#markHigh = mix32(high ^ identity.length);
    this.#markLow = mix32(low + this.#markHigh);
  }

  #find(high: number, low: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot]! - 1;
      if (index < 0) return -1;
      if (this.#low[index] === low && this.#high[index] === high) return slot;
    }
  }

  #put(high: number, low: number, at: number): void {
    // One that is known, and too old for who asked, stays in the ring until its time, and is not found any more.
    const known = this.#find(high, low);
    if (known >= 0) this.#free(known);
    if (this.#size >= this.#most) this.#drop();
    else if (this.#size === this.#high.length) this.#grow();
    const index = (this.#head + this.#size++) & (this.#high.length - 1);
    this.#high[index] = high;
    this.#low[index] = low;
    this.#at[index] = at;
    this.#place(index);
  }

  #place(index: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#low[index]! & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = index + 1;
  }

  #forget(now: number): void {
    while (this.#size > 0 && now - this.#at[this.#head]! >= this.#windowMs) this.#drop();
  }

  /** The oldest one is forgotten. */
  #drop(): void {
    const index = this.#head;
    const slot = this.#find(this.#high[index]!, this.#low[index]!);
    if (slot >= 0 && this.#slots[slot] === index + 1) this.#free(slot);
    this.#head = (index + 1) & (this.#high.length - 1);
    this.#size--;
  }

  /** Empties a slot, and moves back what stood behind its place because of it. */
  #free(slot: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = slot;
    for (let next = (hole + 1) & mask; slots[next] !== 0; next = (next + 1) & mask) {
      const home = this.#low[slots[next]! - 1]! & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      slots[hole] = slots[next]!;
      hole = next;
    }
    slots[hole] = 0;
  }

  #grow(): void {
    const [high, low, at] = [this.#high, this.#low, this.#at];
    const length = high.length * 2;
    this.#high = new Uint32Array(length);
    this.#low = new Uint32Array(length);
    this.#at = new Float64Array(length);
    const slots = this.#slots;
    this.#slots = new Uint32Array(2 * length);
    for (let each = 0; each < this.#size; each++) {
      const index = (this.#head + each) & (high.length - 1);
      this.#high[each] = high[index]!;
      this.#low[each] = low[index]!;
      this.#at[each] = at[index]!;
    }
    const mask = high.length - 1;
    for (const slot of slots) if (slot !== 0) this.#place((slot - 1 - this.#head) & mask);
    this.#head = 0;
  }
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
