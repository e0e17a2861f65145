import { after, before, suite, test } from "node:test";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { kafka as server, ownKafka, type OwnKafka } from "../../../scripts/servers/kafka.ts";
import { realEnv } from "../../base/real-env.ts";
import { brokerCases, type BrokerSubject } from "../suite.ts";
import { kafka } from "./index.ts";

suite("with a real Kafka", { skip: missing(server) ?? false }, () => {
  let own: OwnKafka;
  let stands = 0;
  before(async () => {
    own = await ownKafka();
  });
  after(() => own[Symbol.asyncDispose]());

  const { capabilities } = kafka();
  const subject: BrokerSubject = {
    // One node has nobody to replicate to.
    capabilities: { ...capabilities, receipts: ["accepted", "stored"] },
    env: () => realEnv(),
    stand: async () => ({
      prefix: `suite-${++stands}`,
      open: (name) =>
        kafka().open(`kafka://127.0.0.1:${own.node.port}`, { name, waitMs: 30_000 }, realEnv()),
      restart: async () => {
        await own.server.kill();
        await own.server.restart();
      },
      close: async () => {},
    }),
  };
  const cases = brokerCases(subject, ["restart"]);
  for (const { name, run } of cases) void test(name, { timeout: 60_000 }, run);
});
