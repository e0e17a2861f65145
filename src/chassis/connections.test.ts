import { deepEqual, equal, ok } from "node:assert/strict";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import * as z from "zod";
import type { Duration } from "../base/duration.ts";
import type { TrunklineError } from "../base/error.ts";
import type { Client } from "../call/client-type.ts";
import { serve } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Echo = contract(
  "echo",
  { version: "1.0.0" },
  { say: call({ in: z.string(), out: z.string() }) },
);

let bounds = 1_000;

/** Who is refused calls in vain until then: a client waits for a connection. */
const inVain = "500ms";

/** Clients of one process share a connection; other bounds make another one. */
function dial(
  t: TestContext,
  address: string,
  deadline: Duration = "30s",
): Client<typeof Echo> & AsyncDisposable {
  const echo = client(Echo, address, { outstandingMax: ++bounds, deadline, retry: false });
  t.after(() => echo[Symbol.asyncDispose]());
  return echo;
}

async function server(t: TestContext, prefix: string, connectionsMax: number): Promise<Chassis> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-connections-"));
  const app = await chassis({
    name: "echo",
    listen: `${prefix}unix:${folder}/echo.sock`,
    signals: false,
    connectionsMax,
    stop: { drain: 0 },
    serve: [serve(Echo, { say: (word) => word })],
  });
  t.after(async () => {
    await app.stop({ force: true });
    rmSync(folder, { recursive: true });
  });
  return app;
}

async function failure(given: Promise<unknown>): Promise<TrunklineError> {
  try {
    await given;
  } catch (error) {
    return error as TrunklineError;
  }
  throw new Error("it did not fail");
}

for (const prefix of ["", "http+", "grpc+"]) {
  test(`${prefix}unix: a connection too many is told so: nothing ran, and when to come again`, async (t) => {
    const app = await server(t, prefix, 2);
    const [address] = app.addresses as [string];
    const served = [dial(t, address), dial(t, address)];
    for (const echo of served) equal(await echo.say("a"), "a");
    const error = await failure(dial(t, address, inVain).say("b"));
    equal(error.executed, "no", error.message);
    ok(["RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"].includes(error.code), error.code);
    for (const echo of served) equal(await echo.say("c"), "c");
    await served[0]![Symbol.asyncDispose]();
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void =>
      void (app.stats().addresses[0]!.connections < 2 ? resolve() : setImmediate(look));
    look();
    await promise;
    equal(await dial(t, address).say("d"), "d");
  });
}

test("a peer of HTTP/1.1 that is one too many gets 503 and Retry-After", async (t) => {
  const app = await server(t, "http+", 1);
  const [address] = app.addresses as [string];
  equal(await dial(t, address).say("a"), "a");
  const socketPath = address.replace("http+unix:", "");
  const asked = request({ socketPath, path: "/anything", headers: { host: "localhost" } }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.resume();
  equal(response.statusCode, 503);
  ok(Number(response.headers["retry-after"]) >= 1);
  equal(response.headers["trunkline-executed"], "no");
});

test("a peer of HTTP/2 that is one too many gets GOAWAY before anything was looked at", async (t) => {
  const app = await server(t, "grpc+", 1);
  const [address] = app.addresses as [string];
  equal(await dial(t, address).say("a"), "a");
  const socket = connectSocket(address.replace("grpc+unix:", ""));
  const session = connect("http://localhost", { createConnection: () => socket });
  session.on("error", () => {});
  const goneAway = once(session, "goaway");
  const stream = session.request({ ":path": "/echo/say", ":method": "POST" });
  stream.on("error", () => {});
  const [code, last] = (await goneAway) as [number, number];
  deepEqual([code, last], [0, 0]);
  session.destroy();
});
