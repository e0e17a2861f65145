import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { connect, type ChannelModel, type ConfirmChannel, type ConsumeMessage } from "amqplib";

import { missing } from "../../../../scripts/servers/for-tests.ts";
import { freeRabbitmqPorts } from "../../../../scripts/servers/rabbitmq.ts";
import { rabbitmqUnderTest } from "../../../../scripts/servers/rabbitmq-for-tests.ts";
import { running, type Running } from "../../../../scripts/servers/running.ts";
import { between, type Random, seededRandom } from "../../../base/random.ts";
import { readProperties, writeProperties } from "../../../wire/amqp091/properties.ts";
import { deadLetter, type DeathReason, type DeathTerms, withoutCycles } from "../death.ts";
import type { Message } from "../message.ts";
import { Refusal } from "../refusal.ts";
import { Topology } from "./topology.ts";
import type { BindingTerms, ExchangeTerms, FieldValue, Table } from "../terms.ts";

const ports = await freeRabbitmqPorts();
const server = rabbitmqUnderTest("rabbitmq", ports);

interface Way {
  readonly reasons: readonly DeathReason[];
  /** Where the queue sends its dead letters by another key than that of the message. */
  readonly named?: true;
  readonly headers?: Table;
  readonly expiration?: string;
}

const ways: Readonly<Record<string, Way>> = {
  rejected: { reasons: ["rejected"], headers: { own: 1 } },
  "rejected with another key": { reasons: ["rejected"], named: true },
  "rejected with copies": { reasons: ["rejected"], headers: { CC: ["nowhere"] } },
  "rejected with copies and another key": {
    ...{ reasons: ["rejected"], named: true, headers: { CC: ["nowhere", "no"] } },
  },
  "expired by itself": { reasons: ["expired"], expiration: "1" },
  "rejected before it expired": { reasons: ["rejected"], expiration: "3600000" },
  "too many": { reasons: ["maxlen"] },
  "twice for the same reason": { reasons: ["rejected", "rejected"] },
  "three times for two reasons": { reasons: ["rejected", "expired", "rejected"], expiration: "5" },
};

suite("beside a real RabbitMQ", { skip: missing(server) ?? false }, () => {
  let node: Running;
  let connection: ChannelModel;
  before(async () => {
    node = await running(server);
    connection = await connect(`amqp://it:it@127.0.0.1:${ports.amqp}`);
  });
  after(async () => {
    await connection.close();
    await node[Symbol.asyncDispose]();
  });

  const seed = Number(process.env["TRUNKLINE_SEED"] ?? 1);
  for (let round = 0; round < 12; round++)
    test(`the same messages come to the same queues: topology ${round}`, async () => {
      const random = seededRandom(seed, `topology ${round}`);
      const prefix = `t${round}`;
      const subject = new Topology({ host: "/", random });
      const channel = await connection.createConfirmChannel();
      await build(plan(random, prefix), subject, channel);
      const queues = namesOf("q", prefix);
      const expected = new Map(queues.map((queue): [string, string[]] => [queue, []]));
      for (let index = 0; index < 60; index++) {
        const { exchange, routingKey, headers } = publication(random, prefix);
        if (subject.exchange(exchange) === undefined) continue;
        const id = `${index}`;
        const sent = message(exchange, routingKey, headers);
        for (const queue of subject.route(exchange, sent)) expected.get(queue)?.push(id);
        channel.publish(exchange, routingKey, Buffer.from(id), { headers });
      }
      await channel.waitForConfirms();
      const found = new Map<string, string[]>();
      for (const queue of queues) found.set(queue, await drained(channel, queue));
      assert.deepEqual(found, expected, `TRUNKLINE_SEED=${seed}`);
      await channel.close();
    });

  test("what cannot be is refused in the same words", async () => {
    for (const [index, act] of [...refusals, ...publishing].entries()) {
      const name = `refused-${index}`;
      const subject = new Topology({ host: "/", random: seededRandom(1) });
      let ours: unknown;
      try {
        for (const step of act(name)) stepIn(subject, step);
      } catch (error) {
        ours = error;
      }
      assert.ok(ours instanceof Refusal, name);
      const theirs = await refusalOf(ports.amqp, act(name));
      assert.equal(`${ours.reason}: ${ours.message}`, theirs);
    }
  });

  for (const [name, deaths] of Object.entries(ways))
    test(`a dead letter says the same: ${name}`, async () => {
      const channel = await connection.createConfirmChannel();
      const prefix = name.replaceAll(" ", "-");
      const found = await died(channel, prefix, deaths);
      const own = ownDeath(prefix, deaths);
      assert.equal(found.fields.routingKey, own.routingKey);
      const { headers: properties = {}, ...rest } = plainProperties(found);
      const { headers: ownProperties = {}, ...ownRest } = readProperties(own.properties);
      assert.deepEqual(rest, ownRest);
      assert.deepEqual(comparable(ownProperties, properties), comparable(properties, properties));
      await channel.close();
    });

  test("a circle without a rejection ends at the same place", async () => {
    const channel = await connection.createConfirmChannel();
    const circle = ["circle-a", "circle-b"];
    for (const [index, queue] of circle.entries())
      await channel.assertQueue(queue, {
        durable: false,
        messageTtl: 10,
        deadLetterExchange: "",
        deadLetterRoutingKey: circle[1 - index]!,
      });
    await channel.assertQueue("circle-end", { durable: false });
    channel.sendToQueue("circle-a", Buffer.from("round"));
    await channel.waitForConfirms();
    let letter = message("", "circle-a", {});
    let turns = 0;
    for (let [queue, next] = circle; ; [queue, next] = [next, queue]) {
      const terms = { exchange: "", routingKey: next };
      letter = deadLetter(letter, "expired", queue!, terms, 0);
      turns++;
      if (withoutCycles(letter, "expired", [next!]).length === 0) break;
    }
    assert.equal(turns, 2);
    // When it went round there, it was gone only if both queues are empty although nobody took anything.
    await emptied(channel, circle);
    await channel.close();
  });
});

type Step =
  | { readonly declare: Partial<ExchangeTerms> & Pick<ExchangeTerms, "name" | "type"> }
  | { readonly queue: string }
  | { readonly bind: BindingTerms }
  | { readonly unbind: BindingTerms }
  | { readonly remove: string; readonly ifUnused?: boolean }
  | { readonly publish: string; readonly headers?: Table };

const types = ["direct", "fanout", "topic", "headers"];
const words = ["a", "b", ""];
const patterns = ["a", "b", "", "*", "#"];

function namesOf(kind: string, prefix: string): string[] {
  return Array.from({ length: 6 }, (_, index) => `${prefix}.${kind}${index}`);
}

function one<Item>(random: Random, items: readonly Item[]): Item {
  return items[between(random, 0, items.length - 1)]!;
}

function keyOf(random: Random, among: readonly string[]): string {
  return Array.from({ length: between(random, 0, 4) }, () => one(random, among)).join(".");
}

function tableOf(random: Random, prefix: string = ""): Table {
  const names = ["a", "b", "x-c"].filter(() => random() < 0.6);
  const values = [1, 2, "1", true, null, 1.5, `${prefix}2`];
  return Object.fromEntries(names.map((name) => [name, one(random, values)]));
}

/** Exchanges, queues and bindings at random, of which some go again. */
function plan(random: Random, prefix: string): Step[] {
  const [exchanges, queues] = [namesOf("x", prefix), namesOf("q", prefix)];
  const steps: Step[] = queues.map((queue) => ({ queue }));
  for (const name of exchanges) {
    const alternate = random() < 0.4 ? { "alternate-exchange": one(random, exchanges) } : {};
    const autoDelete = random() < 0.3;
    steps.push({ declare: { name, type: one(random, types), autoDelete, arguments: alternate } });
  }
  const binds: BindingTerms[] = Array.from({ length: 25 }, () => {
    const to = random() < 0.7 ? "queue" : "exchange";
    const matched = one(random, [undefined, "all", "any", "all-with-x", "any-with-x"]);
    return {
      source: one(random, exchanges),
      to,
      destination: one(random, to === "queue" ? queues : exchanges),
      routingKey: keyOf(random, patterns),
      arguments: { ...tableOf(random), ...(matched === undefined ? {} : { "x-match": matched }) },
    };
  });
  steps.push(...binds.map((bind) => ({ bind })));
  for (const bind of binds) if (random() < 0.2) steps.push({ unbind: bind });
  if (random() < 0.5) steps.push({ remove: one(random, exchanges) });
  return steps;
}

function publication(
  random: Random,
  prefix: string,
): { exchange: string; routingKey: string; headers: Table } {
  const queues = namesOf("q", prefix);
  const exchange = one(random, ["", ...namesOf("x", prefix)]);
  const routingKey = random() < 0.2 ? one(random, queues) : keyOf(random, words);
  const copies = (name: string): Table =>
    random() < 0.15 ? { [name]: [one(random, queues), keyOf(random, words)] } : {};
  return {
    exchange,
    routingKey,
    headers: { ...tableOf(random), ...copies("CC"), ...copies("BCC") },
  };
}

async function build(steps: Step[], subject: Topology, channel: ConfirmChannel): Promise<void> {
  for (const step of steps) {
    // An exchange may have gone with its last binding.
    if ("bind" in step && !isThere(subject, step.bind)) continue;
    stepIn(subject, step);
    await stepThere(channel, step);
  }
}

function isThere(subject: Topology, { source, to, destination }: BindingTerms): boolean {
  const target = to === "queue" || subject.exchange(destination) !== undefined;
  return target && subject.exchange(source) !== undefined;
}

function stepIn(subject: Topology, step: Step): void {
  if ("declare" in step) subject.declare(exchangeOf(step.declare));
  else if ("queue" in step) subject.addQueue(step.queue, false);
  else if ("bind" in step) subject.bind(step.bind);
  else if ("unbind" in step) subject.unbind(step.unbind);
  else if ("publish" in step) {
    subject.checkPublish(step.publish);
    subject.route(step.publish, message(step.publish, "k", step.headers ?? {}));
  } else subject.delete(step.remove, step.ifUnused);
}

function exchangeOf(
  step: Partial<ExchangeTerms> & Pick<ExchangeTerms, "name" | "type">,
): ExchangeTerms {
  return { durable: false, autoDelete: false, internal: false, arguments: {}, ...step };
}

async function stepThere(channel: ConfirmChannel, step: Step): Promise<void> {
  if ("declare" in step) {
    const { name, type, arguments: given, ...more } = exchangeOf(step.declare);
    await channel.assertExchange(name, type, { ...more, arguments: given });
  } else if ("queue" in step) await channel.assertQueue(step.queue, { durable: false });
  else if ("publish" in step) {
    channel.publish(step.publish, "k", Buffer.alloc(0), { headers: step.headers });
    await channel.waitForConfirms();
  } else if ("remove" in step)
    await channel.deleteExchange(step.remove, { ifUnused: step.ifUnused ?? false });
  else {
    const {
      source,
      to,
      destination,
      routingKey,
      arguments: given,
    } = "bind" in step ? step.bind : step.unbind;
    const act = ("bind" in step ? "bind" : "unbind") + (to === "queue" ? "Queue" : "Exchange");
    await channel[act as "bindQueue"](destination, source, routingKey, given);
  }
}

/** All that is in a queue, in the order of publishing. */
async function drained(channel: ConfirmChannel, queue: string): Promise<string[]> {
  channel.sendToQueue(queue, Buffer.from("end"));
  const found: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const take = (each: ConsumeMessage | null): void => {
      const text = each?.content.toString();
      if (text === undefined || text === "end") resolve();
      else found.push(text);
    };
    channel.consume(queue, take, { noAck: true }).catch(reject);
  });
  await channel.deleteQueue(queue);
  return found;
}

const lone: BindingTerms = {
  ...{ source: "", to: "queue", destination: "", routingKey: "k", arguments: {} },
};

/** Each makes something of that name and asks at last for what cannot be. */
const refusals: readonly ((name: string) => Step[])[] = [
  (name) => [{ declare: { name, type: "direct" } }, { declare: { name, type: "topic" } }],
  (name) => [
    { declare: { name, type: "direct" } },
    { declare: { name, type: "direct", durable: true } },
  ],
  (name) => [
    { declare: { name, type: "direct" } },
    { declare: { name, type: "direct", autoDelete: true } },
  ],
  (name) => [
    { declare: { name, type: "direct" } },
    { declare: { name, type: "direct", internal: true } },
  ],
  (name) => [
    { declare: { name, type: "direct", arguments: { "alternate-exchange": "a" } } },
    { declare: { name, type: "direct" } },
  ],
  (name) => [
    { declare: { name, type: "direct", arguments: { "alternate-exchange": "a" } } },
    { declare: { name, type: "direct", arguments: { "alternate-exchange": "b" } } },
  ],
  (name) => [{ declare: { name: `amq.${name}`, type: "direct" } }],
  () => [{ remove: "amq.direct" }],
  (name) => [{ bind: { ...lone, source: name, destination: "q" } }],
  (name) => [{ bind: { ...lone, source: "amq.direct", destination: name } }],
  (name) => [{ bind: { ...lone, source: "amq.direct", to: "exchange", destination: name } }],
  (name) => [{ queue: name }, { bind: { ...lone, destination: name } }],
  (name) => [
    { declare: { name, type: "direct" } },
    { queue: name },
    { bind: { ...lone, source: name, destination: name } },
    { remove: name, ifUnused: true },
  ],
  (name) => [
    { queue: name },
    {
      bind: {
        ...{ ...lone, source: "amq.headers", destination: name },
        arguments: { "x-match": "some" },
      },
    },
  ],
  (name) => [
    { declare: { name, type: "x-consistent-hash" } },
    { queue: name },
    { bind: { ...lone, source: name, destination: name, routingKey: "0" } },
  ],
  (name) => [
    { declare: { name, type: "x-consistent-hash" } },
    { queue: name },
    { bind: { ...lone, source: name, destination: name, routingKey: "many" } },
  ],
  (name) => [
    {
      declare: {
        ...{ name, type: "x-consistent-hash" },
        arguments: { "hash-header": "h", "hash-property": "message_id" },
      },
    },
  ],
  (name) => [
    {
      declare: { name, type: "x-consistent-hash", arguments: { "hash-property": "app_id" } },
    },
  ],
  (name) => [{ declare: { name, type: "strange" } }],
  () => [{ declare: { name: "", type: "direct" } }],
];

const publishing: readonly ((name: string) => Step[])[] = [
  (name) => [{ publish: name }],
  (name) => [{ declare: { name, type: "direct", internal: true } }, { publish: name }],
  () => [{ publish: "amq.direct", headers: { CC: "k" } }],
  () => [{ publish: "amq.direct", headers: { BCC: 1.5 } }],
];

const replies: Readonly<Record<number, string>> = {
  403: "access-refused",
  404: "not-found",
  406: "precondition-failed",
  503: "command-invalid",
};

/** What a connection of its own is told. */
async function refusalOf(port: number, steps: Step[]): Promise<string> {
  const connection = await connect(`amqp://it:it@127.0.0.1:${port}`);
  const refused = Promise.withResolvers<Error & { code?: number }>();
  connection.on("error", refused.resolve);
  const channel = await connection.createConfirmChannel();
  channel.on("error", refused.resolve);
  for (const step of steps) {
    const done = await Promise.race([
      stepThere(channel, step).then(() => undefined),
      refused.promise,
    ]).catch(() => refused.promise);
    if (done === undefined) continue;
    await connection.close().catch(() => undefined);
    const text = /"[A-Z_]+ - (.*)"$/s.exec(done.message)?.[1];
    return `${replies[done.code ?? 0]}: ${text}`;
  }
  await connection.close();
  return "nothing is refused";
}

function message(
  exchange: string,
  routingKey: string,
  headers: Table,
  expiration?: string,
): Message {
  return {
    exchange,
    routingKey,
    properties: writeProperties({ headers, expiration }),
    body: Buffer.alloc(0),
    persistent: false,
    priority: 0,
    expirationMs: expiration === undefined ? undefined : Number(expiration),
    key: undefined,
  };
}

/** Lets a message die in a queue that sends its dead letters back to itself, as often as said; gives the letter. */
async function died(
  channel: ConfirmChannel,
  prefix: string,
  { reasons, named, headers = {}, expiration }: Way,
): Promise<ConsumeMessage> {
  const graves = reasons.map((_, index) => `${prefix}-${index}`);
  const end = `${prefix}-end`;
  await channel.assertQueue(end, { durable: false });
  const first = await channel.assertExchange(`${prefix}-dlx`, "fanout", { durable: false });
  for (const [index, queue] of graves.entries()) {
    const next = await channel.assertExchange(`${queue}-dlx`, "fanout", { durable: false });
    await channel.assertQueue(queue, {
      durable: false,
      deadLetterExchange: next.exchange,
      ...(named === true ? { deadLetterRoutingKey: "other" } : {}),
      ...(reasons[index] === "maxlen" ? { maxLength: 0 } : {}),
      // Only what had an expiry at first expires by that.
      ...(reasons[index] === "expired" && index > 0 ? { messageTtl: 1 } : {}),
    });
    const from = index === 0 ? first.exchange : `${graves[index - 1]!}-dlx`;
    await channel.bindQueue(queue, from, "");
  }
  await channel.bindQueue(end, `${graves.at(-1)!}-dlx`, "");
  const rejects = graves.filter((_, index) => reasons[index] === "rejected");
  for (const queue of rejects)
    await channel.consume(queue, (each) => each && channel.nack(each, false, false));
  channel.publish(first.exchange, "k", Buffer.alloc(0), {
    headers,
    ...(expiration === undefined ? {} : { expiration }),
  });
  return new Promise((resolve, reject) => {
    channel.consume(end, (each) => each && resolve(each), { noAck: true }).catch(reject);
  });
}

function ownDeath(prefix: string, { reasons, named, headers = {}, expiration }: Way): Message {
  let letter = message(`${prefix}-dlx`, "k", headers, expiration);
  for (const [index, reason] of reasons.entries()) {
    const queue = `${prefix}-${index}`;
    const terms: DeathTerms = {
      exchange: `${queue}-dlx`,
      routingKey: named === true ? "other" : undefined,
    };
    letter = deadLetter(letter, reason, queue, terms, 1_000);
  }
  return letter;
}

function plainProperties({ properties }: ConsumeMessage): {
  readonly headers?: Table;
  readonly expiration?: string;
} {
  const said = Object.entries(properties).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said.filter(([name]) => name !== "deliveryMode"));
}

/**
 * What of headers is to be the same: all but instants, and the order of deaths before the last (RabbitMQ before 3.13 turns them round
 * each time), and of what the older RabbitMQ does not say nothing.
 */
function comparable(headers: Table, theirs: Table): Table {
  const lasts = Object.keys(headers).filter((name) => name.startsWith("x-last-death"));
  const without = new Set(theirs["x-last-death-queue"] === undefined ? lasts : []);
  const kept = Object.entries(headers).filter(([name]) => !without.has(name));
  const deaths = (headers["x-death"] ?? []) as readonly Table[];
  const untimed = deaths.map(({ time, ...rest }): FieldValue => {
    assert.ok(time !== undefined);
    return rest;
  });
  const [last, ...others] = untimed;
  const text = (death: FieldValue) => (death as Table)["queue"] as string;
  const sorted = others.toSorted((left, right) => (text(left) < text(right) ? -1 : 1));
  return { ...Object.fromEntries(kept), "x-death": [last, ...sorted] };
}

async function emptied(channel: ConfirmChannel, queues: readonly string[]): Promise<void> {
  for (;;) {
    const counts = await Promise.all(queues.map((queue) => channel.checkQueue(queue)));
    if (counts.every(({ messageCount }) => messageCount === 0)) return;
  }
}
