// `npm run bench -- NAME`: measures, prints tables; with `--json` the same as data in the last line.
import { parseArgs } from "node:util";
import { calls } from "./calls.ts";
import type { Bench } from "./report.ts";

/** A line for each bench. */
const benches: Readonly<Record<string, Bench>> = { calls };

const usage = `npm run bench -- NAME [--rounds N] [--seconds S] [--quick] [--json] [--peer NAME]… [--profile FOLDER]

NAME       ${Object.keys(benches).join(", ")}
--rounds   how often each measurement is made, in turn with all others (default 9)
--seconds  how long each takes (default 0.6)
--quick    one short round: shows that it works, and says nothing about speed
--json     the last line is the report as JSON
--peer     only this peer; may be given several times
--profile  Trunkline's processes write CPU profiles there`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    peer: { type: "string", multiple: true, default: [] },
    profile: { type: "string" },
  },
});

const [name = ""] = positionals;
const bench = benches[name];
if (bench === undefined) {
  console.error(usage);
  process.exit(1);
}

const began = performance.now();
const terminal = process.stderr.isTTY;

const { report, tables } = await bench({
  rounds: Number(values.rounds ?? (values.quick ? 1 : 9)),
  seconds: Number(values.seconds ?? (values.quick ? 0.1 : 0.6)),
  quick: values.quick,
  peers: values.peer,
  profile: values.profile,
  progress(text) {
    const line = `${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`;
    process.stderr.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
  },
});
if (terminal) process.stderr.write("\r\u001b[K");
console.log(`${report.machine}\n\n${tables}`);
if (values.json) console.log(JSON.stringify(report));
