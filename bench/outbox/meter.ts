import type { Order } from "./peer.ts";
import type { Answer } from "./questions.ts";

/** What is not handled after so long without any being handled is lost, in milliseconds. */
const quietMs = 3_000;

/** Counts what one question is about: what was committed, and what was handled, how often and in which order. */
export class Meter {
  #began = 0;
  #cpu = process.cpuUsage();
  #lastCommit = 0;
  #lastHandled = 0;
  readonly #sentAt = new Map<number, number>();
  readonly #committedUs: number[] = [];
  readonly #handledMs: number[] = [];
  readonly #last = new Map<string, number>();
  readonly #seen = new Set<number>();
  #lost = 0;
  #doubled = 0;
  #disordered = 0;
  #wanted = Infinity;
  #reached: () => void = () => {};

  begin(): this {
    this.#began = performance.now();
    this.#cpu = process.cpuUsage();
    this.#lastCommit = this.#lastHandled = this.#began;
    this.#committedUs.length = this.#handledMs.length = 0;
    this.#sentAt.clear();
    this.#seen.clear();
    this.#lost = this.#doubled = this.#disordered = 0;
    this.#wanted = Infinity;
    return this;
  }

  sent(number: number): void {
    this.#sentAt.set(number, performance.now());
  }

  committed(number: number): void {
    this.#lastCommit = performance.now();
    this.#committedUs.push((this.#lastCommit - this.#sentAt.get(number)!) * 1_000);
  }

  heard({ id, number }: Order): void {
    this.#lastHandled = performance.now();
    if (this.#seen.has(number)) return void this.#doubled++;
    this.#seen.add(number);
    if (number < (this.#last.get(id) ?? 0)) this.#disordered++;
    this.#last.set(id, number);
    this.#handledMs.push(this.#lastHandled - (this.#sentAt.get(number) ?? this.#began));
    if (this.#seen.size >= this.#wanted) this.#reached();
  }

  /** Waits until so many are handled, or all that were committed; what does not come is lost. */
  async quiet(count: number): Promise<void> {
    const wanted = Math.min(
      count,
      Math.max(this.#committedUs.length, count === Infinity ? 0 : count),
    );
    this.#wanted = wanted;
    while (this.#seen.size < wanted) {
      const before = this.#seen.size;
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, quietMs);
      this.#reached = late.resolve;
      await late.promise;
      clearTimeout(timer);
      if (this.#seen.size === before) break;
    }
    this.#lost = Math.max(0, wanted - this.#seen.size);
  }

  answer(): Answer {
    const cpu = process.cpuUsage(this.#cpu);
    const committed = this.#committedUs.length;
    const handled = this.#seen.size;
    const each = Math.max(1, committed, handled);
    return {
      committed,
      handled,
      committedPerSecond: (committed * 1_000) / Math.max(1, this.#lastCommit - this.#began),
      handledPerSecond: (handled * 1_000) / Math.max(1, this.#lastHandled - this.#began),
      commitP50Us: at(this.#committedUs, 0.5),
      commitP99Us: at(this.#committedUs, 0.99),
      handledP50Ms: at(this.#handledMs, 0.5),
      handledP99Ms: at(this.#handledMs, 0.99),
      cpuUs: (cpu.user + cpu.system) / each,
      lost: this.#lost,
      doubled: this.#doubled,
      disordered: this.#disordered,
    };
  }
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
