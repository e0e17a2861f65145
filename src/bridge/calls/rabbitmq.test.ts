import { after, before, suite, test } from "node:test";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { freeRabbitmqPorts, rabbitmqUser } from "../../../scripts/servers/rabbitmq.ts";
import { rabbitmqUnderTest } from "../../../scripts/servers/rabbitmq-for-tests.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { amqp } from "../../broker/amqp/index.ts";
import { clientCases } from "../../call/client-suite.ts";
import { prefixed } from "./testing/prefixed.ts";
import { overBroker } from "./testing/subject.ts";

const ports = await freeRabbitmqPorts();
const server = rabbitmqUnderTest("rabbitmq", ports);

suite("calls over a real RabbitMQ", { skip: missing(server) ?? false }, () => {
  let node: Running;
  before(async () => {
    node = await running(server);
  });
  after(() => node[Symbol.asyncDispose]());

  let places = 0;
  const make = amqp();
  const { name: user, password } = rabbitmqUser;
  const address = `amqp://${user}:${password}@127.0.0.1:${ports.amqp}`;
  const subject = overBroker(
    async (place, env) =>
      prefixed(await make.open(address, { name: place, waitMs: 5_000 }, env), place),
    () => `case-${++places}`,
  );
  for (const { name, run } of clientCases(subject)) test(name, { timeout: 60_000 }, run);
});
