import { after, before, suite, test } from "node:test";

import { missing } from "../../../scripts/servers/for-tests.ts";
import {
  freeRabbitmqPorts,
  rabbitmqSettled,
  rabbitmqUser,
} from "../../../scripts/servers/rabbitmq.ts";
import { rabbitmqUnderTest } from "../../../scripts/servers/rabbitmq-for-tests.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { wireTo } from "../../../scripts/servers/wire.ts";
import { realEnv } from "../../base/real-env.ts";
import { brokerCases } from "../suite.ts";
import { amqp } from "./index.ts";

const ports = await freeRabbitmqPorts();
const server = rabbitmqUnderTest("rabbitmq", ports);
const make = amqp();

suite("with a real RabbitMQ", { skip: missing(server) ?? false }, () => {
  let node: Running;
  let cases = 0;
  before(async () => {
    node = await running(server);
  });
  after(() => node[Symbol.asyncDispose]());

  const subject = brokerCases(
    {
      capabilities: make.capabilities,
      env: realEnv,
      stand: async () => {
        const wire = await wireTo(ports.amqp);
        const { name: user, password } = rabbitmqUser;
        const address = `amqp://${user}:${password}@127.0.0.1:${wire.port}`;
        return {
          prefix: `case-${++cases}`,
          open: (name) => make.open(address, { name, waitMs: 5_000 }, realEnv()),
          restart: async () => {
            await rabbitmqSettled(node.folder, "rabbitmq");
            await node.kill();
            await node.restart();
          },
          cut: async () => {
            wire.cut();
            wire.mend();
          },
          close: async () => wire[Symbol.asyncDispose](),
        };
      },
    },
    ["restart", "cut"],
  );

  for (const { name, run } of subject) test(name, { timeout: 90_000 }, run);
});
