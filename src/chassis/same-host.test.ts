import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test, type TestContext } from "node:test";
import * as z from "zod";

import type { ConnectionEvent } from "../base/diagnostics.ts";
import type { Client } from "../call/client-type.ts";
import { serve } from "../call/serve.ts";
import { call } from "../contract/call.ts";
import { contract } from "../contract/contract.ts";
import { addonProblem } from "../os/addon.ts";
import { tcp } from "../transport/tcp/index.ts";
import { chassis, type Chassis, type ChassisOptions } from "./chassis.ts";
import { client, stateOf } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";

const Echo = contract(
  "echo",
  { version: "1.0.0" },
  { say: call({ in: z.string(), out: z.string() }) },
);

const last = addonProblem() === undefined ? "shm" : "unix";

test("a client over tcp: moves to the fastest way there is, and the figures say so", async (t) => {
  const { app, echo, moves, ask } = await started(t, {});
  await ask(1);
  const sides = await moves.until(
    (events) => events.filter(({ way }) => way === last).length === 2,
  );
  deepEqual(
    new Set(sides.filter(({ way }) => way === last).map(({ side }) => side)),
    new Set(["client", "server"]),
  );
  await ask(100);
  deepEqual(app.stats().addresses[0]?.ways, { [last]: 1 });
  equal(app.stats().addresses[0]?.stayed, 0);
  const [endpoint] = stateOf(echo).endpoints;
  deepEqual([endpoint?.way, endpoint?.stayed], [last, undefined]);
});

test("sameHost: off of a client leaves it on TCP", async (t) => {
  const { app, moves, ask } = await started(t, {}, { sameHost: "off" });
  await ask(100);
  deepEqual(app.stats().addresses[0]?.ways, { tcp: 1 });
  deepEqual(moves.events, []);
});

test("sameHost: off of a server leaves everybody on TCP", async (t) => {
  const { app, moves, ask } = await started(t, { sameHost: "off" });
  await ask(100);
  deepEqual(app.stats().addresses[0]?.ways, { tcp: 1 });
  deepEqual(moves.events, []);
});

test("a transport that is given says itself whether it moves", async (t) => {
  const transports = [tcp({ sameHost: { shm: "off" } })];
  const { app, moves, ask } = await started(t, { transports, sameHost: "off" }, { transports });
  await ask(1);
  await moves.until((events) => events.length === 2);
  await ask(100);
  deepEqual(app.stats().addresses[0]?.ways, { unix: 1 });
});

test("a connection that has left TCP still counts as one of those that are allowed", async (t) => {
  const { app, moves, ask } = await started(t, { connectionsMax: 1 });
  await ask(1);
  await moves.until((events) => events.filter(({ way }) => way === last).length === 2);
  const options = { outstandingMax: 999, retry: false } as const; // so it has one of its own
  await using other = client(Echo, app.addresses[0]!, options);
  await rejects(other.say("too many"), { code: "RESOURCE_EXHAUSTED", executed: "no" });
  await ask(1);
});

test("another word for sameHost is refused", () => {
  const sameHost = "on" as "off";
  throws(() => client(Echo, "tcp://127.0.0.1:1", { sameHost }), { code: "INVALID_ARGUMENT" });
  throws(() => tcp({ sameHost }), { code: "INVALID_ARGUMENT" });
});

/** The moves of all connections of this process, as they are told. */
class Moves {
  readonly events: ConnectionEvent[] = [];
  #look: (() => void) | undefined;

  readonly heard = (told: unknown): void => {
    const event = told as ConnectionEvent;
    if (event.state !== "moved" && event.state !== "stayed") return;
    this.events.push(event);
    this.#look?.();
  };

  async until(met: (events: readonly ConnectionEvent[]) => boolean): Promise<ConnectionEvent[]> {
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (met(this.events)) resolve();
      };
      this.#look();
    });
    return this.events;
  }
}

interface Started {
  readonly app: Chassis;
  readonly echo: Client<typeof Echo>;
  readonly moves: Moves;
  /** So many calls, one after the other. */
  ask(times: number): Promise<void>;
}

async function started(
  t: TestContext,
  options: Partial<ChassisOptions>,
  clientOptions: ClientOptions = {},
): Promise<Started> {
  const moves = new Moves();
  subscribe("trunkline:connection", moves.heard);
  const app = await chassis({
    name: "echo",
    listen: "tcp://127.0.0.1:0",
    signals: false,
    serve: [serve(Echo, { say: (text) => text })],
    ...options,
  });
  const echo = client(Echo, app.addresses[0]!, clientOptions);
  t.after(async () => {
    await echo[Symbol.asyncDispose]();
    await app[Symbol.asyncDispose]();
    unsubscribe("trunkline:connection", moves.heard);
  });
  const ask = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) equal(await echo.say(`${i}`), `${i}`);
    ok(times > 0);
  };
  return { app, echo, moves, ask };
}
