import { after, before, suite, test } from "node:test";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { kafka as server, ownKafka, type OwnKafka } from "../../../scripts/servers/kafka.ts";
import { kafka } from "../../broker/kafka/index.ts";
import { clientCases } from "../../call/client-suite.ts";
import { prefixed } from "./testing/prefixed.ts";
import { overBroker } from "./testing/subject.ts";

suite("calls over a real Kafka", { skip: missing(server) ?? false }, () => {
  let own: OwnKafka;
  before(async () => {
    own = await ownKafka();
  });
  after(() => own[Symbol.asyncDispose]());

  let places = 0;
  const subject = overBroker(
    async (place, env) => {
      const address = `kafka://127.0.0.1:${own.node.port}`;
      return prefixed(await kafka().open(address, { name: place }, env), place);
    },
    () => `case-${++places}`,
  );
  for (const { name, run } of clientCases(subject)) test(name, { timeout: 60_000 }, run);
});
