// `npm run mutants [-- NAME…] [-- --json]`: breaks the library in each way of the table; a suite must notice every one.
import { parseArgs } from "node:util";
import { misfitOf } from "./mutant.ts";
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
const misfits = chosen.flatMap((mutant) => misfitOf(mutant) ?? []);
if (misfits.length > 0) {
  console.error(misfits.join("\n\n"));
  process.exit(2);
}
const verdicts = await judgeAll();
const survivors = verdicts.filter(({ killed }) => !killed);
for (const { mutant } of survivors) {
  console.error(`\n${mutant.name} survives ${mutant.killedBy}: ${mutant.because}`);
  console.error(`  ${mutant.file}: write the test that notices it`);
}
const kills = verdicts.length - survivors.length;
console.error(`\n${kills} of ${verdicts.length} mutants killed`);
if (values.json) {
  const names = survivors.map(({ mutant }) => mutant.name);
  const ok = names.length === 0;
  console.log(JSON.stringify({ ok, total: verdicts.length, killed: kills, survivors: names }));
}
process.exitCode = survivors.length === 0 ? 0 : 1;

async function judgeAll(): Promise<Verdict[]> {
  const waiting = [...chosen];
  const done: Verdict[] = [];
  const worker = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const verdict = await judge(mutant);
      done.push(verdict);
      tell(verdict, done.length);
    }
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
  return done;
}

function tell({ mutant, killed, how, seconds }: Verdict, count: number): void {
  const place = `${count}/${chosen.length}`.padStart(7);
  const time = `${seconds.toFixed(1)} s`.padStart(7);
  const outcome = killed ? `killed   ${how}` : "SURVIVED";
  console.error(
    `${place} ${time} ${mutant.killedBy.padEnd(8)} ${mutant.name.padEnd(36)} ${outcome}`,
  );
}
