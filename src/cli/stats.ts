import { sleep } from "../base/alarm.ts";
import type { OperationStats } from "../call/meter.ts";
import type { ChassisStats } from "../chassis/stats.ts";
import type { Command, Line } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { reflectionAt, withAdvice } from "./remote.ts";
import { table, type Cell } from "./table.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { age, count, latency, several } from "./units.ts";

/** Between two looks, when nobody says otherwise. */
const intervalMs = 1_000;

/** Moves a terminal's cursor home and clears what is below. */
const clear = "\u001B[H\u001B[J";

/** Shows what became of the operations of a process. */
export const stats: Command = {
  name: "stats",
  summary: "what became of the operations of a process: counts, failures, latencies",
  usage: "ADDRESS",
  options: {
    watch: { about: "look again and again, until Ctrl-C" },
    interval: { value: "DURATION", about: "how long between two looks; default 1s" },
    ...deadlineOption,
  },
  examples: ["stats unix:./run/orders.sock", "stats unix:./run/orders.sock --watch --interval 5s"],
  async run(line) {
    await using reflection = reflectionAt(line.word(0, "ADDRESS"));
    line.atMost(1);
    const look = (): Promise<ChassisStats> =>
      withAdvice(reflection.stats(undefined, deadlineOf(line)));
    let told = await look();
    await show(told, undefined, line);
    if (!line.on("watch")) return exitCodes.ok;
    const { env, interrupted } = line.terminal;
    const waitMs = line.durationMs("interval") ?? intervalMs;
    for (;;) {
      await Promise.race([sleep(env, waitMs), aborted(interrupted)]);
      if (interrupted.aborted) return exitCodes.interrupted;
      const before = told;
      told = await look();
      await show(told, before, line);
    }
  },
};

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function show(
  told: ChassisStats,
  before: ChassisStats | undefined,
  { terminal, json }: Line,
): Promise<void> {
  if (json) return printJson(terminal, { ok: true, ...told });
  const screen = before !== undefined && terminal.interactive ? clear : "";
  return terminal.print(screen + head(told, terminal) + operations(told, before, terminal));
}

function head(
  { name, ready, uptimeMs, inFlight, addresses }: ChassisStats,
  terminal: Terminal,
): string {
  const state = ready ? styled(terminal, "green", "ready") : styled(terminal, "yellow", "stopping");
  const rows = addresses.map((each) => [
    `  ${each.address}`,
    { right: several(each.connections, "connection") },
    { right: `${count(each.inFlight)} in flight` },
  ]);
  return `${styled(terminal, "bold", name)}    ${state}, ${age(uptimeMs)}    ${count(inFlight)} in flight\n${table(rows)}\n`;
}

function operations(
  told: ChassisStats,
  before: ChassisStats | undefined,
  terminal: Terminal,
): string {
  const seconds = before === undefined ? 0 : (told.uptimeMs - before.uptimeMs) / 1_000;
  const titles = ["count", ...(seconds > 0 ? ["per second"] : []), "in flight", "waiting"];
  const latencies = ["p50", "p90", "p99", "max"];
  const rows: Cell[][] = told.operations.map((operation) => {
    const earlier = before?.operations.find((each) => each.operation === operation.operation);
    const rate = (operation.count - (earlier?.count ?? 0)) / seconds;
    return [
      operation.operation,
      operation.kind,
      { right: count(operation.count) },
      ...(seconds > 0 ? [{ right: count(rate) }] : []),
      { right: count(operation.inFlight) },
      { right: count(operation.waiting) },
      ...latenciesOf(operation),
      failuresOf(operation),
    ];
  });
  const right = [...titles, ...latencies].map((title) => ({ right: title }));
  const [first, ...others] = table([["operation", "kind", ...right, "failures"], ...rows]).split(
    "\n",
  );
  return [styled(terminal, "dim", first!), ...others].join("\n");
}

function latenciesOf({ count: ended, latency: told }: OperationStats): Cell[] {
  const { p50Ms, p90Ms, p99Ms, maxMs } = told;
  return [p50Ms, p90Ms, p99Ms, maxMs].map((ms) => ({ right: ended === 0 ? "" : latency(ms) }));
}

function failuresOf({ failures }: OperationStats): string {
  return Object.entries(failures)
    .map(([code, times]) => `${code} ${count(times)}`)
    .join(", ");
}
