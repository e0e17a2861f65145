// `npm run test:clusters [-- NAME…] [--messages N] [--json]`: keyed messages go through clusters of brokers while their nodes are killed. NAME: see below; default all.
import { parseArgs } from "node:util";
import { kafkaCluster } from "./kafka.ts";
import { rabbitmqCluster } from "./rabbitmq.ts";
import { trial, type Cluster, type TrialReport } from "./trial.ts";

/** The clusters that can be had; a new one is a file here and a line. */
const clusters: Readonly<Record<string, () => Promise<Cluster>>> = {
  kafka: kafkaCluster,
  rabbitmq: rabbitmqCluster,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: "string", default: "50000" },
    json: { type: "boolean", default: false },
  },
});
const messages = Number(values.messages);
const unknown = positionals.find((name) => !Object.hasOwn(clusters, name));
if (!(messages >= 10_000) || unknown !== undefined) {
  console.error(
    `npm run test:clusters [-- ${Object.keys(clusters).join("|")}…] [--messages N, at least 10000] [--json]`,
  );
  process.exit(2);
}

let failed = false;
const reports: TrialReport[] = [];
for (const name of positionals.length === 0 ? Object.keys(clusters) : positionals) {
  const progress = (text: string): void => {
    process.stderr.write(`${name}: ${text}\n`);
  };
  progress("starting");
  await using cluster = await clusters[name]!();
  const report = await trial(name, cluster, { messages, keys: 500, consumers: 2, progress });
  reports.push(report);
  failed ||= report.lost + report.doubled + report.outOfOrder > 0 || report.kills.length < 2;
  if (!values.json) console.log(told(report));
}
if (values.json) console.log(JSON.stringify({ ok: !failed, clusters: reports }));
process.exitCode = failed ? 1 : 0;

function told(report: TrialReport): string {
  const { cluster, lost, doubled, outOfOrder, repeated, publishedAgain, seconds, kills } = report;
  const pauses = kills.map(
    ({ node, why, publishPauseMs, consumePauseMs }) =>
      `  node ${node} killed, ${why}: no receipt for ${publishPauseMs} ms, nothing new consumed for ${consumePauseMs} ms`,
  );
  return [
    `${cluster}: ${report.messages} messages in ${seconds} s: ${lost} lost, ${doubled} doubled, ${outOfOrder} out of order`,
    ...pauses,
    `  ${repeated} deliveries repeated and left out, ${publishedAgain} messages published again`,
  ].join("\n");
}
