import { alarmAt } from "../base/alarm.ts";
import { isTrunklineError } from "../base/error.ts";
import type { Kind } from "../base/handler.ts";
import { Histogram } from "../base/histogram.ts";
import { isStreaming } from "../contract/kinds.ts";
import { drawBar, wipeBar } from "./progress.ts";
import type { Terminal } from "./terminal.ts";
import { count, latency } from "./units.ts";

/** How often the line that a person watches is written anew. */
const progressMs = 250;

/** So many requests at once, for so long, and what became of them. */
export class Load {
  readonly kind: Kind;
  readonly latencies: Histogram = new Histogram();
  readonly failures: Map<string, number> = new Map();
  firstFailure: unknown;
  /** Where items flow, those sent and received; else 0. */
  items: number = 0;
  /** Requests that were given up because the time was over. */
  cut: number = 0;
  /** Gives requests up: on Ctrl-C, and, where items flow and nothing else would end them, when the time is over. */
  readonly signal: AbortSignal;
  readonly #over: AbortController = new AbortController();
  readonly #terminal: Terminal;
  readonly #begunAt: number;
  readonly #durationMs: number;
  #endedAt: number | undefined;

  constructor(kind: Kind, terminal: Terminal, durationMs: number) {
    this.kind = kind;
    this.signal = AbortSignal.any([terminal.interrupted, this.#over.signal]);
    this.#terminal = terminal;
    this.#begunAt = terminal.env.now();
    this.#durationMs = durationMs;
  }

  get elapsedMs(): number {
    return (this.#endedAt ?? this.#terminal.env.now()) - this.#begunAt;
  }

  get perSecond(): number {
    return (this.latencies.count * 1_000) / this.elapsedMs;
  }

  get itemsPerSecond(): number {
    return (this.items * 1_000) / this.elapsedMs;
  }

  get failed(): number {
    return [...this.failures.values()].reduce((sum, times) => sum + times, 0);
  }

  async run(inFlight: number, ask: () => Promise<unknown>): Promise<void> {
    this.#tick();
    const { env } = this.#terminal;
    const end = this.#begunAt + this.#durationMs;
    const alarm = isStreaming(this.kind)
      ? alarmAt(env, end, () => this.#over.abort(new Error("the time is over")))
      : undefined;
    await Promise.all(Array.from({ length: inFlight }, () => this.#work(ask)));
    if (alarm !== undefined) env.clear(alarm);
    this.#endedAt = env.now();
    wipeBar(this.#terminal);
  }

  /** The items, counted on their way out. */
  *sent(items: Iterable<unknown>): Generator<unknown, void> {
    for (const item of items) {
      this.items++;
      yield item;
    }
  }

  /** Takes all items. */
  async drained(items: AsyncIterable<unknown>): Promise<void> {
    for await (const _ of items) this.items++;
  }

  async #work(ask: () => Promise<unknown>): Promise<void> {
    const { env } = this.#terminal;
    let from = env.now();
    while (from - this.#begunAt < this.#durationMs && !this.signal.aborted) {
      try {
        await ask();
      } catch (error) {
        if (this.signal.aborted) {
          this.cut++;
          return;
        }
        this.#failed(error);
      }
      const to = env.now();
      this.latencies.record(to - from);
      from = to;
    }
  }

  #failed(error: unknown): void {
    if (!isTrunklineError(error)) throw error;
    this.firstFailure ??= error;
    this.failures.set(error.code, (this.failures.get(error.code) ?? 0) + 1);
  }

  #tick(): void {
    if (this.#endedAt !== undefined || !this.#terminal.live) return;
    const { elapsedMs } = this;
    const share = Math.min(1, elapsedMs / this.#durationMs);
    const time = `${Math.floor(elapsedMs / 1_000)} s`.padStart(5);
    const told = `${time}   ${summary(this)}`;
    drawBar(this.#terminal, share, told);
    alarmAt(this.#terminal.env, this.#terminal.env.now() + progressMs, () => this.#tick());
  }
}

function summary(load: Load): string {
  const { p50Ms, p99Ms } = load.latencies.summary();
  const { failed } = load;
  return `${rates(load)}   p50 ${latency(p50Ms)}  p99 ${latency(p99Ms)}  errors ${count(failed)}`;
}

/** `118,213 calls/s`, and the items of those that have some. */
export function rates({ kind, perSecond, itemsPerSecond }: Load): string {
  const requests = `${count(perSecond)} ${kind === "duplex" ? "duplexes" : `${kind}s`}/s`;
  return isStreaming(kind) ? `${requests}   ${count(itemsPerSecond)} items/s` : requests;
}
