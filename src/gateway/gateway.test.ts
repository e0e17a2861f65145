import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { isTrunklineError } from "../base/error.ts";
import { client } from "../chassis/client.ts";
import { gateway, type Gateway } from "./gateway.ts";
import type { GatewayOptions, RouteOptions } from "./options.ts";
import { Orders, OrdersService } from "./testing/orders.ts";

let places = 0;

/** A place of its own for each. */
function place(): string {
  return `memory:gateway-${++places}`;
}

async function through(
  t: TestContext,
  routes: (upstream: string) => readonly RouteOptions[],
  options: Partial<GatewayOptions> = {},
): Promise<{ service: OrdersService; edge: Gateway; at: string; upstream: string }> {
  const upstream = place();
  const service = new OrdersService();
  const app = await service.listen(upstream);
  t.after(() => app.stop({ force: true }));
  const edge = await gateway({
    listen: [place()],
    contracts: [Orders],
    routes: routes(upstream),
    signals: false,
    ...options,
  });
  t.after(() => edge.stop({ force: true }));
  return { service, edge, at: edge.addresses[0]!, upstream };
}

const all = (to: string): readonly RouteOptions[] => [{ match: { operation: "*" }, to }];

const fronts: Readonly<Record<string, string | undefined>> = {
  "Trunkline's own wire": undefined,
  REST: "http://127.0.0.1:0",
  gRPC: "grpc://127.0.0.1:0",
};

for (const [name, listen] of Object.entries(fronts)) {
  test(`every kind that ${name} has goes through, and comes back as it was`, async (t) => {
    const rest = listen?.startsWith("http") === true;
    const face = rest ? { listen: [listen, place()] } : listen === undefined ? {} : { listen };
    const { service, at } = await through(t, all, face);
    await using orders = client(Orders, at);
    deepEqual(await orders.get({ id: "o-7" }), { id: "o-7", item: "kettle", by: "one" });
    deepEqual([...(await orders.photo(Uint8Array.of(1, 2, 3)))], [3, 2, 1]);
    await orders.note({ text: "hello" });
    equal(await orders.sum([1, 2, 3], { head: { start: 10 } }), 16);
    const items: number[] = [];
    for await (const item of orders.watch({ from: 3 })) {
      items.push(item);
      if (item === 5) break;
    }
    deepEqual(items, [3, 4, 5]);
    await service.left.promise;
    if (!rest) {
      const echoed: string[] = [];
      for await (const item of orders.echo(["a", "b"])) echoed.push(item);
      deepEqual(echoed, ["A", "B"]);
    }
    await orders.get({ id: "o-8" });
    deepEqual(service.notes, ["hello"]);
  });

  test(`failures are told through ${name} as the service told them`, async (t) => {
    const face = listen === undefined ? {} : { listen: [listen, place()] };
    const { at } = await through(t, all, { ...face, upstream: { retry: false } });
    await using orders = client(Orders, at, { retry: false });
    const none = await orders.get.result({ id: "none" });
    ok(!none.ok && none.error.code === "NOT_FOUND");
    deepEqual(none.error.data, { id: "none" });
    equal(none.error.executed, "yes");
    const broken = await orders.get.result({ id: "broken" });
    ok(!broken.ok);
    deepEqual([broken.error.code, broken.error.executed], ["INTERNAL", "yes"]);
    const refused = await orders.place.result({ item: "refused" });
    ok(!refused.ok);
    deepEqual([refused.error.code, refused.error.executed], ["UNAVAILABLE", "no"]);
    const invalid = await orders.get.result({ id: 7 as unknown as string });
    ok(!invalid.ok);
    deepEqual([invalid.error.code, invalid.error.executed], ["INVALID_ARGUMENT", "no"]);
    await rejects(async () => {
      for await (const _ of orders.watch({ from: 6 }));
    }, /INTERNAL/);
  });
}

const behind: Readonly<Record<string, string>> = {
  REST: "http://127.0.0.1:0",
  gRPC: "grpc://127.0.0.1:0",
};

for (const [inner, serviceAt] of Object.entries(behind)) {
  for (const [outer, listen] of Object.entries(fronts)) {
    test(`${outer} in, ${inner} out: answers, declared errors and items are the same`, async (t) => {
      const service = new OrdersService();
      const app = await service.listen(serviceAt);
      t.after(() => app.stop({ force: true }));
      const edge = await gateway({
        listen: listen === undefined ? place() : [listen, place()],
        contracts: [Orders],
        routes: all(app.addresses[0]!),
        signals: false,
      });
      t.after(() => edge.stop({ force: true }));
      await using orders = client(Orders, edge.addresses[0]!);
      deepEqual(await orders.get({ id: "o-7" }), { id: "o-7", item: "kettle", by: "one" });
      const none = await orders.get.result({ id: "none" });
      ok(!none.ok && none.error.code === "NOT_FOUND");
      deepEqual([none.error.data, none.error.executed], [{ id: "none" }, "yes"]);
      equal(await orders.sum([1, 2, 3], { head: { start: 10 } }), 16);
      const items: number[] = [];
      for await (const item of orders.watch({ from: 3 })) if (items.push(item) === 3) break;
      deepEqual(items, [3, 4, 5]);
      await service.left.promise;
    });
  }
}

test("nobody behind it: the caller hears that nothing ran", async (t) => {
  const upstream = { connectWait: "50ms" } as const;
  const { at } = await through(t, () => all(place()), { upstream });
  await using orders = client(Orders, at, { retry: false });
  const failed = await orders.place.result({ item: "kettle" });
  ok(!failed.ok);
  deepEqual([failed.error.code, failed.error.executed], ["UNAVAILABLE", "no"]);
});

test("deadline, trace, headers and idempotency key go on; rules change headers", async (t) => {
  const { at } = await through(t, (to) => [
    {
      match: { operation: "*" },
      to,
      headers: { request: { set: { stage: "edge" }, add: { tenant: "none" }, remove: ["secret"] } },
    },
  ]);
  await using orders = client(Orders, at);
  const seen = await orders.seen(undefined, {
    deadline: "5s",
    headers: { tenant: "seven", secret: "x", other: "y" },
  });
  deepEqual(
    [seen["stage"], seen["tenant"], seen["secret"], seen["other"]],
    ["edge", "seven", undefined, "y"],
  );
  ok(Number(seen["leftMs"]) <= 5_000);
});

test("a slow reader slows the producer behind the gateway down", async (t) => {
  const { at, service } = await through(t, all);
  await using orders = client(Orders, at);
  const items = orders.watch({ from: 100 });
  for (let read = 0; read < 10; read++) await items.next();
  await items.return();
  await service.left.promise;
  ok(service.produced < 2_000, `${service.produced} were produced for 10 that were read`);
});

test("who gives up frees what runs behind the gateway", async (t) => {
  const { at, service } = await through(t, all);
  await using orders = client(Orders, at);
  const { promise, resolve } = Promise.withResolvers<void>();
  service.held = promise;
  const given = new AbortController();
  const asked = orders.get({ id: "o-1" }, { signal: given.signal });
  while (service.got.length === 0) await new Promise((turn) => setImmediate(turn));
  given.abort();
  await rejects(asked, (error) => isTrunklineError(error) && error.code === "CANCELLED");
  resolve();
});

test("the first route that matches decides, by operation and header", async (t) => {
  const beta = place();
  const other = await new OrdersService("beta").listen(beta);
  t.after(() => other.stop({ force: true }));
  const { at } = await through(t, (to) => [
    { match: { operation: "orders.get", headers: { "x-beta": "1" } }, to: beta },
    { match: { operation: ["orders.get", "orders@1.place"] }, to },
  ]);
  await using orders = client(Orders, at);
  equal((await orders.get({ id: "a" })).by, "one");
  equal((await orders.get({ id: "a" }, { headers: { "x-beta": "1" } })).by, "beta");
  equal((await orders.place({ item: "a" }, { headers: { "x-beta": "1" } })).by, "one");
  const unrouted = await orders.seen.result();
  ok(!unrouted.ok);
  deepEqual([unrouted.error.code, unrouted.error.executed], ["UNIMPLEMENTED", "no"]);
});

test("everything that is wrong with routes is told at once, and where", async () => {
  const routes: RouteOptions[] = [
    { match: {}, to: "unix:x" },
    { match: { operation: "orders.fly", path: "/x" }, to: "no address" },
    { match: { path: "x" }, to: "unix:./x" },
    {
      match: { path: "/x/{id}" },
      compose: { a: { operation: "orders.watch", input: "$path.no" } },
    },
    { match: { operation: "orders.place" }, to: "unix:x", collapse: true },
  ];
  await rejects(
    gateway({ listen: place(), contracts: [Orders], routes, signals: false }),
    (error) => {
      const { message } = error as Error;
      match(message, /9 problems/);
      match(message, /routes\[0\]\.match: a route matches an operation or a path/);
      match(message, /routes\[1\]\.match\.path/);
      match(message, /no contract has "orders\.fly"; there are orders\.get/);
      match(message, /routes\[2\]\.match\.path: "x" must begin with "\/"/);
      match(message, /routes\[2\]\.to: "unix:\.\/x" is no place for a path/);
      match(message, /routes\[3\]\.compose\.a\.operation: "orders\.watch" is a stream/);
      match(message, /the path has no \{no\}/);
      match(message, /routes\[4\]\.collapse/);
      return true;
    },
  );
});
