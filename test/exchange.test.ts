// Fifty thousand keyed messages over real brokers, while those who consume them, who asks, and the broker itself are killed.
import { deepEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { exchange, type Exchanged } from "../demo/exchange/exchange.ts";
import { readFlights } from "../demo/flights.ts";
import { missing } from "../scripts/servers/for-tests.ts";
import { kafka, ownKafka } from "../scripts/servers/kafka.ts";
import { freeRabbitmqPorts, rabbitmqSettled, rabbitmqUser } from "../scripts/servers/rabbitmq.ts";
import { rabbitmqUnderTest } from "../scripts/servers/rabbitmq-for-tests.ts";
import { running } from "../scripts/servers/running.ts";

const timeout = 300_000;

/** The flights of the file, and a quarter of them once more: a departure and a landing each. */
const flights = readFlights();
const all = [
  ...flights,
  ...flights.slice(0, 5_000).map((each) => ({ ...each, number: each.number + flights.length })),
];

async function carried(
  over: string,
  messages: string,
  restart: () => Promise<void>,
): Promise<Exchanged> {
  const folder = mkdtempSync(join(tmpdir(), `exchange-${over}-`));
  try {
    return await exchange({ messages, over, folder, flights: all, tell: () => {}, restart });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function asItMustBe({
  event,
  command,
  gather,
  document,
  lost,
  doubled,
  reordered,
  off,
}: Exchanged): void {
  deepEqual(
    { event, command, gather, document, lost, doubled, reordered, off },
    {
      event: 50_000,
      command: 200,
      gather: 40,
      document: 400,
      lost: 0,
      doubled: 0,
      reordered: 0,
      off: [],
    },
  );
}

suite("messages over a real Kafka", { skip: missing(kafka) ?? false }, () => {
  test(
    "nothing is lost, applied twice or out of order, whoever is killed",
    { timeout },
    async () => {
      await using own = await ownKafka();
      const restart = async (): Promise<void> => {
        await own.server.kill();
        await own.server.restart();
      };
      asItMustBe(await carried("kafka", `kafka://127.0.0.1:${own.node.port}`, restart));
    },
  );
});

const ports = await freeRabbitmqPorts();
const rabbitmq = rabbitmqUnderTest("rabbitmq", ports);

suite("messages over a real RabbitMQ", { skip: missing(rabbitmq) ?? false }, () => {
  test(
    "nothing is lost, applied twice or out of order, whoever is killed",
    { timeout },
    async () => {
      await using node = await running(rabbitmq);
      const restart = async (): Promise<void> => {
        await rabbitmqSettled(node.folder, "rabbitmq");
        await node.kill();
        await node.restart();
      };
      const { name, password } = rabbitmqUser;
      asItMustBe(
        await carried("rabbitmq", `amqp://${name}:${password}@127.0.0.1:${ports.amqp}`, restart),
      );
    },
  );
});
