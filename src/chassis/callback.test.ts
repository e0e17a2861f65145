import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import * as z from "zod";
import type { Peer } from "../base/peer.ts";
import { serve } from "../call/serve.ts";
import { call, contract, notification, stream } from "../contract/index.ts";
import { chassis, type ChassisOptions } from "./chassis.ts";
import { client, close, stateOf } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";

/** What a desk tells whoever has come to it. */
const Alerts = contract(
  "alerts",
  { version: "1.0.0" },
  {
    confirm: call({ in: z.string(), out: z.boolean(), errors: { BUSY: z.undefined() } }),
    moves: stream({ out: z.int() }),
    tell: notification({ in: z.string() }),
  },
);
const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    /** Asks back before it answers. */
    book: call({ in: z.string(), out: z.string() }),
    /** Remembers who came. */
    join: call({}),
  },
);

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));
let places = 0;

const addresses = {
  memory: () => `memory:callback-${++places}`,
  worker: () => `worker:callback-${++places}`,
  unix: () => `unix:${folder}/${++places}.sock`,
  tcp: () => "tcp://127.0.0.1:0",
};

/** A desk that remembers its peers. */
async function desk(listen: string, options: Partial<ChassisOptions> = {}) {
  const peers: Peer[] = [];
  const app = await chassis({
    name: "desk",
    listen,
    signals: false,
    ...options,
    serve: [
      serve(Desk, {
        join: (_input, { peer }) => void peers.push(peer),
        book: async (seat, { peer }) => {
          const sure = await client(Alerts, peer).confirm(seat);
          return sure ? `booked ${seat}` : "never mind";
        },
      }),
    ],
  });
  return { app, peers, address: app.addresses[0]! };
}

/** What a passenger answers. */
function passenger(told: string[] = []): ClientOptions {
  const handlers = {
    confirm: (seat: string) => seat !== "13",
    *moves() {
      for (let i = 0; i < 100; i++) yield i;
    },
    tell: (text: string) => void told.push(text),
  };
  return { serve: [serve(Alerts, handlers)] };
}

for (const [transport, address] of Object.entries(addresses)) {
  suite(`over ${transport}`, () => {
    test("a handler calls back who called it, and the answer depends on it", async () => {
      await using app = (await desk(address())).app;
      await using passengerDesk = client(Desk, app.addresses[0]!, passenger());
      equal(await passengerDesk.book("12"), "booked 12");
      equal(await passengerDesk.book("13"), "never mind");
      equal(app.stats().addresses[0]!.connections, 1);
    });

    test("whoever has come can be told of things later, until it goes", async () => {
      const { app, peers } = await desk(address());
      await using _app = app;
      const told: string[] = [];
      const one = client(Desk, app.addresses[0]!, passenger(told));
      await one.join();
      const alerts = client(Alerts, peers[0]!);
      await alerts.tell("gate 7");
      equal((await alerts.confirm.result("1")).ok, true);
      deepEqual(told, ["gate 7"]);
      const moves: number[] = [];
      for await (const move of alerts.moves()) moves.push(move);
      equal(moves.length, 100);
      await close(one);
      const result = await alerts.confirm.result("1");
      ok(!result.ok);
      deepEqual([result.error.code, result.error.executed], ["UNAVAILABLE", "no"]);
      equal(stateOf(alerts).state, "closed");
    });
  });
}

test("who serves nothing cannot be called back: nothing ran, and the error says why", async () => {
  const { app, peers } = await desk(addresses.memory());
  await using _app = app;
  await using silent = client(Desk, app.addresses[0]!);
  await silent.join();
  const result = await client(Alerts, peers[0]!).confirm.result("1");
  ok(!result.ok);
  deepEqual([result.error.code, result.error.executed], ["UNAVAILABLE", "no"]);
});

test("a peer that is a copy, or made up, is no way back", () => {
  throws(
    () => client(Alerts, { address: "unix:/run/x.sock", sameHost: true }),
    /INVALID_ARGUMENT.*there is no way to call unix:\/run\/x\.sock back/s,
  );
});

test("a client that serves has a connection of its own", async () => {
  const { app } = await desk(addresses.memory());
  await using _app = app;
  const [address] = app.addresses;
  await using a = client(Desk, address!, passenger());
  await using b = client(Desk, address!, passenger());
  await using c = client(Desk, address!);
  await using d = client(Desk, address!);
  for (const each of [a, b, c, d]) await each.join();
  equal(app.stats().addresses[0]!.connections, 3);
});

test("what a client cannot serve is told when it is made, all at once", () => {
  const broken = { confirm: () => true } as unknown as Parameters<typeof serve<typeof Alerts>>[1];
  throws(
    () => client(Desk, "memory:nobody", { serve: [serve(Alerts, broken)] }),
    /Cannot start "client of memory:nobody", 2 problems:[^]*alerts\.moves has no handler/,
  );
});

test("a client may refuse what its server asks, and is protected by interceptors like any server", async () => {
  const { app, peers } = await desk(addresses.memory());
  await using _app = app;
  const seen: string[] = [];
  await using guarded = client(Desk, app.addresses[0]!, {
    ...passenger(),
    authorize: (_peer, { name }) => name !== "alerts.confirm",
    aroundHandler: [
      (next) => (input, context) => {
        seen.push(context.operation.name);
        return next(input, context);
      },
    ],
  });
  await guarded.join();
  const alerts = client(Alerts, peers[0]!);
  await rejects(alerts.confirm("1"), /PERMISSION_DENIED/);
  equal((await alerts.moves().next()).value, 0);
  deepEqual(seen, ["alerts.moves"]);
});

test("a call back has what is left of the call that it is made for, and its trace", async () => {
  const traces: string[] = [];
  const Echo = contract("echo", { version: "1.0.0" }, { ask: call({ out: z.number() }) });
  const Back = contract("back", { version: "1.0.0" }, { left: call({ out: z.number() }) });
  await using app = await chassis({
    name: "echo",
    listen: addresses.memory(),
    signals: false,
    serve: [
      serve(Echo, {
        ask: (_input, { peer, trace }) => {
          traces.push(trace.traceId);
          return client(Back, peer).left();
        },
      }),
    ],
  });
  await using asking = client(Echo, app.addresses[0]!, {
    serve: [
      serve(Back, {
        left: (_input, { deadline, trace }) => {
          traces.push(trace.traceId);
          return deadline.at - performance.now();
        },
      }),
    ],
  });
  const left = await asking.ask(undefined, { deadline: "500ms" });
  ok(left <= 501, `${left} ms`); // an instant travels in whole milliseconds
  equal(traces[0], traces[1]);
});
