// npm run fuzz -- [--seconds N] [--seed S] [--target NAME] [--inputs N] [--json]
// Feeds the frame reader, the framing of byte streams, a server and a client with hostile input.
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { targets } from "./targets.ts";
import type { Failure, Plan } from "./worker.ts";

/** No input takes a tenth of this; one that does hangs. */
const hangMs = 30_000;

type Message =
  | { readonly type: "sent"; readonly line: string }
  | { readonly type: "failure"; readonly failure: Failure }
  | ({ readonly type: "done" } & Counts);

interface Counts {
  readonly inputs: Readonly<Record<string, number>>;
  /** Hostile things in them, of targets whose inputs have many. */
  readonly records: Readonly<Record<string, number>>;
}

interface Result extends Counts {
  readonly failures: readonly Failure[];
}

function readPlan(): { plan: Plan; json: boolean } {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "20" },
      seed: { type: "string" },
      inputs: { type: "string" },
      target: { type: "string", multiple: true },
      json: { type: "boolean", default: false },
    },
  });
  const names = targets.map(({ name }) => name);
  const chosen = values.target ?? names;
  for (const name of chosen) {
    if (!names.includes(name))
      throw new Error(`there is no target "${name}"; there are: ${names.join(", ")}`);
  }
  const inputs = values.inputs === undefined ? Infinity : whole("--inputs", values.inputs);
  const seconds = inputs === Infinity ? whole("--seconds", values.seconds) : 3_600;
  const seed =
    values.seed === undefined ? Date.now() % 1_000_000_000 : whole("--seed", values.seed);
  const pulse = new Int32Array(new SharedArrayBuffer(12));
  return { plan: { targets: chosen, seed, ms: seconds * 1_000, inputs, pulse }, json: values.json };
}

function whole(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${option} takes a whole number, not "${text}"`);
  return Number(text);
}

/** Runs the plan in a worker and watches over it. */
function fuzz(plan: Plan): Promise<Result> {
  const failures: Failure[] = [];
  const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: plan });
  return new Promise((resolve) => {
    let inputsSeen = -1;
    let seenAt = performance.now();
    let finished = false;
    const finish = ({ inputs, records }: Counts): void => {
      finished = true;
      clearInterval(watch);
      void worker.terminate();
      resolve({ inputs, records, failures });
    };
    const fail = (failure: Failure): void => {
      failures.push(failure);
      tell(failure, plan.inputs === 1);
    };
    /** The worker ended, or does not go on: what it was fed last is to blame. */
    const broken = (message: string): void => {
      const [index = 0, offset = 0, count = 0] = plan.pulse;
      fail({
        target: targets[index]!.name,
        seed: plan.seed + offset,
        inputs: 1,
        message,
        sent: [],
      });
      finish({ inputs: { all: count }, records: {} });
    };
    const watch = setInterval(() => {
      const count = Atomics.load(plan.pulse, 2);
      progress(count, failures.length, plan);
      if (count !== inputsSeen) {
        inputsSeen = count;
        seenAt = performance.now();
      } else if (performance.now() - seenAt > hangMs) {
        broken(`it hangs: no end after ${hangMs / 1_000} s`);
      }
    }, 1_000);
    worker.on("message", (message: Message) => {
      if (message.type === "sent") process.stderr.write(`  ${message.line}\n`);
      else if (message.type === "failure") fail(message.failure);
      else finish(message);
    });
    worker.on("error", (error: Error) => broken(`the thread broke: ${error.message}`));
    worker.on("exit", (code) => {
      if (!finished) broken(`the thread ended by itself, with ${code}`);
    });
  });
}

function progress(count: number, failures: number, plan: Plan): void {
  const name = targets[Atomics.load(plan.pulse, 0)]!.name;
  const line = `fuzz: seed ${plan.seed}, ${count} inputs, ${failures} failures, now ${name}`;
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
}

function tell({ target, seed, inputs, message, sent }: Failure, replayed: boolean): void {
  const replay = `npm run fuzz -- --target ${target} --seed ${seed} --inputs ${inputs}`;
  const lines = [
    ``,
    `FAILED ${target}, seed ${seed}: ${message}`,
    ...(replayed ? [] : sent).map((line) => `  ${line}`),
    `replay: ${replay}`,
    ``,
  ];
  process.stderr.write(lines.join("\n"));
}

async function main(): Promise<number> {
  const { plan, json } = readPlan();
  process.stderr.write(`fuzz: seed ${plan.seed}, targets ${plan.targets.join(", ")}\n`);
  const { inputs, records, failures } = await fuzz(plan);
  const ok = failures.length === 0;
  const counts = Object.entries(inputs).map(([name, count]) => {
    const inThem = records[name];
    return `${name} ${count}${inThem === undefined ? "" : ` (${inThem} hostile records)`}`;
  });
  if (process.stderr.isTTY) process.stderr.write("\n");
  process.stderr.write(
    `fuzz: ${ok ? "ok" : `${failures.length} failures`}; inputs: ${counts.join(", ")}\n`,
  );
  if (json) console.log(JSON.stringify({ ok, seed: plan.seed, inputs, records, failures }));
  return ok ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`fuzz: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
