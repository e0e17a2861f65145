import type { Probe } from "./probe.ts";

/** A soft and a hard limit of the process; Infinity where there is none. */
export interface Limit {
  readonly soft: number;
  readonly hard: number;
}

/** The first number of a file; undefined where there is none. */
export function numberIn(probe: Probe, path: string): number | undefined {
  const [digits] = /-?\d+/.exec(probe.text(path) ?? "") ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** A limit of this process by its name in /proc/self/limits: `Max open files`. */
export function processLimit(probe: Probe, name: string): Limit | undefined {
  const line = probe
    .text("/proc/self/limits")
    ?.split("\n")
    .find((each) => each.startsWith(`${name} `));
  if (line === undefined) return undefined;
  const [soft = "", hard = ""] = line.slice(name.length).trim().split(/\s+/);
  const value = (text: string): number => (text === "unlimited" ? Infinity : Number(text));
  return { soft: value(soft), hard: value(hard) };
}

/** What the control groups of this process let it have; undefined: as much as there is. */
export interface GroupLimits {
  /** Of how many cores it may use the time. */
  readonly cores: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  /** The lines of `io.max` that bound reading or writing. */
  readonly io: readonly string[];
  /** How often it was stopped because its time of the processor was used up. */
  readonly throttled: number;
}

/** Reads the limits of control groups, of version 2 and 1; the tightest of a group and those that it is in. */
export function groupLimits(probe: Probe): GroupLimits {
  const groups = probe.text("/proc/self/cgroup") ?? "";
  const unified = /^0::(.*)$/m.exec(groups)?.[1];
  const folders = unified === undefined ? [] : upwards("/sys/fs/cgroup", unified);
  const old = (controller: string): string[] => {
    const line = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, "m").exec(groups);
    return line === null ? [] : upwards(`/sys/fs/cgroup/${controller}`, line[1]!);
  };
  const cpuFolders = old("cpu");
  const memoryFolders = old("memory");
  return {
    cores: least([
      ...folders.map((folder) => coresOf(probe.text(`${folder}/cpu.max`))),
      ...cpuFolders.map((folder) =>
        quotient(
          numberIn(probe, `${folder}/cpu.cfs_quota_us`),
          numberIn(probe, `${folder}/cpu.cfs_period_us`),
        ),
      ),
    ]),
    memoryBytes: least([
      ...folders.map((folder) => numberIn(probe, `${folder}/memory.max`)),
      ...memoryFolders.map((folder) => bounded(numberIn(probe, `${folder}/memory.limit_in_bytes`))),
    ]),
    memoryUsedBytes:
      first(folders, (folder) => numberIn(probe, `${folder}/memory.current`)) ??
      first(memoryFolders, (folder) => numberIn(probe, `${folder}/memory.usage_in_bytes`)),
    io: folders.flatMap((folder) =>
      (probe.text(`${folder}/io.max`) ?? "").split("\n").filter((line) => /=\d/.test(line)),
    ),
    throttled: Number(
      first([...folders, ...cpuFolders], (folder) =>
        /^nr_throttled (\d+)$/m.exec(probe.text(`${folder}/cpu.stat`) ?? "")?.at(1),
      ) ?? 0,
    ),
  };
}

/** A group's folder and those of all that it is in. A path from another namespace (`/../..`) leads nowhere. */
function upwards(root: string, path: string): string[] {
  const names = path.split("/").filter((name) => name !== "" && name !== "..");
  return names
    .map((_, index) => `${root}/${names.slice(0, names.length - index).join("/")}`)
    .concat(root);
}

/** `150000 100000`: one and a half. */
function coresOf(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? "").trim().split(" ").map(Number);
  return quotient(quota, period);
}

function quotient(quota: number | undefined, period: number | undefined): number | undefined {
  if (quota === undefined || period === undefined) return undefined;
  return quota > 0 && period > 0 ? quota / period : undefined;
}

/** Version 1 writes the largest number that there is for no limit. */
function bounded(bytes: number | undefined): number | undefined {
  return bytes !== undefined && bytes < 2 ** 62 ? bytes : undefined;
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function first<Value>(
  folders: readonly string[],
  of: (folder: string) => Value | undefined,
): Value | undefined {
  for (const folder of folders) {
    const value = of(folder);
    if (value !== undefined) return value;
  }
  return undefined;
}
