// `npm run mutants [-- NAME…] [-- --json]`: breaks the library in each way of the table; a suite must notice every one.
import { parseArgs } from "node:util";
import { misfitOf, type Mutant } from "./mutant.ts";
import { judge, type Verdict } from "./suites.ts";
import { mutants } from "./table.ts";

const sideBySide = 2;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const unknown = positionals.filter((name) => !mutants.some((mutant) => mutant.name === name));
if (unknown.length > 0) {
  console.error(`no mutant ${unknown.join(", ")}; there are:`);
  for (const { name } of mutants) console.error(`  ${name}`);
  process.exit(2);
}
const chosen = mutants.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const problems = chosen.flatMap((mutant) => misfitOf(mutant) ?? []);
if (problems.length === 0) problems.push(...(await unsoundSuites()));
if (problems.length > 0) {
  console.error(problems.join("\n\n"));
  process.exit(2);
}

let done = 0;
const survivors: Mutant[] = [];
await forEach(chosen, async (mutant) => {
  const verdict = await judge(mutant.killedBy, mutant);
  if (!verdict.killed) survivors.push(mutant);
  tell(mutant, verdict);
});
for (const { name, killedBy, because, file } of survivors)
  console.error(
    `\n${name} survives ${killedBy}: ${because}\n  ${file}: write the test that notices it`,
  );
const kills = chosen.length - survivors.length;
console.error(`\n${kills} of ${chosen.length} mutants killed`);
if (values.json) {
  const names = survivors.map(({ name }) => name);
  const ok = names.length === 0;
  console.log(JSON.stringify({ ok, total: chosen.length, killed: kills, survivors: names }));
}
process.exitCode = survivors.length === 0 ? 0 : 1;

/** A suite that fails by itself would kill everything. */
async function unsoundSuites(): Promise<string[]> {
  const failing: string[] = [];
  await forEach([...new Set(chosen.map(({ killedBy }) => killedBy))], async (suite) => {
    const { killed, how, seconds } = await judge(suite);
    const sound = !killed && how === "passes";
    console.error(
      `${suite} without a mutant: ${sound ? "passes" : "FAILS"}, ${seconds.toFixed(1)} s`,
    );
    if (!sound) failing.push(`${suite} fails without any mutant, mend that first: ${how}`);
  });
  return failing;
}

async function forEach<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const worker = async (): Promise<void> => {
    for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) await work(each);
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
}

function tell({ name, killedBy }: Mutant, { killed, how, seconds }: Verdict): void {
  const place = `${++done}/${chosen.length}`.padStart(7);
  const time = `${seconds.toFixed(1)} s`.padStart(7);
  const outcome = killed ? `killed   ${how}` : `SURVIVED ${how}`;
  console.error(`${place} ${time} ${killedBy.padEnd(8)} ${name.padEnd(28)} ${outcome}`);
}
