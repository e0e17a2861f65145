// The same suite as against RabbitMQ, with the same adapter and the same grips, against our own broker's AMQP.
import { after, before, suite, test } from "node:test";

import { embeddedAt, embeddedUser } from "../../../scripts/servers/embedded.ts";
import { freePort } from "../../../scripts/servers/for-tests.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { wireTo } from "../../../scripts/servers/wire.ts";
import { realEnv } from "../../base/real-env.ts";
import { brokerCases } from "../suite.ts";
import { amqp } from "./index.ts";

const port = await freePort();
const make = amqp();

suite("with the embedded broker", () => {
  let node: Running;
  let cases = 0;
  before(async () => {
    node = await running(embeddedAt(port));
  });
  after(() => node[Symbol.asyncDispose]());

  const subject = brokerCases(
    {
      capabilities: make.capabilities,
      env: realEnv,
      stand: async () => {
        const wire = await wireTo(port);
        const { name: user, password } = embeddedUser;
        const address = `amqp://${user}:${password}@127.0.0.1:${wire.port}`;
        return {
          prefix: `case-${++cases}`,
          open: (name) => make.open(address, { name, waitMs: 5_000 }, realEnv()),
          restart: async () => {
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
