// Dead letters and redrives over brokers that store.
import { deepEqual, equal } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { missing } from "../../../scripts/servers/for-tests.ts";
import { kafka as kafkaServer, ownKafka, type OwnKafka } from "../../../scripts/servers/kafka.ts";
import { freeRabbitmqPorts, rabbitmqUser } from "../../../scripts/servers/rabbitmq.ts";
import { rabbitmqUnderTest } from "../../../scripts/servers/rabbitmq-for-tests.ts";
import { running, type Running } from "../../../scripts/servers/running.ts";
import { realEnv } from "../../base/real-env.ts";
import { amqp } from "../../broker/amqp/index.ts";
import type { Broker } from "../../broker/broker.ts";
import { Node } from "../../broker/embedded/node.ts";
import { SharedEmbedded } from "../../broker/embedded/port/shared-embedded.ts";
import { openSqliteStorage } from "../../broker/embedded/storage/open.ts";
import { kafka } from "../../broker/kafka/index.ts";
import { Lab, type Place } from "./testing/lab.ts";

function billing(...texts: readonly string[]): string[] {
  return texts.map((text) => `billing:${text}`);
}

/** What must hold on every broker. */
function cases(open: () => Promise<Broker>): void {
  let channels = 0;
  const place = (): Place => ({ env: realEnv(), open, channel: `dead-${++channels}` });

  test("a sequence is parked, over a consumer that changes, and redriven in its order", async () => {
    await using lab = new Lab(true, place());
    lab.failing.add("a1");
    const { consumer } = await lab.consumer({ from: "first" });
    await lab.publish("a", "a1", "a2");
    await lab.publish("b", "b1");
    await lab.until(async () => (await lab.dead()).length === 2);
    await lab.until(() => lab.handled.length === 1);
    await consumer.stop(5_000);
    await lab.publish("a", "a3");
    await lab.consumer();
    await lab.until(async () => (await lab.dead()).length === 3);
    deepEqual(lab.handled, billing("b1"));
    await lab.until(async () => (await lab.dead()).join() === "a1,a2,a3");
    lab.failing.clear();
    const { counts, complete } = await lab.redrive();
    deepEqual([counts.handled, complete], [3, true]);
    await lab.publish("a", "a4");
    await lab.until(() => lab.handled.length === 5);
    deepEqual(lab.handled, billing("b1", "a1", "a2", "a3", "a4"));
    deepEqual(await lab.dead(), []);
    deepEqual(
      lab.received.slice(-4).map(({ attempt, envelope }) => [attempt, envelope.id]),
      [
        [1, "id-1"],
        [1, "id-2"],
        [1, "id-4"],
        [1, "id-5"],
      ],
    );
  });

  test("one that dies again keeps its place, and messages that come meanwhile follow", async () => {
    await using lab = new Lab(true, place());
    lab.failing.add("a1").add("a2");
    await lab.consumer({ from: "first" });
    await lab.publish("a", "a1", "a2", "a3");
    await lab.until(async () => (await lab.dead()).length === 3);
    lab.failing.delete("a1");
    const first = await lab.redrive();
    deepEqual([first.counts.handled, first.counts.buried], [1, 1]);
    await lab.publish("a", "a4");
    await lab.until(async () => (await lab.dead()).length === 3);
    await lab.until(async () => (await lab.dead()).join() === "a2,a3,a4");
    lab.failing.clear();
    const redriving = lab.redrive();
    await lab.publish("a", "a5", "a6");
    equal((await redriving).counts.buried, 0);
    await lab.until(() => lab.handled.length === 6);
    deepEqual(lab.handled, billing("a1", "a2", "a3", "a4", "a5", "a6"));
    deepEqual(await lab.dead(), []);
  });

  test("a consumer that joins while keys are redriven keeps the order of each", async () => {
    await using lab = new Lab(true, place());
    const keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const texts = keys.flatMap((key) => [`${key}1`, `${key}2`, `${key}3`]);
    for (const key of keys) lab.failing.add(`${key}1`);
    await lab.consumer({ from: "first" });
    for (const key of keys) await lab.publish(key, `${key}1`, `${key}2`);
    await lab.until(async () => (await lab.dead()).length === 16);
    lab.failing.clear();
    const redriving = lab.redrive({ perSecond: 10, within: "2s" });
    await lab.until(() => lab.handled.length > 2);
    await lab.consumer();
    for (const key of keys) await lab.publish(key, `${key}3`);
    await redriving;
    await lab.until(async () => {
      await sleep(lab.env, 6_000); // who has waited for the end of a redrive looks again
      await lab.redrive({ within: "5s" });
      return (await lab.dead()).length === 0 && new Set(lab.handled).size === texts.length;
    });
    for (const key of keys) {
      const handled = lab.handled.filter((text) => text.startsWith(`billing:${key}`));
      deepEqual([...new Set(handled)], billing(`${key}1`, `${key}2`, `${key}3`));
    }
  });

  test("where no order is asked each goes by itself, and what is not meant stays", async () => {
    await using lab = new Lab(false, place());
    lab.failing.add("x1").add("x2");
    await lab.consumer({ from: "first" });
    await lab.publish(undefined, "x1", "x2", "never", "x3");
    await lab.until(async () => (await lab.dead()).length === 3);
    lab.failing.clear();
    equal((await lab.redrive({ dryRun: true, where: { why: "failed" } })).counts.planned, 2);
    const { counts, complete } = await lab.redrive({ where: { why: "failed" } });
    deepEqual([counts.redriven, complete], [2, true]);
    await lab.until(() => lab.handled.length === 3);
    deepEqual(lab.handled.toSorted(), billing("x1", "x2", "x3"));
    await lab.until(async () => (await lab.dead()).length === 1);
    equal((await lab.dead())[0], "never");
  });
}

const ports = await freeRabbitmqPorts();
const rabbitmq = rabbitmqUnderTest("rabbitmq", ports);

suite("with a real RabbitMQ", { timeout: 180_000, skip: missing(rabbitmq) ?? false }, () => {
  let node: Running;
  before(async () => {
    node = await running(rabbitmq);
  });
  after(() => node[Symbol.asyncDispose]());
  const { name: user, password } = rabbitmqUser;
  const address = `amqp://${user}:${password}@127.0.0.1:${ports.amqp}`;
  cases(() => amqp().open(address, { name: "lab" }, realEnv()));
});

suite("with a real Kafka", { timeout: 180_000, skip: missing(kafkaServer) ?? false }, () => {
  let own: OwnKafka;
  before(async () => {
    own = await ownKafka();
  });
  after(() => own[Symbol.asyncDispose]());
  cases(() => kafka().open(`kafka://127.0.0.1:${own.node.port}`, { name: "lab" }, realEnv()));
});

suite("with an embedded broker", { timeout: 180_000 }, () => {
  let folder: string;
  let node: Node;
  let shared: SharedEmbedded;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "trunkline-dead-"));
    node = new Node(await openSqliteStorage(folder, {}, realEnv()), realEnv());
    shared = new SharedEmbedded(node, { address: "file:dead" });
  });
  after(async () => {
    shared.close();
    await node.close();
    await rm(folder, { recursive: true });
  });
  cases(() => Promise.resolve(shared.open("lab")));
});
