// `npm run bench -- NAME`: measures, prints tables; with `--json` the same as data in the last line.
import { parseArgs } from "node:util";
import { broker } from "./broker.ts";
import { calls } from "./calls.ts";
import { formats } from "./formats.ts";
import { gateway } from "./gateway.ts";
import { ipc } from "./ipc.ts";
import { messaging } from "./messaging.ts";
import { outbox } from "./outbox.ts";
import type { Bench } from "./report.ts";
import { protocols } from "./protocols.ts";
import { resilience } from "./resilience.ts";
import { storm } from "./storm.ts";
import { transports } from "./transports.ts";

/** A line for each bench: it, and how many rounds of how many seconds it makes by default. */
const benches: Readonly<Record<string, { run: Bench; rounds: number; seconds: number }>> = {
  broker: { run: broker, rounds: 3, seconds: 1 },
  calls: { run: calls, rounds: 9, seconds: 0.6 },
  formats: { run: formats, rounds: 9, seconds: 0.4 },
  transports: { run: transports, rounds: 5, seconds: 0.4 },
  ipc: { run: ipc, rounds: 5, seconds: 0.6 },
  gateway: { run: gateway, rounds: 5, seconds: 0.6 },
  messaging: { run: messaging, rounds: 5, seconds: 1 },
  outbox: { run: outbox, rounds: 5, seconds: 600 },
  protocols: { run: protocols, rounds: 5, seconds: 0.6 },
  resilience: { run: resilience, rounds: 9, seconds: 0.4 },
  storm: { run: storm, rounds: 1, seconds: 7 },
};

const usage = `npm run bench -- NAME [--rounds N] [--seconds S] [--quick] [--json] [--only NAME]… [--profile FOLDER]

NAME       broker: confirmed messages of the embedded broker beside RabbitMQ and NATS, and what it costs;
           calls: Trunkline beside others; formats: size and speed of each on the demo's data;
           transports: the transports side by side, and what scales;
           protocols: REST beside Fastify, gRPC beside bare HTTP/2, grpc-js and Connect;
           resilience: guards beside cockatiel and opossum, the pipeline beside none, choosing among 1,000;
           messaging: messages through each broker, beside its bare client, NestJS and moleculer;
           gateway: router and gateway in the middle, beside nginx and Envoy;
           ipc: two processes of one host, by shared memory, by sockets, and by what others offer;
           storm: replicas killed, rolled and frozen under load, ours and those of others
--rounds   how often each measurement is made, in turn with all others (default: ${defaults("rounds")})
--seconds  how long each takes; in the storm, how long each replica stands still (default: ${defaults("seconds")})
--quick    one short round: shows that it works, and says nothing about speed
--json     the last line is the report as JSON
--only     only this peer, transport or part; may be given several times
--profile  Trunkline's processes write CPU profiles there`;

function defaults(what: "rounds" | "seconds"): string {
  return Object.entries(benches)
    .map(([name, each]) => `${name} ${each[what]}`)
    .join(", ");
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
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

const { report, tables } = await bench.run({
  rounds: Number(values.rounds ?? (values.quick ? 1 : bench.rounds)),
  seconds: Number(values.seconds ?? (values.quick ? 0.1 : bench.seconds)),
  quick: values.quick,
  only: values.only,
  profile: values.profile,
  progress(text) {
    const line = `${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`;
    process.stderr.write(terminal ? `\r\u001b[K${line}` : `${line}\n`);
  },
});
if (terminal) process.stderr.write("\r\u001b[K");
console.log(`${report.machine}\n\n${tables}`);
if (values.json) console.log(JSON.stringify(report));
