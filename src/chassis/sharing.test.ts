import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { call, contract, stream } from "../contract/index.ts";
import { memory, MemoryNames } from "../transport/memory/memory.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client, close, stateOf } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  { place: call({ in: z.string(), out: z.string() }), watch: stream({ out: z.number() }) },
);
const Billing = contract("billing", { version: "1.0.0" }, { pay: call({ out: z.string() }) });

interface Scene {
  readonly app: Chassis;
  readonly env: VirtualEnv;
  /** How many connections the server has. */
  connections(): number;
  orders(options?: ClientOptions): ReturnType<typeof client<typeof Orders>>;
  billing(options?: ClientOptions): ReturnType<typeof client<typeof Billing>>;
}

async function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
  const env = new VirtualEnv();
  const transports = [memory(new MemoryNames())];
  const app = await chassis({
    name: "desk",
    listen: "memory:desk",
    signals: false,
    env,
    transports,
    serve: [
      serve(Orders, {
        place: (input, { signal }) =>
          input !== "wait"
            ? input
            : new Promise((_, reject) => {
                signal.addEventListener("abort", () => reject(signal.reason as Error));
              }),
        async *watch() {
          for (let i = 0; ; i++) yield i;
        },
      }),
      serve(Billing, { pay: () => "paid" }),
    ],
  });
  const common = { env, transports };
  await play({
    app,
    env,
    connections: () => app.stats().addresses[0]!.connections,
    orders: (options = {}) => client(Orders, "memory:desk", { ...common, ...options }),
    billing: (options = {}) => client(Billing, "memory:desk", { ...common, ...options }),
  });
  assert.equal((await app.stop()).cut, 0);
  assert.equal(env.alarms, 0);
}

test("clients of one address share one connection, whatever their contracts, deadlines and interceptors", () =>
  scene(async ({ orders, billing, connections }) => {
    const one = orders();
    const two = orders({ deadline: "3s", checkSent: false, aroundCall: [(next) => next] });
    const three = billing();
    assert.deepEqual(
      [await one.place("a"), await two.place("b"), await three.pay()],
      ["a", "b", "paid"],
    );
    assert.equal(connections(), 1);
    // Other bounds are another connection: they are promises about it.
    const four = orders({ outstandingMax: 1 });
    assert.equal(await four.place("d"), "d");
    assert.equal(connections(), 2);
    await Promise.all([one, two, three, four].map((each) => close(each)));
    assert.equal(connections(), 0);
  }));

test("a client that is closed takes nothing more, and the others go on with the connection", () =>
  scene(async ({ orders, billing, connections }) => {
    const [closed, other, third] = [orders(), orders(), billing()];
    await Promise.all([closed.place("a"), other.place("b"), third.pay()]);
    await close(closed);
    assert.deepEqual(
      [stateOf(closed).state, stateOf(other).state, stateOf(third).state],
      ["closed", "ready", "ready"],
    );
    const refused = { code: "CANCELLED", executed: "no", reason: "the client is closed" };
    await assert.rejects(closed.place("c"), refused);
    await assert.rejects(closed.watch().next(), refused);
    assert.equal(await other.place("d"), "d");
    await close(closed);
    assert.equal(connections(), 1);
    await other[Symbol.asyncDispose]();
    assert.equal(await third.pay(), "paid");
    await close(third);
    assert.equal(connections(), 0);
  }));

test("closing a client cancels its own calls and streams, and none of those that share its connection", () =>
  scene(async ({ orders, app, env }) => {
    const [one, other] = [orders(), orders()];
    const [mine, theirs] = [one.place("wait"), other.place("wait", { deadline: "5s" })];
    const items = one.watch();
    const others = other.watch();
    assert.deepEqual([(await items.next()).value, (await others.next()).value], [0, 0]);
    assert.equal(app.inFlight, 4);
    const cut = assert.rejects(mine, { code: "CANCELLED", executed: "maybe" });
    await close(one);
    await cut;
    await assert.rejects(items.next(), { code: "CANCELLED", executed: "maybe" });
    assert.equal((await others.next()).value, 1);
    const begun = env.now();
    await assert.rejects(theirs, { code: "DEADLINE_EXCEEDED" });
    assert.ok(env.now() - begun > 4_000);
    await others.return();
    await close(other);
  }));

test("closing with time to spare lets the client's own calls end, and no longer than that", () =>
  scene(async ({ orders, env }) => {
    const [one, other] = [orders(), orders()];
    const items = one.watch();
    await items.next();
    const forever = assert.rejects(one.place("wait"), { code: "CANCELLED", executed: "maybe" });
    const begun = env.now();
    const closing = close(one, { within: "2s" });
    assert.equal((await items.next()).value, 1);
    await items.return();
    await closing;
    await forever;
    assert.ok(env.now() - begun >= 2_000 && env.now() - begun < 2_100);
    // Nothing under way: nothing to wait for.
    const later = env.now();
    await close(other, { within: "1h" });
    assert.ok(env.now() - later < 1_000);
  }));

test("an address that is closed and opened again is dialled anew", () =>
  scene(async ({ orders }) => {
    for (let lives = 0; lives < 3; lives++) {
      await using one = orders();
      assert.equal(await one.place("a"), "a");
    }
  }));

test("what is refused when a client is made leaves nothing behind", () =>
  scene(async ({ orders, connections }) => {
    for (const options of [
      { deadline: -1 },
      { keepalive: 0 },
      { keepalive: "1h", lifetime: "1s" },
      { outstandingMax: 0 },
      { itemBytesMax: 2 ** 29 },
      { connectWait: "soon" },
    ] as ClientOptions[]) {
      assert.throws(() => orders(options), { code: "INVALID_ARGUMENT", executed: "no" });
    }
    assert.throws(() => client(Orders, "nowhere"), { code: "INVALID_ARGUMENT" });
    assert.throws(() => stateOf({}), /not a client/);
    assert.equal(connections(), 0);
  }));
