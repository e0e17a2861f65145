import { readFileSync } from "node:fs";
import { UsageError } from "../command.ts";
import type { Outcome } from "./measure/measured.ts";
import type { Machine } from "./report.ts";

/** What was measured, where: the part of a report that another need does not change. */
export interface Saved {
  readonly machine: Machine;
  readonly outcomes: readonly Outcome[];
}

/** Reads what an earlier `--measure` has written, `report.json` or its last line with `--json`. */
export function readSaved(path: string): Saved {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const found = parsed(text);
  if (!isSaved(found))
    throw new UsageError(`${path} is no report: give the report.json that doctor --measure wrote`);
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.trim().split("\n").at(-1) ?? "");
  } catch {
    return undefined;
  }
}

function isSaved(value: unknown): value is Saved {
  const { machine, outcomes } = fieldsOf(value);
  const { system, node, processor, cores, load, addon } = fieldsOf(machine);
  const texts = [system, node, processor].every((each) => typeof each === "string");
  const numbers = [cores, load].every((each) => typeof each === "number");
  return texts && numbers && typeof addon === "boolean" && isList(outcomes, isOutcome);
}

function isOutcome(value: unknown): boolean {
  const { name, reason, forMs, idleCpuMs, call, sizes, stream, oneWay } = fieldsOf(value);
  if (typeof name !== "string") return false;
  if (reason !== undefined) return typeof reason === "string";
  return (
    [forMs, idleCpuMs].every((each) => typeof each === "number") &&
    (call === undefined || (isDistribution(call) && hasNumbers(call, ["cpuUsEach"]))) &&
    (sizes === undefined ||
      isList(sizes, (each) => isRate(each) && hasNumbers(each, ["bytes", "inFlight"]))) &&
    (stream === undefined || isRate(stream)) &&
    (oneWay === undefined ||
      (isRate(oneWay) &&
        hasNumbers(oneWay, ["lost"]) &&
        isDistribution(fieldsOf(oneWay)["roundTrip"])))
  );
}

function isDistribution(value: unknown): boolean {
  return hasNumbers(value, ["p50Us", "p99Us", "p999Us", "maxUs", "samples"]);
}

function isRate(value: unknown): boolean {
  return hasNumbers(value, ["perSecond", "cpuUsEach"]);
}

function hasNumbers(value: unknown, names: readonly string[]): boolean {
  const fields = fieldsOf(value);
  return names.every((name) => typeof fields[name] === "number");
}

function isList(value: unknown, of: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(of);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
