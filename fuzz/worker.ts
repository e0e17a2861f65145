// Feeds the targets, in a thread of its own, so that the main thread sees when an input hangs.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import { channels } from "../src/base/diagnostics.ts";
import { Input, type Target } from "./target.ts";
import { targets } from "./targets.ts";

export interface Plan {
  readonly targets: readonly string[];
  readonly seed: number;
  /** Stops after so many milliseconds, */
  readonly ms: number;
  /** or when each target has had so many inputs. */
  readonly inputs: number;
  /** Where the main thread sees what runs: target, offset of the seed, inputs so far. */
  readonly pulse: Int32Array<SharedArrayBuffer>;
}

export interface Failure {
  readonly target: string;
  /** The failing input's, or the first of `inputs`. */
  readonly seed: number;
  readonly inputs: number;
  readonly message: string;
  readonly sent: readonly string[];
}

/** Failures of one target after which it is not fed any more. */
const failuresMax = 5;

/** What may be kept from inputs that are over, in bytes, once a target has run for a while. */
const keptBytesMax = 32 * 1024 * 1024;

/** Between two looks at the memory, in milliseconds: each collects all garbage. */
const memoryEveryMs = 1_000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

let stray: { error: unknown } | undefined;
const strayed = (error: unknown): void => {
  stray ??= { error };
};
process.on("uncaughtException", strayed);
process.on("unhandledRejection", strayed);
channels.incident.subscribe(() => {}); // handlers that throw are part of the game

interface Run {
  readonly target: Target;
  readonly index: number;
  readonly messages: Set<string>;
  inputs: number;
  records: number;
  spentMs: number;
  memoryAtMs: number;
  /** After the first look; what a target loads or caches once is not a leak. */
  bytesBase: number | undefined;
}

async function main(plan: Plan): Promise<void> {
  const runs = targets
    .map((target, index): Run => ({
      target,
      index,
      messages: new Set(),
      inputs: 0,
      records: 0,
      spentMs: 0,
      memoryAtMs: 0,
      bytesBase: undefined,
    }))
    .filter(({ target }) => plan.targets.includes(target.name));
  const until = performance.now() + plan.ms;
  while (performance.now() < until) {
    const open = runs.filter((run) => run.inputs < plan.inputs && run.messages.size < failuresMax);
    if (open.length === 0) break;
    await batch(
      plan,
      open.reduce((least, run) => (run.spentMs < least.spentMs ? run : least)),
    );
  }
  const inputs = Object.fromEntries(runs.map((run) => [run.target.name, run.inputs]));
  const counted = runs.filter(({ records }) => records > 0);
  const records = Object.fromEntries(counted.map((run) => [run.target.name, run.records]));
  parentPort!.postMessage({ type: "done", inputs, records }, []);
}

/** The target that has had the least time has its turn. */
async function batch(plan: Plan, run: Run): Promise<void> {
  const began = performance.now();
  for (let left = run.target.batch; left > 0 && run.inputs < plan.inputs; left--) {
    const input = new Input(plan.seed + run.inputs);
    if (plan.inputs === 1)
      input.onNote = (line) => parentPort!.postMessage({ type: "sent", line }, []);
    Atomics.store(plan.pulse, 0, run.index);
    Atomics.store(plan.pulse, 1, run.inputs++);
    Atomics.add(plan.pulse, 2, 1);
    await feed(run, input);
    run.records += input.records;
  }
  run.spentMs += performance.now() - began;
  if (run.spentMs - run.memoryAtMs < memoryEveryMs) return;
  run.memoryAtMs = run.spentMs;
  await lookAtMemory(run, plan.seed);
}

async function feed(run: Run, input: Input): Promise<void> {
  try {
    await run.target.run(input);
    if (stray !== undefined) throw stray.error;
  } catch (error) {
    fail(run, { seed: input.seed, inputs: 1, message: told(error), sent: input.sent });
  }
  stray = undefined;
}

async function lookAtMemory(run: Run, seed: number): Promise<void> {
  // Twice: what the first one finalizes, the second one frees.
  collectGarbage();
  await new Promise((resolve) => void setTimeout(resolve, 1));
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  const bytes = heapUsed + external;
  run.bytesBase ??= bytes;
  if (bytes <= run.bytesBase + keptBytesMax) return;
  const message = `memory grows: ${run.bytesBase} bytes after the first seconds, ${bytes} now`;
  fail(run, { seed, inputs: run.inputs, message, sent: [] });
}

/** Tells of a failure, once for each that begins alike. */
function fail(run: Run, what: Omit<Failure, "target">): void {
  const kind = what.message.split("\n", 1)[0]!.replace(/\d+/g, "N");
  if (run.messages.has(kind)) return;
  run.messages.add(kind);
  const failure: Failure = { target: run.target.name, ...what };
  parentPort!.postMessage({ type: "failure", failure }, []);
}

function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `\n  ${error.cause.stack ?? ""}` : "";
  const place = (error.stack ?? "")
    .split("\n")
    .filter((line) => line.includes("/src/") || line.includes("/fuzz/"));
  return [error.message + cause, ...place.slice(0, 6)].join("\n");
}

await main(workerData as Plan);
