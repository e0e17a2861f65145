import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";

/** What a bench tells: the same to people and to programs. */
export interface Report {
  /** It ran, and all did the same work. That a goal is missed does not make it false. */
  readonly ok: boolean;
  readonly bench: string;
  readonly machine: string;
  readonly rows: readonly object[];
  readonly ratios: Readonly<Record<string, number>>;
  readonly goals: readonly Goal[];
}

export interface Goal {
  readonly name: string;
  readonly goal: string;
  readonly measured: number;
  readonly met: boolean;
}

/** What `npm run bench -- NAME` takes. */
export interface BenchOptions {
  /** How often each measurement is made, in turn with all others. */
  readonly rounds: number;
  /** How long each takes. */
  readonly seconds: number;
  /** One short round: shows that it works, and says nothing about speed. */
  readonly quick: boolean;
  /** Only these peers or parts; all when empty. */
  readonly only: readonly string[];
  /** Where the processes of Trunkline leave what `--cpu-prof` writes; undefined: not profiled. */
  readonly profile: string | undefined;
  /** A line for whoever waits. */
  progress(text: string): void;
}

/** A bench runs and returns its report, with the tables that people read. */
export type Bench = (
  options: BenchOptions,
) => Promise<{ readonly report: Report; readonly tables: string }>;

/** Gives a bench a folder, and clears it away. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** For Node: Trunkline's own processes are profiled when that is asked for. */
export function profiled({ profile }: BenchOptions, peer: string): string[] {
  if (profile === undefined || !/^trunkline|service/.test(peer)) return [];
  return ["--cpu-prof", `--cpu-prof-dir=${profile}`];
}

/** What the numbers come from, and how busy it was with other things: `load` counts the bench's own processes too. */
export function machine(): string {
  const [cpu] = cpus();
  const load = loadavg()[0]!.toFixed(1);
  return `Node ${process.version}, ${cpus().length} × ${cpu?.model.trim()}, load ${load}`;
}

/** Columns as wide as their widest cell, the first to the left and numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
      )
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join(
    "\n",
  );
}

export function goal(
  name: string,
  measured: number,
  bound: "≥" | "≤",
  limit: number,
  unit: string,
): Goal {
  const met = bound === "≥" ? measured >= limit : measured <= limit;
  return { name, goal: `${bound} ${limit.toLocaleString("en")}${unit}`, measured, met };
}

export function goalsTable(goals: readonly Goal[]): string {
  const rows = goals.map((each) => [
    each.name,
    each.goal,
    each.measured >= 1000 ? whole(each.measured) : each.measured.toPrecision(3),
    each.met ? "yes" : "no",
  ]);
  return table(["goal", "", "measured", "met"], rows);
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}
