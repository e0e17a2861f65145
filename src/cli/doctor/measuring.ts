import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { makeFoldersSync } from "../../base/folders.ts";
import { UsageError, type Line } from "../command.ts";
import { exitCodes } from "../exit-code.ts";
import { folded } from "../findings.ts";
import { drawBar, wipeBar } from "../progress.ts";
import { fitting, table } from "../table.ts";
import { printJson, styled, type Terminal } from "../terminal.ts";
import { count } from "../units.ts";
import { htmlOf } from "./html.ts";
import { markdownOf } from "./markdown.ts";
import { isMeasured, type Outcome } from "./measure/measured.ts";
import { mechanisms } from "./measure/mechanisms.ts";
import { run } from "./measure/run.ts";
import { needOf } from "./need.ts";
import { drawing, plotsOf } from "./plots.ts";
import { realProbe } from "./probe.ts";
import { recommend, type Advice } from "./recommend.ts";
import { readSaved } from "./saved.ts";
import { machineLine, machineOf, needLine, type Measurement } from "./report.ts";

/** How long all of it takes, in milliseconds: what starting processes has taken so far is taken off what is left. */
const totalMs = { quick: 26_000, thorough: 150_000 };
/** The least and the most that is spent on measuring one mechanism. */
const eachMsLeast = 300;
const eachMsMost = { quick: 1_500, thorough: 10_000 };

/** Where the reports go unless `--out` says otherwise. */
const folderDefault = "./trunkline-doctor";

/** Measures all mechanisms one after another, writes the reports, and recommends. */
export async function measureAll(line: Line): Promise<number> {
  const { terminal } = line;
  const need = needOf(line);
  const folder = madeFolder(line.text("out") ?? folderDefault);
  const machine = machineOf(realProbe());
  const outcomes = await outcomesOf(line.on("quick") ? "quick" : "thorough", terminal);
  if (terminal.interrupted.aborted) return exitCodes.interrupted;
  return report(line, { machine, outcomes, need }, folder);
}

/** Recommends for another need, and writes the reports anew, from what was measured before. */
export async function recommendFrom(line: Line, path: string): Promise<number> {
  const need = needOf(line);
  return report(line, { ...readSaved(path), need }, madeFolder(line.text("out") ?? dirname(path)));
}

/** Before minutes are spent on what cannot be written. */
function madeFolder(folder: string): string {
  try {
    makeFoldersSync(folder, 0o777);
    accessSync(folder, constants.W_OK);
    return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`reports cannot be written to ${folder} (${code}): choose --out FOLDER`);
  }
}

async function report(
  { terminal, json }: Line,
  measured: Omit<Measurement, "advice">,
  folder: string,
): Promise<number> {
  const { need, outcomes } = measured;
  const measurement: Measurement = { ...measured, advice: recommend(need, outcomes) };
  const { reports, pictures } = await written(measurement, folder);
  const any = outcomes.some(isMeasured);
  if (json) await printJson(terminal, { ok: any, ...measurement, reports, pictures });
  else await terminal.print(shown(measurement, reports, pictures, terminal));
  return any ? exitCodes.ok : exitCodes.failed;
}

async function outcomesOf(how: "quick" | "thorough", terminal: Terminal): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const begun = terminal.env.now();
  let measuredMs = 0;
  for (const [index, mechanism] of mechanisms.entries()) {
    if (terminal.interrupted.aborted) break;
    const progress = (share: number): void =>
      drawBar(
        terminal,
        (index + share) / mechanisms.length,
        `${index + 1} of ${mechanisms.length}   ${mechanism.name}`,
      );
    progress(0);
    const { interrupted, env } = terminal;
    const gone = env.now() - begun;
    const startMs = index === 0 ? 0 : (gone - measuredMs) / index;
    const share = (totalMs[how] - gone) / (mechanisms.length - index);
    const forMs = Math.max(eachMsLeast, Math.min(eachMsMost[how], share - startMs));
    const outcome = await run({ mechanism, forMs, progress, interrupted, env });
    if (isMeasured(outcome)) measuredMs += forMs;
    outcomes.push(outcome);
  }
  wipeBar(terminal);
  return outcomes;
}

interface Written {
  readonly reports: readonly string[];
  /** Whether something was there that could draw them. */
  readonly pictures: boolean;
}

async function written(measurement: Measurement, folder: string): Promise<Written> {
  const plots = await plotsOf(measurement.outcomes);
  const { machine, outcomes } = measurement;
  const files = {
    "report.md": markdownOf(measurement),
    "report.html": htmlOf(measurement, plots),
    "report.json": `${JSON.stringify({ machine, outcomes })}\n`,
  };
  const reports = Object.entries(files).map(([name, text]) => {
    const path = resolve(join(folder, name));
    writeFileSync(path, text);
    return path;
  });
  return { reports, pictures: plots !== undefined };
}

function shown(
  measurement: Measurement,
  reports: readonly string[],
  pictures: boolean,
  terminal: Terminal,
): string {
  const { machine, outcomes, advice, need } = measurement;
  const absent = outcomes.flatMap((each) =>
    isMeasured(each) ? [] : [[`  ${each.name}`, each.reason]],
  );
  const parts = [
    `${styled(terminal, "dim", folded(machineLine(machine), terminal.columns))}\n`,
    fitting([figures(outcomes, true), figures(outcomes, false)], terminal),
    absent.length === 0
      ? ""
      : `${styled(terminal, "dim", "not measured")}\n${cut(table(absent), terminal)}`,
    `${styled(terminal, "bold", `for ${needLine(need)}`)}\n${recommended(advice, terminal)}`,
    `${reports.join("\n")}\n`,
    pictures ? "" : `no pictures; to draw them: ${drawing(reports.at(-1))}\n`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

/** A line for each that was measured; `all`: where the terminal is wide enough. */
function figures(outcomes: readonly Outcome[], all: boolean): string {
  const head = ["", "p50 µs", "p99 µs", "CPU µs", "calls/s", "of 1 MiB", "items/s", "one way/s"];
  const columns = all ? head : head.slice(0, 5);
  const rows = outcomes.filter(isMeasured).map(({ name, call, sizes, stream, oneWay }) => {
    const latency = call ?? oneWay?.roundTrip;
    const cells = [
      one(latency?.p50Us),
      one(latency?.p99Us),
      one(call?.cpuUsEach ?? oneWay?.cpuUsEach),
      whole(sizes?.[0]?.perSecond),
      whole(sizes?.at(-1)?.perSecond),
      whole(stream?.perSecond),
      whole(oneWay?.perSecond),
    ];
    return [name, ...cells.slice(0, columns.length - 1).map((right) => ({ right }))];
  });
  return table([columns.map((right, index) => (index === 0 ? right : { right })), ...rows]);
}

/** Those that fit, with what they carry and cost, and why the others do not. */
function recommended(advice: readonly Advice[], terminal: Terminal): string {
  const fits = advice.filter((each) => each.fits);
  const rows = fits.map(({ name, write, perSecond, cpuUsEach, notes }) => [
    `  ${name}`,
    write,
    { right: perSecond === undefined ? "" : `${count(perSecond)}/s` },
    { right: cpuUsEach === undefined ? "" : `${cpuUsEach.toFixed(1)} µs CPU` },
    notes.join("; "),
  ]);
  const others = advice
    .filter((each) => !each.fits)
    .map(({ name, notes }) => [`  ${name}`, notes.join("; ")]);
  const best =
    rows.length === 0
      ? "  nothing that was measured; what comes nearest stands first below\n"
      : table(rows);
  return `${styled(terminal, "green", best)}${styled(terminal, "dim", "not for that")}\n${cut(table(others), terminal)}`;
}

/** Lines that end where the terminal does; the reports have them whole. */
function cut(text: string, { interactive, columns }: Terminal): string {
  if (!interactive) return text;
  return text
    .split("\n")
    .map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line))
    .join("\n");
}

function one(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(1);
}

function whole(value: number | undefined): string {
  return value === undefined ? "" : count(value);
}
