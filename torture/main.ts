// `npm run torture -- SUITE [OPTION…]`: kills real processes under load, again and again, and counts what was promised and not kept.
import { parseArgs } from "node:util";
import { tortureBroker } from "./broker/broker.ts";
import { tortureIpc } from "./ipc/ipc.ts";
import { tortureMmap } from "./mmap/mmap.ts";
import { tortureOutbox } from "./outbox/outbox.ts";
import { tortureSteps } from "./outbox/steps/outbox-steps.ts";
import type { BrokerName, StoreName } from "./outbox/worlds.ts";
import { tortureSharedFile } from "./sharedfile/sharedfile.ts";
import type { TortureReport } from "./report.ts";

const usage = `npm run torture -- SUITE [OPTION…]

broker         processes that share a broker in a folder publish and consume; the owner and its guests are killed (SIGKILL),
               stopped in order (SIGTERM) and stood still (SIGSTOP)
  --kills      how many strikes of all these kinds (default 200); three in four are SIGKILL
sharedfile     the same by a folder of files that all append to; they also kill themselves, at each step of what they do to a file
  --kills      how many in all (default 200)
outbox         processes publish in transactions of a database, relay, and handle in transactions; they are struck the same way,
               and the server of the database with them
  --store      sqlite, postgres, mariadb; may be given several times (default all three, one after the other)
  --broker     file or rabbitmq (default file)
  --seconds    how long each is struck (default 60)
  --kills      how many strikes for each (default 1 a second)
outbox-steps   one process that publishes, relays and handles is killed at each step of a message, and the next one carries on
  --store      as above
  --times      how often at each step (default 20)
ipc            processes that share memory with this one, by connections that have moved, are killed or stand still at each point of the
               way there and of what they do then, and at random
  --kills      how many (default 2000)
mmap           processes that make a ring in a file, write into it and read from it are killed at each step of that, and at random
  --kills      how many (default 500)

for all of them
  --seed       draws the same victims in the same order; the processes themselves are not the same twice
  --json       the last line is the report as JSON: {ok, kills, lost, doubled, reordered, stuck, hung}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    store: { type: "string", multiple: true, default: ["sqlite", "postgres", "mariadb"] },
    broker: { type: "string", default: "file" },
    seconds: { type: "string", default: "60" },
    kills: { type: "string" },
    times: { type: "string", default: "20" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    json: { type: "boolean", default: false },
  },
});
const [seconds, times, seed] = [values.seconds, values.times, values.seed].map(Number) as [
  seconds: number,
  times: number,
  seed: number,
];
const stores = values.store as StoreName[];
const began = performance.now();
const terminal = process.stderr.isTTY;

function progress(text: string): void {
  const line = `${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`;
  process.stderr.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
}

/** How many strikes, when nobody says. */
const killsOf = (usual: number): number => Number(values.kills ?? usual);

/** What can be tortured, by name. */
const suites: Readonly<Record<string, () => Promise<TortureReport>>> = {
  broker: () => tortureBroker({ kills: killsOf(200), seed, progress }),
  sharedfile: () => tortureSharedFile({ kills: killsOf(200), seed, progress }),
  outbox: () =>
    tortureOutbox({
      stores,
      broker: values.broker as BrokerName,
      ...{ kills: killsOf(seconds), seconds, seed, progress },
    }),
  ipc: () => tortureIpc({ kills: killsOf(2_000), seed, progress }),
  mmap: () => tortureMmap({ kills: killsOf(500), seed, progress }),
  "outbox-steps": () => tortureSteps({ stores, times, seed, progress }),
};

const suite = Object.hasOwn(suites, positionals[0] ?? "") ? suites[positionals[0]!] : undefined;
const meant =
  [seconds, times, killsOf(1)].every((each) => each > 0) &&
  Number.isSafeInteger(seed) &&
  values.store.every((each) => ["sqlite", "postgres", "mariadb"].includes(each)) &&
  ["file", "rabbitmq"].includes(values.broker);
if (suite === undefined || !meant) {
  console.error(usage);
  process.exit(2);
}

const report = await suite();
if (terminal) process.stderr.write("\r\u001b[K");
for (const line of report.told) console.log(line);
const { told: _told, ...plain } = report;
if (values.json) console.log(JSON.stringify(plain));
process.exitCode = report.ok ? 0 : 1;
