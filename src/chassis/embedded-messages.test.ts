// Messages of contracts over an embedded broker, whose process ends in between.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { realEnv } from "../base/real-env.ts";
import type { Broker } from "../broker/broker.ts";
import { Node } from "../broker/embedded/node.ts";
import { SharedEmbedded } from "../broker/embedded/port/shared-embedded.ts";
import { openSqliteStorage } from "../broker/embedded/storage/open.ts";
import { serve } from "../call/serve.ts";
import { command, contract, event, gather } from "../contract/index.ts";
import { bind } from "../messaging/channels.ts";
import { on } from "../messaging/on.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

/** The life of a process that has a broker. */
class Life implements AsyncDisposable {
  readonly broker: Broker;
  readonly #node: Node;
  readonly #shared: SharedEmbedded;

  static async begin(folder: string): Promise<Life> {
    return new Life(new Node(await openSqliteStorage(folder, {}, realEnv()), realEnv()));
  }

  private constructor(node: Node) {
    this.#node = node;
    this.#shared = new SharedEmbedded(node, { address: "file:messages" });
    this.broker = this.#shared.open("test");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
    this.#shared.close();
    await this.#node.close();
  }
}

async function newFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "trunkline-messages-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  { placed: event({ data: z.object({ id: z.string(), item: z.string() }), key: "id" }) },
);
const Depot = contract(
  "depot",
  { version: "1.0.0" },
  {
    ship: command({ in: z.object({ id: z.string() }), out: z.object({ parcel: z.string() }) }),
    quote: gather({ in: z.object({ grams: z.number() }), out: z.number() }),
  },
);

test("an event that was published waits for its group over the end of its process, and is tried again", async () => {
  await using folder = await newFolder();
  const bindings = [bind(Orders.placed, { groups: ["billing"] })];
  {
    await using life = await Life.begin(folder.path);
    const messages = life.broker;
    await using app = await chassis({ name: "shop", messages, bindings, signals: false });
    await app.publisher(Orders).placed({ id: "7", item: "kettle" });
  }
  await using life = await Life.begin(folder.path);
  const attempts: number[] = [];
  const done = Promise.withResolvers<void>();
  await using _billing = await chassis({
    name: "billing",
    messages: life.broker,
    bindings,
    serve: [
      on(Orders.placed, { group: "billing" }, ({ item }, { message }) => {
        attempts.push(message.attempt);
        if (attempts.length < 3) throw new Error("not yet");
        assert.equal(item, "kettle");
        done.resolve();
      }),
    ],
    signals: false,
  });
  await done.promise;
  assert.deepEqual(attempts, [1, 2, 3]);
});

test("a command is resumed in another process, and done by one that was not there when it was sent", async () => {
  await using folder = await newFolder();
  const serving = (messages: Broker, prefix: string) =>
    chassis({
      name: "depot",
      messages,
      serve: [serve(Depot, { ship: ({ id }) => ({ parcel: `${prefix} ${id}` }) })],
      signals: false,
    });
  let token: string;
  {
    await using life = await Life.begin(folder.path);
    const messages = life.broker;
    await using depot = client(Depot, "memory:nobody", { messages, instance: "shop" });
    {
      await using _first = await serving(messages, "early");
      assert.deepEqual(await (await depot.ship({ id: "6" })).reply(), { parcel: "early 6" });
    }
    ({ token } = await depot.ship({ id: "7" }));
  }
  await using life = await Life.begin(folder.path);
  const messages = life.broker;
  await using _second = await serving(messages, "late");
  await using depot = client(Depot, "memory:nobody", { messages, instance: "shop" });
  assert.deepEqual(await depot.ship.resume(token).reply(), { parcel: "late 7" });
});

test("a gather comes back with the answer of each group", async () => {
  await using folder = await newFolder();
  await using life = await Life.begin(folder.path);
  await using app = await chassis({
    name: "depot",
    messages: life.broker,
    bindings: [bind(Depot.quote, { groups: ["slow", "fast"] })],
    serve: [
      on(Depot.quote, { group: "slow" }, ({ grams }) => grams * 2),
      on(Depot.quote, { group: "fast" }, ({ grams }) => grams * 3),
    ],
    signals: false,
  });
  const { answers, complete } = await app.publisher(Depot).quote({ grams: 10 });
  assert.equal(complete, true);
  assert.deepEqual(
    answers.map(({ value }) => value).toSorted((a, b) => a - b),
    [20, 30],
  );
});
