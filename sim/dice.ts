import type { World } from "trunkline/testing";

/** Throws of one purpose: what is drawn here changes nothing elsewhere. */
export class Dice {
  readonly #random: () => number;

  constructor(world: World, purpose: string) {
    this.#random = world.random(purpose);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** A whole number, both bounds included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1));
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }

  /** The first part of the list is drawn most of the time: `weighted([[9, "usual"], [1, "rare"]])`. */
  weighted<T>(from: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.#random() * from.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of from) {
      left -= weight;
      if (left < 0) return value;
    }
    return from.at(-1)![1];
  }

  /** Waiting times of what happens at random: often short, sometimes long. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.#random());
  }
}
