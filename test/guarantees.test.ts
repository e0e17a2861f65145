// The table of docs/guarantees.md is what the brokers themselves say, and the suite tries what it names.
import { ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { broker } from "trunkline/broker";
import { amqp } from "trunkline/broker/amqp";
import { direct } from "trunkline/broker/direct";
import { file } from "trunkline/broker/embedded";
import { kafka } from "trunkline/broker/kafka";
import { memory } from "trunkline/broker/memory";
import { mmap } from "trunkline/broker/mmap";
import { mq } from "trunkline/broker/mq";
import { multicast } from "trunkline/broker/multicast";
import { sharedFile } from "trunkline/broker/sharedfile";
import { brokersTable } from "trunkline/testing";

test("docs/guarantees.md shows what the brokers promise, and by which case of the suite", async () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/guarantees.md"), "utf8");
  await using running = broker();
  await using remote = running.open();
  const table = brokersTable([
    { name: "`direct:`", capabilities: direct().capabilities },
    { name: "`memory:`", capabilities: memory().capabilities },
    { name: "`broker+…`", capabilities: remote.capabilities },
    { name: "`file:`", capabilities: file().capabilities },
    { name: "`amqp:`", capabilities: amqp().capabilities },
    { name: "`kafka:`", capabilities: kafka().capabilities },
    { name: "`mmap:`", capabilities: mmap().capabilities },
    { name: "`mq:`", capabilities: mq().capabilities },
    { name: "`sharedfile:`", capabilities: sharedFile().capabilities },
    { name: "`udp+multicast:`", capabilities: multicast().capabilities },
  ]);
  ok(page.includes(table), `put this table into docs/guarantees.md:\n${table}`);
});
