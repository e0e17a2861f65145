// Replies outlive those who have asked, and calls by way of a broker those who served them: real processes, killed; a broker of
// ours, a real RabbitMQ and a real Kafka.
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { bind, chassis, client, contract, event, gather, on, park } from "trunkline";
import * as z from "zod";
import { missing } from "../scripts/servers/for-tests.ts";
import { kafka, ownKafka } from "../scripts/servers/kafka.ts";
import { freeRabbitmqPorts, rabbitmqUser } from "../scripts/servers/rabbitmq.ts";
import { rabbitmqUnderTest } from "../scripts/servers/rabbitmq-for-tests.ts";
import { running } from "../scripts/servers/running.ts";
import { Depot } from "./commands/depot.contract.ts";
import { fromSource, start, type Program } from "./program.ts";

const Freight = contract(
  "freight",
  { version: "1.0.0" },
  {
    quote: gather({ in: z.number(), out: z.number(), errors: { TOO_HEAVY: z.number() } }),
    sent: event({ data: z.string() }),
  },
);

const root = join(import.meta.dirname, "..");
const run = (file: string, ...args: readonly string[]): Program =>
  start(process.execPath, [...fromSource, join("test/commands", file), ...args], root);

/** A broker of this test file's own. */
interface OwnBroker {
  readonly address: string;
  readonly close: () => Promise<void>;
}

async function ours(): Promise<OwnBroker> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  const place = `unix:${folder}/broker.sock`;
  const args = [...fromSource, "src/cli/main.ts", "broker", "--listen", place];
  const broker = start(process.execPath, args, root);
  await broker.line();
  const close = async (): Promise<void> => {
    broker.kill("SIGTERM");
    await broker.ended;
    rmSync(folder, { recursive: true });
  };
  return { address: `broker+${place}`, close };
}

const ports = await freeRabbitmqPorts();
const rabbitmq = rabbitmqUnderTest("rabbitmq", ports);

async function ofRabbitmq(): Promise<OwnBroker> {
  const node = await running(rabbitmq);
  const { name, password } = rabbitmqUser;
  const address = `amqp://${name}:${password}@127.0.0.1:${ports.amqp}`;
  return { address, close: async () => node[Symbol.asyncDispose]() };
}

async function ofKafka(): Promise<OwnBroker> {
  const own = await ownKafka();
  const address = `kafka://127.0.0.1:${own.node.port}`;
  return { address, close: async () => own[Symbol.asyncDispose]() };
}

const brokers = [
  ["a broker of ours", ours, undefined],
  ["a real RabbitMQ", ofRabbitmq, missing(rabbitmq)],
  ["a real Kafka", ofKafka, missing(kafka)],
] as const;

/** Ends with SIGKILL. */
async function killed(program: Program): Promise<string> {
  program.kill("SIGKILL");
  const { stdout } = await program.ended;
  return stdout;
}

for (const [name, open, skip] of brokers) {
  suite(`commands and calls between processes over ${name}`, { skip: skip ?? false }, () => {
    let broker: OwnBroker;
    before(async () => {
      broker = await open();
    });
    after(() => broker.close());

    test(
      "the reply to a command comes to another process when the one that has asked was killed",
      { timeout: 120_000 },
      async () => {
        const { address } = broker;
        const asker = run("ask.ts", address, "o-1", "o-2", "lost");
        const tokens = JSON.parse(await asker.line()) as string[];
        equal(tokens.length, 3);
        ok(!(await killed(asker)).includes("it was not killed"));
        // One waits before there is a reply, one, of another name, long after.
        const early = run("resume.ts", address, "asker", ...tokens);
        const depot = run("serve.ts", address);
        await depot.line();
        const told = ["p-o-1", "p-o-2", "LOST lost"];
        const first = await early.ended;
        deepEqual([first.stderr, JSON.parse(first.stdout)], ["", told]);
        const late = await run("resume.ts", address, "office", ...tokens).ended;
        deepEqual([late.stderr, JSON.parse(late.stdout)], ["", told]);
        depot.kill("SIGTERM");
        equal((await depot.ended).code, 0);
      },
    );

    test(
      "what a killed server had of calls is done again where that is safe, else it is maybe",
      { timeout: 120_000 },
      async () => {
        const { address } = broker;
        await using depot = client(Depot, address, { retry: false });
        const buying = depot.buy.result("tea", { deadline: "1m" });
        const looking = depot.look("tea", { deadline: "1m" });
        const first = run("serve.ts", address, "stuck");
        await first.printed("ready\nbuy tea\nlook tea\n".length);
        const second = run("serve.ts", address);
        await second.line();
        await killed(first);
        const bought = await buying;
        ok(!bought.ok);
        deepEqual([bought.error.code, bought.error.executed], ["UNAVAILABLE", "maybe"]);
        equal(await looking, "saw tea");
        equal(await depot.buy("coffee"), "bought coffee");
        second.kill("SIGTERM");
        const { code, stdout } = await second.ended;
        deepEqual(
          [code, stdout.split("\n").filter((line) => line.includes("tea"))],
          [0, ["look tea"]],
        );
      },
    );

    test(
      "gathers come back with the answers of all groups, and receipts with what became of a message",
      { timeout: 120_000 },
      async () => {
        const { address } = broker;
        const groups = ["bike", "van", "absent"];
        const bindings = [bind(Freight.quote, { groups }), bind(Freight.sent, { groups })];
        await using _carriers = await chassis({
          name: "carriers",
          messages: address,
          bindings,
          signals: false,
          serve: [
            on(Freight.quote, { group: "van" }, (grams) => grams * 2),
            on(Freight.quote, { group: "bike" }, (_grams, { errors }) => {
              throw errors.TOO_HEAVY(5);
            }),
            on(Freight.sent, { group: "van" }, () => {}),
            on(Freight.sent, { group: "bike" }, () => park("a flat tyre")),
          ],
        });
        const options = { messages: address, bindings, instance: "shop" };
        await using freight = client(Freight, "memory:nobody", options);
        const first = await freight.quote(8, { until: "first", deadline: "1m" });
        deepEqual(first.answers, [{ from: "van", value: 16 }]);
        const all = await freight.quote(8, { deadline: "5s" });
        deepEqual([all.answers, all.missing], [[{ from: "van", value: 16 }], ["absent"]]);
        deepEqual(
          all.failures.map(({ from, error }) => [from, error.code, error.executed]),
          [["bike", "TOO_HEAVY", "yes"]],
        );
        const handled = { receipt: "handled", within: "5s" } as const;
        const receipt = await freight.sent("a parcel", handled);
        deepEqual(receipt.groups, { van: "handled", bike: "parked" });
        deepEqual(receipt.missing, ["absent"]);
      },
    );
  });
}
