// Libraries of somebody else that speak AMQP 0-9-1, each with the same cases against RabbitMQ and against us: what passes there must pass here.
import { ok } from "node:assert/strict";
import { after, before, suite, test } from "node:test";

import { embeddedAt, embeddedUser } from "../scripts/servers/embedded.ts";
import { freePort, missing } from "../scripts/servers/for-tests.ts";
import { freeRabbitmqPorts, rabbitmqUser } from "../scripts/servers/rabbitmq.ts";
import { rabbitmqUnderTest } from "../scripts/servers/rabbitmq-for-tests.ts";
import { running } from "../scripts/servers/running.ts";
import { wireTo } from "../scripts/servers/wire.ts";
import { amqplibChannel } from "./amqp-clients/amqplib-channel.ts";
import { amqplibConnection } from "./amqp-clients/amqplib-connection.ts";
import { amqplibRemade } from "./amqp-clients/amqplib-remade.ts";
import { amqplibStreams } from "./amqp-clients/amqplib-streams.ts";
import { rabbitmqClient } from "./amqp-clients/rabbitmq-client.ts";
import { rabbitmqClientRoles } from "./amqp-clients/rabbitmq-client-roles.ts";
import { pikaSays } from "./amqp-clients/pika.ts";
import { rabbitmqBehaviour } from "./amqp-clients/rabbitmq-behaviour.ts";
import type { ClientCase, Stand } from "./amqp-clients/stand.ts";

const caseEndsWithinMs = 60_000;
const pikaEndsWithinMs = 5 * 60_000;
const pikaCasesMin = 55;

const libraries: Readonly<Record<string, readonly ClientCase[]>> = {
  amqplib: [...amqplibChannel, ...amqplibConnection, ...amqplibStreams],
  "amqp-connection-manager": amqplibRemade,
  "what RabbitMQ does": rabbitmqBehaviour,
  "rabbitmq-client": [...rabbitmqClient, ...rabbitmqClientRoles],
};

interface Server {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

const ports = await freeRabbitmqPorts();
const rabbitmq = rabbitmqUnderTest("rabbitmq", ports);

suite("with RabbitMQ", { skip: missing(rabbitmq) ?? false }, () => {
  let node: AsyncDisposable;
  before(async () => {
    node = await running(rabbitmq);
  });
  after(() => node[Symbol.asyncDispose]());
  const { name: user, password } = rabbitmqUser;
  casesWith(() => ({ port: ports.amqp, user, password }));
});

suite("with the embedded broker", () => {
  let port = 0;
  let node: AsyncDisposable;
  before(async () => {
    port = await freePort();
    node = await running(embeddedAt(port));
  });
  after(() => node[Symbol.asyncDispose]());
  const { name: user, password } = embeddedUser;
  casesWith(() => ({ port, user, password }));
});

function casesWith(server: () => Server): void {
  let stands = 0;
  for (const [library, cases] of Object.entries(libraries))
    suite(library, () => {
      for (const { name, run } of cases)
        test(name, { timeout: caseEndsWithinMs }, async () => {
          const { port, user, password } = server();
          await using wire = await wireTo(port);
          const number = ++stands;
          const stand: Stand = {
            url: `amqp://${user}:${password}@127.0.0.1:${wire.port}`,
            ...{ host: "127.0.0.1", port: wire.port, user, password },
            unique: (word) => `${library}-${number}-${word}`,
            cut() {
              wire.cut();
              wire.mend();
            },
          };
          await run(stand);
        });
    });
  test("pika", { timeout: pikaEndsWithinMs }, async (t) => {
    const { port, user, password } = server();
    const said = await pikaSays(`amqp://${user}:${password}@127.0.0.1:${port}/%2f`);
    if (typeof said === "string") {
      ok(process.env["CI"] !== "true", `in CI this must run: ${said}`);
      t.skip(said);
      return;
    }
    for (const { name, problem } of said)
      await t.test(name, () => ok(problem === undefined, problem));
    ok(said.length >= pikaCasesMin, `pika ran ${said.length} cases and ended`);
  });
}
