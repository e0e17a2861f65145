// `npm run check [-- STEP…]`: runs the steps, shows what failed, ends with a table.
import { availableParallelism } from "node:os";
import { run, steps, type Result, type Step } from "./steps.ts";

/** Lines of a test runner that nobody needs who looks for what failed. */
const passed = /^\s*[✔▶ℹ]/;

const names = process.argv.slice(2);
for (const name of names) {
  if (steps.some((step) => step.name === name)) continue;
  console.error(`no step "${name}"; there are: ${steps.map((step) => step.name).join(", ")}`);
  process.exit(1);
}
const results = await runAll(
  steps.filter((step) => names.length === 0 || names.includes(step.name)),
);
for (const { step, ok, output } of results) {
  if (ok) continue;
  const told = output.split("\n").filter((line) => !passed.test(line));
  console.log(`\n── ${step.name} failed ──\n${told.join("\n").trim()}`);
  if (step.repair !== undefined) console.log(`→ ${step.repair}`);
}
console.log("");
for (const { step, ok, seconds } of results) {
  console.log(
    `${step.name.padEnd(12)} ${ok ? "ok    " : "FAILED"} ${seconds.toFixed(1).padStart(6)} s`,
  );
}
process.exitCode = results.every((result) => result.ok) ? 0 : 1;

/** Runs the steps side by side, as many as there are processors, each after the one it reads. */
async function runAll(chosen: readonly Step[]): Promise<Result[]> {
  const waiting = [...chosen];
  const started = new Map<string, Promise<Result>>();
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      if (step.after !== undefined) await started.get(step.after);
      const result = run(step);
      started.set(step.name, result);
      await result;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return Promise.all(started.values());
}
