// `npm run torture -- SUITE [--kills N] [--seed N] [--json]`: kills real processes under load, again and again, and counts what was promised and not kept.
import { parseArgs } from "node:util";
import { tortureBroker } from "./broker/broker.ts";
import type { TortureReport } from "./report.ts";

const usage = `npm run torture -- broker [--kills N] [--seed N] [--json]

broker   processes that share a broker in a folder publish and consume; the owner and its guests are killed (SIGKILL),
         stopped in order (SIGTERM) and stood still (SIGSTOP)
--kills  how many strikes of all these kinds (default 200); three in four are SIGKILL
--seed   draws the same victims in the same order; the processes themselves are not the same twice
--json   the last line is the report as JSON: {ok, kills, lost, doubled, reordered, stuck, hung}`;

/** What can be tortured, by name. */
const suites: Readonly<
  Record<
    string,
    (terms: {
      kills: number;
      seed: number;
      progress: (text: string) => void;
    }) => Promise<TortureReport>
  >
> = { broker: tortureBroker };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    json: { type: "boolean", default: false },
  },
});
const suite = Object.hasOwn(suites, positionals[0] ?? "") ? suites[positionals[0]!] : undefined;
const [kills, seed] = [Number(values.kills), Number(values.seed)];
if (suite === undefined || !(kills > 0) || !Number.isSafeInteger(seed)) {
  console.error(usage);
  process.exit(2);
}

const began = performance.now();
const terminal = process.stderr.isTTY;
const report = await suite({
  kills,
  seed,
  progress(text) {
    const line = `${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`;
    process.stderr.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
  },
});
if (terminal) process.stderr.write("\r\u001b[K");
for (const line of report.told) console.log(line);
const { told: _told, ...plain } = report;
if (values.json) console.log(JSON.stringify(plain));
process.exitCode = report.ok ? 0 : 1;
