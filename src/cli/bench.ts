import { alarmAt } from "../base/alarm.ts";
import { isTrunklineError } from "../base/error.ts";
import { Histogram, type LatencySummary } from "../base/histogram.ts";
import type { CallOptions } from "../call/client-type.ts";
import type { Command, Line } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodeOf, exitCodes } from "./exit-code.ts";
import { inputOf } from "./input.ts";
import { describeRemote, findOperation, methodOf, type RemoteMethod } from "./remote.ts";
import { printJson, type Terminal } from "./terminal.ts";
import { count, exact, latency } from "./units.ts";

/** How often the line that a person watches is written anew. */
const progressMs = 250;
const barChars = 30;

/** Asks one operation again and again, many times at once. */
export const bench: Command = {
  name: "bench",
  summary: "load an operation, and measure",
  usage: "ADDRESS SERVICE.OPERATION [JSON | -]",
  options: {
    "in-flight": { value: "N", about: "how many requests are under way at once; default 64" },
    seconds: { value: "S", about: "how long; default 10" },
    ...deadlineOption,
  },
  examples: [`bench unix:./run/orders.sock orders.get '"o-18"' --in-flight 64 --seconds 10`],
  async run(line) {
    const address = line.word(0, "ADDRESS");
    const path = line.word(1, "SERVICE.OPERATION");
    line.atMost(3);
    const inFlight = line.number("in-flight", 64);
    const seconds = line.number("seconds", 10);
    const options = deadlineOf(line);
    const operation = findOperation(await describeRemote(address, options), path);
    const input = await inputOf(line, 2, operation);
    await using method = methodOf(operation, address, {
      outstandingMax: Math.max(inFlight, 4_096),
    });
    const ask =
      operation.description.kind === "stream"
        ? () => drained(method, input, options)
        : () => method.once(input, options);
    const load = new Load(ask, line.terminal, seconds * 1_000);
    await load.run(inFlight);
    return await report(load, line);
  },
};

async function drained(method: RemoteMethod, input: unknown, options: CallOptions): Promise<void> {
  for await (const _ of method.many(input, options));
}

/** So many requests at once, for so long, and what became of them. */
class Load {
  readonly latencies: Histogram = new Histogram();
  readonly failures: Map<string, number> = new Map();
  firstFailure: unknown;
  readonly #ask: () => Promise<unknown>;
  readonly #terminal: Terminal;
  readonly #begunAt: number;
  readonly #durationMs: number;
  #endedAt: number | undefined;

  constructor(ask: () => Promise<unknown>, terminal: Terminal, durationMs: number) {
    this.#ask = ask;
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

  get failed(): number {
    return [...this.failures.values()].reduce((sum, times) => sum + times, 0);
  }

  async run(inFlight: number): Promise<void> {
    this.#tick();
    await Promise.all(Array.from({ length: inFlight }, () => this.#work()));
    this.#endedAt = this.#terminal.env.now();
    if (this.#terminal.live) this.#terminal.tell("\r\u001B[K");
  }

  async #work(): Promise<void> {
    const { env, interrupted } = this.#terminal;
    let from = env.now();
    while (from - this.#begunAt < this.#durationMs && !interrupted.aborted) {
      try {
        await this.#ask();
      } catch (error) {
        if (interrupted.aborted) return;
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
    const full = Math.round(share * barChars);
    const bar = "█".repeat(full) + "░".repeat(barChars - full);
    const time = `${Math.floor(elapsedMs / 1_000)} s`.padStart(5);
    this.#terminal.tell(`\r ${bar} ${time}   ${summary(this)}\u001B[K`);
    alarmAt(this.#terminal.env, this.#terminal.env.now() + progressMs, () => this.#tick());
  }
}

function summary({ perSecond, latencies, failed }: Load): string {
  const { p50Ms, p99Ms } = latencies.summary();
  return `${count(perSecond)} calls/s   p50 ${latency(p50Ms)}  p99 ${latency(p99Ms)}  errors ${count(failed)}`;
}

async function report(load: Load, { terminal, json }: Line): Promise<number> {
  const { latencies, perSecond, elapsedMs, failures, firstFailure } = load;
  const told: LatencySummary = latencies.summary();
  const interrupted = terminal.interrupted.aborted;
  const failureCode = firstFailure === undefined ? exitCodes.ok : exitCodeOf(firstFailure);
  const code = interrupted ? exitCodes.interrupted : failureCode;
  if (json) {
    await printJson(terminal, {
      ok: code === exitCodes.ok,
      count: latencies.count,
      durationMs: exact(elapsedMs),
      perSecond: Math.round(perSecond),
      latency: told,
      failures: Object.fromEntries(failures),
    });
    return code;
  }
  const { meanMs, p50Ms, p90Ms, p99Ms, maxMs } = told;
  const parts = { mean: meanMs, p50: p50Ms, p90: p90Ms, p99: p99Ms, max: maxMs };
  const figures = Object.entries(parts).map(([name, ms]) => `${name} ${latency(ms)}`);
  await terminal.print(
    `${count(latencies.count)} in ${latency(elapsedMs)}   ${count(perSecond)} calls/s   ${figures.join("  ")}\n`,
  );
  for (const [failed, times] of failures) await terminal.print(`${failed} ${count(times)}\n`);
  if (firstFailure instanceof Error) terminal.tell(`the first: ${firstFailure.message}\n`);
  return code;
}
