// `npm run test:java-client -- --sources FOLDER [CLASS…] [--against rabbitmq] [--json]`: the functional tests of RabbitMQ's own Java client, against our broker.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EmbeddedUnderTest } from "./embedded.ts";
import { prepared, results, tag, type TestResult } from "./java-suite.ts";
import { known } from "./known.ts";
import { rabbitmqUnderTest, type BrokerUnderTest } from "./rabbitmq.ts";

const about = `npm run test:java-client -- --sources FOLDER [CLASS…] [--against rabbitmq] [--json]

Runs the tests of rabbitmq-java-client (client, functional, server) against the
embedded broker, at 127.0.0.1:5672, where nothing else may listen. It needs
javac, java and mvn, which fetches the client and JUnit, and the tests:

  git clone --branch ${tag} https://github.com/rabbitmq/rabbitmq-java-client FOLDER

CLASS: functional.QosTests, for example; default: all. What is known not to pass,
and why, is in compatibility/known.ts; anything else makes it fail.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sources: { type: "string" },
    against: { type: "string", default: "embedded" },
    json: { type: "boolean", default: false },
  },
});
const brokers: Readonly<Record<string, () => Promise<BrokerUnderTest>>> = {
  embedded: () => EmbeddedUnderTest.start(),
  rabbitmq: rabbitmqUnderTest,
};
const start = Object.hasOwn(brokers, values.against) ? brokers[values.against] : undefined;
if (values.sources === undefined || start === undefined) {
  console.error(about);
  process.exit(2);
}

const cache = join(import.meta.dirname, "../.cache/java-client");
const suite = prepared(values.sources, cache);
await using broker = await start();
const ran = await results(
  suite,
  positionals.length === 0 ? [...suite.classes.keys()] : positionals,
  broker,
);
const failed = ran.filter(({ outcome }) => outcome === "failed");
const expected = values.against === "embedded" ? known : {};
const surprises = failed.filter(({ name }) => !Object.hasOwn(expected, name));
const better = ran.filter(
  (each) => each.outcome === "passed" && Object.hasOwn(expected, each.name),
);
if (values.json) console.log(JSON.stringify({ ok: surprises.length === 0, results: ran }));
else console.log(told());
process.exitCode = surprises.length === 0 ? 0 : 1;

function told(): string {
  const count = (outcome: TestResult["outcome"]): number =>
    ran.filter((each) => each.outcome === outcome).length;
  return [
    ...surprises.map(({ name, why }) => `FAILED ${name}\n  ${why}`),
    ...failed
      .filter(({ name }) => Object.hasOwn(expected, name))
      .map(({ name }) => `known  ${name}: ${expected[name]}`),
    ...better.map(
      ({ name }) => `passes ${name}, though compatibility/known.ts says that it does not`,
    ),
    `${count("passed")} passed, ${count("failed")} failed (${surprises.length} unexpectedly), ${count("skipped")} skipped`,
  ].join("\n");
}
