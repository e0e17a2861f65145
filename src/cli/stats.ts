import { sleep } from "../base/alarm.ts";
import type { OperationStats } from "../call/meter.ts";
import type { ChassisStats } from "../chassis/stats.ts";
import type { Command, Line } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { reflectionAt, withAdvice } from "./remote.ts";
import { annotated, fitting, table, type Cell } from "./table.ts";
import { aborted, printJson, styled, type Terminal } from "./terminal.ts";
import { age, count, latency, several } from "./units.ts";

/** Between two looks, when nobody says otherwise. */
const intervalMs = 1_000;

/** Moves a terminal's cursor home and clears what is below. */
const clear = "\u001B[H\u001B[J";

/** Shows what became of the operations of a process. */
export const stats: Command = {
  name: "stats",
  summary: "counts, failures and latencies of the operations of a process",
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
  { name, ready, uptimeMs, inFlight, addresses, admission, ...told }: ChassisStats,
  terminal: Terminal,
): string {
  const state = ready ? styled(terminal, "green", "ready") : styled(terminal, "yellow", "stopping");
  const rows = addresses.map((each) => [
    `  ${each.address}`,
    { right: several(each.connections, "connection") },
    { right: `${count(each.inFlight)} in flight` },
    movedOf(each),
  ]);
  return `${styled(terminal, "bold", name)}    ${state}, ${age(uptimeMs)}    ${count(inFlight)} in flight\n${table(rows)}\n${overload(admission)}${transactions(told)}`;
}

/** Those that have left the way of their address, and those that could not. */
function movedOf({ address, ways = {}, stayed = 0 }: ChassisStats["addresses"][number]): string {
  const moved = Object.entries(ways).filter(([way]) => !address.startsWith(`${way}:`));
  const told = moved.map(([way, connections]) => `${count(connections)} by ${way}`);
  return [...told, ...(stayed === 0 ? [] : [`${count(stayed)} could not move`])].join(", ");
}

/** What is consumed and called in transactions of a database, with the database. */
function transactions({
  consumers = [],
  operations: calls,
}: Pick<ChassisStats, "consumers" | "operations">): string {
  const all = [
    ...consumers.map(({ operation, group, channel, transactional }) => ({
      name: group === channel ? operation : `${operation} (${group})`,
      transactional,
    })),
    ...calls.map(({ operation: name, transactional }) => ({ name, transactional })),
  ];
  return [...Map.groupBy(all, ({ transactional }) => transactional)]
    .filter(([store]) => store !== undefined)
    .map(
      ([store, those]) =>
        `  in transactions of ${store}: ${those.map(({ name }) => name).join(", ")}\n`,
    )
    .join("");
}

/** Only where something was refused, or waits. An older process does not say. */
function overload(admission: ChassisStats["admission"]): string {
  if (admission === undefined) return "";
  const { limit, inFlight, queued, lagMs, lanes } = admission;
  const refused = Object.entries(lanes).filter((lane) => lane[1].refused > 0);
  if (queued === 0 && refused.length === 0) return "";
  const told = refused.map(([lane, each]) => `${count(each.refused)} of ${lane}`);
  return `  takes on ${count(limit)}, has ${count(inFlight)}, ${count(queued)} wait, loop ${latency(lagMs)} late; refused ${told.join(", ") || "none"}\n`;
}

function operations(
  told: ChassisStats,
  before: ChassisStats | undefined,
  terminal: Terminal,
): string {
  const text = fitting(layouts(told, before), terminal);
  const end = text.indexOf("\n");
  return styled(terminal, "dim", text.slice(0, end)) + text.slice(end);
}

interface Column {
  readonly title: string;
  readonly cell: (operation: OperationStats) => string;
}

/** From the most to the least that is shown: failures beside the figures, then under them; all the figures, then fewer. */
function* layouts(told: ChassisStats, before: ChassisStats | undefined): Generator<string, void> {
  const columns = columnsOf(told, before);
  const text = (shown: readonly Column[], beside: boolean): string => {
    const titles = shown.map(({ title }) => ({ right: title }));
    const nameOf = namesIn(told);
    const rows = told.operations.map((operation): Cell[] => [
      nameOf(operation),
      operation.kind,
      ...shown.map(({ cell }) => ({ right: cell(operation) })),
      ...(beside ? [failuresOf(operation)] : []),
    ]);
    return table([["operation", "kind", ...titles, ...(beside ? ["failures"] : [])], ...rows]);
  };
  yield text(columns, true);
  const notes = ["", ...told.operations.map(failuresOf)];
  const less = [[], ["p90"], ["p90", "waiting"], ["p90", "waiting", "max"]];
  for (const without of less) {
    const shown = columns.filter(({ title }) => !without.includes(title));
    yield annotated(text(shown, false), notes);
  }
}

/** `orders.place`, and `orders@1.place` where several versions of `orders` are served side by side. */
function namesIn(told: ChassisStats): (operation: OperationStats) => string {
  const majors = new Map<string, Set<number>>();
  for (const each of told.operations) {
    const [owner = ""] = each.operation.split(".");
    majors.set(owner, (majors.get(owner) ?? new Set()).add(majorIn(each)));
  }
  return (each) => {
    const [owner = "", member] = each.operation.split(".");
    return majors.get(owner)!.size < 2 ? each.operation : `${owner}@${majorIn(each)}.${member}`;
  };
}

/** An older process does not say of which version it is: 0. */
function majorIn({ version }: Partial<OperationStats>): number {
  return Number.parseInt(version ?? "0", 10);
}

function columnsOf(told: ChassisStats, before: ChassisStats | undefined): readonly Column[] {
  const seconds = before === undefined ? 0 : (told.uptimeMs - before.uptimeMs) / 1_000;
  const rate = ({ operation, version, count: now }: OperationStats): string => {
    const earlier = before?.operations.find(
      (each) => each.operation === operation && each.version === version,
    );
    return count((now - (earlier?.count ?? 0)) / seconds);
  };
  const of =
    (quantile: "p50Ms" | "p90Ms" | "p99Ms" | "maxMs") =>
    ({ count: ended, latency: took }: OperationStats): string =>
      ended === 0 ? "" : latency(took[quantile]);
  return [
    { title: "count", cell: (each) => count(each.count) },
    ...(seconds > 0 ? [{ title: "per second", cell: rate }] : []),
    { title: "in flight", cell: (each) => count(each.inFlight) },
    { title: "waiting", cell: (each) => count(each.waiting) },
    { title: "p50", cell: of("p50Ms") },
    { title: "p90", cell: of("p90Ms") },
    { title: "p99", cell: of("p99Ms") },
    { title: "max", cell: of("maxMs") },
  ];
}

function failuresOf({ failures }: OperationStats): string {
  return Object.entries(failures)
    .map(([code, times]) => `${code} ${count(times)}`)
    .join(", ");
}
