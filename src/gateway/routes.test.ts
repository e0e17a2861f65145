// Policies of routes, through a running gateway.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { connect } from "node:http2";
import { test, type TestContext } from "node:test";

import { client } from "../chassis/client.ts";
import type { GatewayRequest, RouteOptions } from "./options.ts";
import { Orders, OrdersService } from "./testing/orders.ts";
import { allOf, ask, edgeOf, website } from "./testing/web.ts";

const soon = { timeout: 60_000 };
let places = 0;

async function serviceAt(t: TestContext, name: string): Promise<[OrdersService, string]> {
  const service = new OrdersService(name);
  const address = `memory:routes-${++places}`;
  const app = await service.listen(address);
  t.after(() => app.stop({ force: true }));
  return [service, address];
}

const json = { "content-type": "application/json" };

test(
  "a composition answers with several calls, each as soon as what it needs is there",
  soon,
  async (t) => {
    const [, to] = await serviceAt(t, "one");
    const { origin } = await edgeOf(
      t,
      [
        { match: { operation: "*" }, to },
        {
          match: { path: "/page/{id}", methods: ["GET"] },
          compose: {
            order: { operation: "orders.get", input: { id: "$path.id" } },
            again: { operation: "orders.get", input: { id: "$parts.order.item" }, optional: true },
            extra: { operation: "orders.get", input: { id: "$query.extra" }, optional: true },
          },
          headers: { response: { set: { "cache-control": "no-store" } } },
        },
      ],
      { contracts: [Orders], listen: ["http://127.0.0.1:0", `memory:edge-${++places}`] },
    );
    const whole = await ask(origin, "/page/o-1?extra=x");
    deepEqual(JSON.parse(whole.text), {
      order: { id: "o-1", item: "kettle", by: "one" },
      again: { id: "kettle", item: "kettle", by: "one" },
      extra: { id: "x", item: "kettle", by: "one" },
    });
    equal(whole.headers["cache-control"], "no-store");
    const partial = await ask(origin, "/page/o-1?extra=none");
    equal(partial.status, 200);
    const { extra, missing } = JSON.parse(partial.text) as Record<string, unknown>;
    deepEqual([extra, missing], [null, { extra: { code: "NOT_FOUND", executed: "yes" } }]);
    const failed = await ask(origin, "/page/none?extra=x");
    equal(failed.status, 404);
    match(failed.text, /NOT_FOUND/);
  },
);

test("what no path takes is answered by the contracts, below a prefix too", soon, async (t) => {
  const [, to] = await serviceAt(t, "one");
  const { origin } = await edgeOf(
    t,
    [
      { match: { operation: "*" }, to },
      { match: { path: "/api/**" }, to: "contracts", strip: "/api" },
    ],
    { contracts: [Orders], listen: ["http://127.0.0.1:0", `memory:edge-${++places}`] },
  );
  for (const path of ["/orders/o-1", "/api/orders/o-1"]) {
    const answer = await ask(origin, path);
    deepEqual(JSON.parse(answer.text), { id: "o-1", item: "kettle", by: "one" }, path);
  }
  const placed = await ask(origin, "/api/orders", {
    method: "POST",
    headers: json,
    body: '{"item":"pot"}',
  });
  equal(placed.status, 201);
  equal((await ask(origin, "/nothing/here")).status, 404);
});

test("who is limited hears when to come again, each key by itself", soon, async (t) => {
  const [, to] = await serviceAt(t, "one");
  const limit = { by: { header: "x-key" }, perSecond: 0.01, burst: 2 } as const;
  const { origin } = await edgeOf(t, [{ match: { operation: "*" }, to, limit }], {
    contracts: [Orders],
    listen: ["http://127.0.0.1:0", `memory:edge-${++places}`],
  });
  const status = async (key: string): Promise<number> =>
    (await ask(origin, "/orders/o-1", { headers: { "x-key": key } })).status;
  deepEqual([await status("a"), await status("a"), await status("a")], [200, 200, 429]);
  equal(await status("b"), 200);
  const refused = await ask(origin, "/orders/o-1", { headers: { "x-key": "a" } });
  equal(refused.headers["trunkline-executed"], "no");
  ok(refused.headers["retry-after"] !== undefined);
});

test("authorize sees what is asked, refuses, and says upstream who it is", soon, async (t) => {
  const [, to] = await serviceAt(t, "one");
  const seen: GatewayRequest[] = [];
  const { origin } = await edgeOf(t, [{ name: "all", match: { operation: "*" }, to }], {
    contracts: [Orders],
    listen: ["http://127.0.0.1:0", `memory:edge-${++places}`],
    async authorize(request) {
      seen.push(request);
      const token = request.headers["authorization"];
      if (token === undefined) return undefined;
      if (token === "throw") throw new Error("the database is away");
      return token === "Bearer good" && { caller: "ann", headers: { user: "ann" } };
    },
  });
  const asked = async (authorization?: string) =>
    ask(origin, "/orders/seen", {
      method: "POST",
      headers: { user: "root", ...(authorization === undefined ? {} : { authorization }) },
    });
  equal((await asked()).status, 401);
  equal((await asked("Bearer bad")).status, 403);
  equal((await asked("throw")).status, 500);
  const good = await asked("Bearer good");
  equal((JSON.parse(good.text) as Record<string, string>)["user"], "ann");
  deepEqual([seen[0]!.route, seen[0]!.operation?.name], ["all", "orders.seen"]);
});

test(
  "equal questions at one time are one call; other callers ask for themselves",
  soon,
  async (t) => {
    const [service, to] = await serviceAt(t, "one");
    const at = `memory:edge-${++places}`;
    const { edge } = await edgeOf(
      t,
      [{ name: "all", match: { operation: "*" }, to, collapse: true }],
      { contracts: [Orders], listen: at },
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    service.held = promise;
    await using orders = client(Orders, at);
    const same = [1, 2, 3].map(() => orders.get({ id: "a" }));
    const other = orders.get({ id: "a" }, { headers: { authorization: "ann" } });
    while (service.got.length < 2) await new Promise((turn) => setImmediate(turn));
    resolve();
    await Promise.all([...same, other]);
    deepEqual(service.got, ["a", "a"]);
    equal(edge.stats().routes[0]!.joined, 2);
  },
);

test("copies go to the shadow, marked, and harm nobody when it is down", soon, async (t) => {
  const [, to] = await serviceAt(t, "one");
  const [shadow, shadowAt] = await serviceAt(t, "shadow");
  for (const [mirrored, expected] of [
    [shadowAt, 1],
    ["memory:nobody-here", 0],
  ] as const) {
    const at = `memory:edge-${++places}`;
    const { edge } = await edgeOf(
      t,
      [{ match: { operation: "*" }, to, mirror: { to: mirrored, deadline: "100ms" } }],
      { contracts: [Orders], listen: at },
    );
    await using orders = client(Orders, at);
    shadow.got.length = 0;
    equal((await orders.get({ id: "a" })).by, "one");
    const sent = () => edge.stats().routes[0]!.mirror!;
    equal(sent().sent, 1);
    while (shadow.got.length < expected || sent().failed < 1 - expected)
      await new Promise((turn) => setTimeout(turn, 5));
    deepEqual(sent(), { sent: 1, dropped: 0, failed: 1 - expected });
  }
});

test("who is sticky stays, and the split is by the weights", soon, async (t) => {
  const [, stable] = await serviceAt(t, "stable");
  const [, canary] = await serviceAt(t, "canary");
  const at = `memory:edge-${++places}`;
  const routes: RouteOptions[] = [
    {
      match: { operation: "*" },
      to: [
        { address: stable, weight: 3 },
        { address: canary, weight: 1 },
      ],
      sticky: { cookie: "session" },
    },
  ];
  await edgeOf(t, routes, { contracts: [Orders], listen: at });
  await using orders = client(Orders, at);
  const by = async (session: string): Promise<string> =>
    (await orders.get({ id: "a" }, { headers: { cookie: `a=b; session=${session}` } })).by!;
  let canaries = 0;
  for (let user = 0; user < 200; user++) {
    const first = await by(String(user));
    equal(await by(String(user)), first);
    if (first === "canary") canaries++;
  }
  ok(canaries > 25 && canaries < 80, `${canaries} of 200 came to a quarter`);
});

test(
  "what is asked again under its key is done once, whichever target the route deals to",
  soon,
  async (t) => {
    const [one, oneAt] = await serviceAt(t, "one");
    const [two, twoAt] = await serviceAt(t, "two");
    const at = `memory:edge-${++places}`;
    const routes = [{ match: { operation: "*" }, to: [oneAt, twoAt] }];
    await edgeOf(t, routes, { contracts: [Orders], listen: at });
    await using orders = client(Orders, at);
    for (let key = 0; key < 20; key++) {
      const idempotencyKey = `key-${key}`;
      const both = await Promise.all(
        [1, 2].map(() => orders.pay({ amount: 5 }, { idempotencyKey })),
      );
      const again = await orders.pay({ amount: 5 }, { idempotencyKey });
      deepEqual([both[1], again], [both[0], both[0]]);
    }
    equal(one.paid.length + two.paid.length, 20);
    ok(one.paid.length > 0 && two.paid.length > 0);
  },
);

test("nobody gets the answer of somebody else by his key", soon, async (t) => {
  const [service, to] = await serviceAt(t, "one");
  const at = `memory:edge-${++places}`;
  await edgeOf(t, [{ match: { operation: "*" }, to }], {
    contracts: [Orders],
    listen: at,
    authorize: ({ headers }) => ({ caller: headers["user"]! }),
  });
  await using orders = client(Orders, at);
  const pay = async (user: string): Promise<number> =>
    (await orders.pay({ amount: 5 }, { idempotencyKey: "1", headers: { user } })).number;
  deepEqual([await pay("ann"), await pay("bob"), await pay("ann")], [1, 2, 1]);
  equal(new Set(service.paid).size, 2);
});

test("who has a key is not overtaken while somebody is asked whether he may", soon, async (t) => {
  const [service, to] = await serviceAt(t, "one");
  const at = `memory:edge-${++places}`;
  const { promise, resolve } = Promise.withResolvers<true>();
  await edgeOf(t, [{ match: { operation: "*" }, to }], {
    contracts: [Orders],
    listen: at,
    authorize: ({ headers }) => (headers["slow"] === undefined ? true : promise),
  });
  await using orders = client(Orders, at);
  const first = orders.track({ id: "a", step: 1 }, { headers: { slow: "1" } });
  const second = orders.track({ id: "a", step: 2 });
  await orders.get({ id: "b" });
  deepEqual(service.steps, []);
  resolve(true);
  await Promise.all([first, second]);
  deepEqual(service.steps, [1, 2]);
});

test(
  "a target that has enough to do is spared; when all have, it is said when to come again",
  soon,
  async (t) => {
    const { promise: held, resolve } = Promise.withResolvers<void>();
    const to = await website(t, (_, answer) => void held.then(() => answer.end("late")));
    const { origin, edge } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
    const session = connect(origin);
    t.after(() => session.destroy());
    const streams = Array.from({ length: 900 }, () => session.request({ ":path": "/" }));
    const other = connect(origin);
    t.after(() => other.destroy());
    streams.push(...Array.from({ length: 124 }, () => other.request({ ":path": "/" })));
    const answers = streams.map(allOf);
    while (edge.stats().inFlight < 1_024) await new Promise((turn) => setImmediate(turn));
    const refused = await ask(origin, "/");
    deepEqual([refused.status, refused.headers["trunkline-executed"]], [503, "no"]);
    match(refused.text, /RESOURCE_EXHAUSTED/);
    equal(refused.headers["retry-after"], "1");
    resolve();
    deepEqual(new Set(await Promise.all(answers)), new Set(["late"]));
  },
);
