// The commands that speak with brokers, over one in this process.
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { realEnv } from "../base/real-env.ts";
import { openBroker } from "../chassis/broker-at.ts";
import { channel } from "../broker/channel.ts";
import type { Broker } from "../broker/broker.ts";
import { MessageConsumer } from "../messaging/consumer.ts";
import { consumerTerms } from "../messaging/consumer-terms.ts";
import { Parking } from "../messaging/dead/parking.ts";
import { noteOf } from "../messaging/failure-note.ts";
import { freePort } from "../transport/udp/testing/free-port.ts";
import { trial } from "./trial.ts";
import type { Terminal } from "./terminal.ts";

// Inside the package, so that modules find `trunkline` by its name.
const cache = join(import.meta.dirname, "../../.cache");
mkdirSync(cache, { recursive: true });
const folder = mkdtempSync(join(cache, "publishing-cli-"));
after(() => rmSync(folder, { recursive: true }));
const module = join(folder, "orders.contract.ts");
writeFileSync(
  module,
  `import { call, command, contract, document, event } from "trunkline/contract";
  import * as z from "zod";
  export const Orders = contract("orders", { version: "1.0.0" }, {
    get: call({ in: z.string(), out: z.string(), idempotent: true }),
    placed: event({ data: z.object({ id: z.string() }), key: "id" }),
    plan: document({ data: z.string() }),
    ship: command({ in: z.string(), out: z.string() }),
  });`,
);

function typing(text: string): Partial<Terminal> {
  return {
    input: async function* input() {
      yield new TextEncoder().encode(text);
    },
  };
}

function parsed(out: string): Record<string, unknown>[] {
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const placed = channel({
  ...{ name: "orders.1.placed", shape: "topic", ordered: true },
  groups: ["billing", "audit"],
});

/** A consumer for whom messages fail whose text begins with `bad`, while it is `broken`. */
async function failing(broker: Broker, state: { broken: boolean }): Promise<MessageConsumer> {
  const env = realEnv();
  await broker.declare([placed]);
  const group = "billing";
  const consumer = new MessageConsumer({
    ...{ broker, channel: placed, group, env, dataOf: () => undefined },
    operation: { name: "orders.placed", kind: "event", contract: "orders", version: "1.0.0" },
    terms: consumerTerms({ retry: false }, undefined, true),
    work: async ({ envelope }) =>
      state.broken && new TextDecoder().decode(envelope.data).includes("bad")
        ? { kind: "dead", failure: noteOf(new Error("it is bad")) }
        : { kind: "done" },
    ended: () => Promise.resolve(),
    dead: new Parking({ broker, channel: placed, group, byKey: true, by: "desk", env }),
  });
  await consumer.start();
  return consumer;
}

suite("publish, consume, tail", () => {
  test("a queue: JSON on the line and lines of standard input, looked at, taken and counted", async () => {
    await using _kept = await openBroker("memory:cli-queue", { name: "t" }, realEnv());
    const one = await trial(["publish", "memory:cli-queue", "plans", '"p-1"', "--queue"]);
    match(one.out, /^[0-9a-f-]{36} {2}accepted {2}plans@1\n$/);
    const several = await trial(
      ["publish", "memory:cli-queue", "plans", "--queue", "--key", "k"],
      typing('"p-2"\n\n{"plan":3}\n'),
    );
    deepEqual([several.code, several.out], [0, "2 messages published\n"]);
    const lag = await trial(["lag", "memory:cli-queue", "plans"]);
    match(lag.out, /^plans {4}3 waiting\n {2}0 {2}3\n$/);
    const looked = await trial(["tail", "memory:cli-queue", "plans", "--queue"]);
    match(looked.out, /plans {2}- {2}"p-1"\n.*plans {2}k {2}"p-2"\n.*\{"plan":3\}\n$/);
    const words = ["consume", "memory:cli-queue", "plans", "--limit", "2", "--json"];
    const taken = parsed((await trial(words)).out);
    deepEqual(
      taken.map(({ data, key, attempt }) => [data, key, attempt]),
      [
        ["p-1", undefined, 1],
        ["p-2", "k", 1],
        [undefined, undefined, undefined],
      ],
    );
    deepEqual(taken.at(-1), { ok: true, messages: 2 });
    const rest = await trial([
      ...["consume", "memory:cli-queue", "plans", "--idle", "50ms", "--json"],
    ]);
    deepEqual(
      parsed(rest.out).map(({ data }) => data),
      [{ plan: 3 }, undefined],
    );
  });

  test("a multicast group: who consumes hears what is published from then on", async () => {
    const address = `udp+multicast://239.255.77.11:${await freePort()}`;
    const words = ["consume", address, "prices", "--limit", "2", "--json"];
    let over = false;
    const consuming = trial(words).finally(() => (over = true));
    // Nothing is kept for who is not there yet.
    for (let cents = 0; !over; cents++) {
      const price = JSON.stringify({ cents });
      const { code, out, err } = await trial(["publish", address, "prices", price]);
      match(out, /^[0-9a-f-]{36} {2}accepted\n$/, err);
      equal(code, 0);
      await new Promise((resolve) => setImmediate(resolve)); // its socket is never waited for
    }
    const [first, second, end] = parsed((await consuming).out);
    const { cents } = first!["data"] as { cents: number };
    deepEqual([second!["data"], end], [{ cents: cents + 1 }, { ok: true, messages: 2 }]);
    const grouped = await trial(["consume", address, "prices", "billing"]);
    deepEqual(
      [grouped.code, grouped.err.includes("there are no groups: leave billing away")],
      [2, true],
    );
  });

  test("messages that have no groups: their data is no group", async () => {
    await using broker = await openBroker("memory:cli-groupless", { name: "t" }, realEnv());
    for (const [operation, told] of [
      ["plan", /^[0-9a-f-]{36} {2}accepted {2}orders\.1\.plan@1\n$/],
      ["ship", /^[0-9a-f-]{36} {2}token 1:orders@1\/ship:/],
    ] as const) {
      await broker.declare([channel({ name: `orders.1.${operation}`, shape: "queue" })]);
      const words = ["publish", "memory:cli-groupless", `orders.${operation}`, '"p-1"'];
      const { out, err } = await trial([...words, "--contract", module]);
      match(out, told, err);
    }
  });

  test("an operation of a contract: what is sent is checked, and has key and type from there", async () => {
    await using broker = await openBroker("memory:cli-contract", { name: "t" }, realEnv());
    await broker.declare([placed]);
    const words = ["publish", "memory:cli-contract", "orders.placed", "--contract", module];
    const sent = await trial([...words, '{"id":"o-1"}', "--attr", "region=eu", "--json"]);
    deepEqual([sent.code, sent.err], [0, ""]);
    const [receipt] = parsed(sent.out);
    deepEqual([receipt!["ok"], receipt!["enqueued"]], [true, "accepted"]);
    const wrong = await trial([...words, '{"id":7}']);
    deepEqual([wrong.code, wrong.out], [4, ""]);
    match(wrong.err, /INVALID_ARGUMENT orders.placed/);
    const looking = ["tail", "memory:cli-contract", "orders.placed", "--contract", module];
    const seen = parsed(
      (await trial([...looking, "--from", "first", "--limit", "1", "--json"])).out,
    );
    const [{ key, type, data, attributes }] = seen as [Record<string, never>];
    deepEqual([key, type, data], ["o-1", "orders.placed", { id: "o-1" }]);
    equal(attributes!["region"], "eu");
    const lag = ["lag", "memory:cli-contract", "orders.placed", "billing", "--contract", module];
    equal(parsed((await trial([...lag, "--json"])).out)[0]!["waiting"], 1);
    const keys = ["hot-keys", "memory:cli-contract", "orders.placed", "--contract", module];
    const counted = await trial([...keys, "--first", "--for", "100ms"]);
    match(counted.out, /^orders.1.placed {4}1 message\n {2}o-1 {2}100.0 %\n$/);
  });

  test("what is wrong on the line is told before anything is sent", async () => {
    for (const [words, told] of [
      [["publish", "nowhere:", "plans", "1"], /names no broker/],
      [["publish", "memory:", "plans plans", "1"], /channel name/],
      [["publish", "memory:", "plans", "{"], /not JSON/],
      [["publish", "memory:", "plans", "1", "--attr", "A=b"], /--attr takes/],
      [["publish", "memory:", "orders.plase", "1", "--contract", module], /orders.placed/],
      [
        ["lag", "memory:cli-none", "plans"],
        /there is no plans at memory:cli-none: nobody has declared it/,
      ],
      [["lag", "memory:", "orders.placed", "--contract", module], /name the group/],
      [["consume", "memory:", "orders.plan", "g", "--contract", module], /no groups/],
      [["tail", "memory:", "plans", "--from", "noon"], /--from takes/],
      [["dlq", "burn", "memory:", "plans"], /list and redrive/],
      [["dlq", "list", "memory:", "plans", "--since", "noon"], /--since takes/],
    ] as const) {
      const { code, out, err } = await trial(words);
      deepEqual([code, out], [2, ""], words.join(" "));
      match(err, told);
    }
    const { code, err } = await trial(["publish", "memory:", "plans", "--queue"], typing("{"));
    equal(code, 2);
    match(err, /line 1 of standard input is not JSON/);
  });
});

suite("dlq", () => {
  test("dead letters are listed and sent back, with a dry run first", async () => {
    const address = "memory:cli-dlq";
    await using broker = await openBroker(address, { name: "t" }, realEnv());
    const state = { broken: true };
    const consumer = await failing(broker, state);
    const words = ["publish", address, "orders.placed", "--contract", module];
    await trial(words, typing('{"id":"bad"}\n{"id":"bad"}\n{"id":"fine"}\n'));
    const where = [address, "orders.1.placed", "billing"];
    while (
      (
        await broker.browse(
          channel({ name: `${where[1]}.billing.dead`, shape: "queue" }),
          undefined,
          9,
        )
      ).length < 2
    )
      await new Promise(setImmediate);

    const listed = await trial(["dlq", "list", ...where]);
    match(
      listed.out,
      /^orders.1.placed.billing.dead {4}2 dead letters, the oldest 0 s ago\n {2}\S+ {2}bad .* failed {3}1 attempt {2}Error: it is bad {2}stack .*\n.* blocked .*\n$/,
    );
    const plain = parsed((await trial(["dlq", "list", ...where, "--json"])).out);
    equal(plain.length, 3);
    deepEqual((plain[0]!["message"] as Record<string, unknown>)["data"], { id: "bad" });
    equal((await trial(["dlq", "list", ...where, "--why", "parked"])).out.split("\n").length, 2);

    const dry = await trial(["dlq", "redrive", ...where, "--dry-run"]);
    match(dry.out, /2 of 2 dead letters meant: 2 planned\n/);
    const again = await trial(["dlq", "redrive", ...where]);
    equal(again.code, 8);
    match(again.out, /: 1 buried\n {2}\S+ {2}bad {2}buried/);
    state.broken = false;
    const back = await trial(["dlq", "redrive", ...where, "--json"]);
    equal(back.code, 0);
    const [report] = parsed(back.out);
    deepEqual([report!["ok"], report!["meant"], report!["complete"]], [true, 2, true]);
    match((await trial(["dlq", "list", ...where])).out, /0 dead letters\n$/);
    await consumer.stop(0);
  });
});
