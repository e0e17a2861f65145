import { deepEqual, equal, match } from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { suite, test, type TestContext } from "node:test";
import { serve as honoServe } from "@hono/node-server";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { bytes, call, chassis, contract, serve, stream, upload } from "trunkline";
import { restMount, type RestMount, type RestMountOptions } from "trunkline/protocol/rest";
import * as z from "zod";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({
      in: z.object({ item: z.string() }),
      out: z.object({ id: z.string(), item: z.string() }),
    }),
    get: call({ in: z.string(), out: z.object({ id: z.string() }), idempotent: true }),
    watch: stream({ in: z.string(), out: z.int() }),
    attach: upload({ head: z.object({ id: z.string() }), in: bytes(), out: z.int() }),
  },
);

const orders = serve(Orders, {
  place: ({ item }) => ({ id: "1", item }),
  get: (id) => ({ id }),
  async *watch() {
    yield 1;
    yield 2;
  },
  async attach(chunks) {
    let count = 0;
    for await (const chunk of chunks) count += chunk.length;
    return count;
  },
});

interface Host {
  readonly url: string;
  close(): Promise<void> | void;
}

/** The server of somebody else, with a route `/own` of its own, and ours below `/api`. */
type Start = (make: (options?: RestMountOptions) => RestMount) => Promise<Host>;

const urlOf = (server: Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function listening(server: Server): Promise<Host> {
  await once(server, "listening");
  return {
    url: urlOf(server),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const hosts: Readonly<Record<string, Start>> = {
  "Fastify, by its prefix": async (make) => {
    const app = fastify();
    app.get("/own", () => "own");
    void app.register(make().fastify, { prefix: "/api" });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return { url: urlOf(app.server), close: () => app.close() };
  },
  "Express, below a path": async (make) => {
    const app = express();
    app.use("/api", make().handler);
    app.get("/own", (_request, response) => void response.send("own"));
    return listening(app.listen(0, "127.0.0.1"));
  },
  "Express, after its own parser of bodies": async (make) => {
    const app = express();
    app.use(express.json());
    app.use(make({ prefix: "/api" }).handler);
    app.get("/own", (_request, response) => void response.send("own"));
    return listening(app.listen(0, "127.0.0.1"));
  },
  "Nest, as middleware": async (make) => {
    class App {
      readonly name: string = "app";
    }
    Module({})(App);
    const app = await NestFactory.create(App, { logger: false });
    app.use("/api", make().handler);
    app.use("/own", (_request: unknown, response: { end(text: string): void }) =>
      response.end("own"),
    );
    await app.listen(0, "127.0.0.1");
    return { url: urlOf(app.getHttpServer() as Server), close: () => app.close() };
  },
  "Hono, on Node": async (make) => {
    const app = new Hono();
    app.use(make({ prefix: "/api" }).hono);
    app.get("/own", (context) => context.text("own"));
    return listening(honoServe({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server);
  },
};

async function started(t: TestContext, start: Start): Promise<string> {
  const mounts: RestMount[] = [];
  const host = await start((options) => {
    const mount = restMount(options);
    mounts.push(mount);
    return mount;
  });
  const early = await fetch(`${host.url}/api/orders/x`);
  equal(early.status, 503);
  const app = await chassis({ name: "orders", serve: [orders], mounts, signals: false });
  t.after(async () => {
    await app.stop({ force: true });
    await host.close();
  });
  return host.url;
}

for (const [name, start] of Object.entries(hosts)) {
  suite(name, () => {
    test("calls, streams and uploads are served beside what the server does itself", async (t) => {
      const url = await started(t, start);
      const placed = await fetch(`${url}/api/orders`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"item":"kettle"}',
      });
      deepEqual(
        [placed.status, placed.headers.get("location"), await placed.json()],
        [201, "/api/orders/1", { id: "1", item: "kettle" }],
      );
      deepEqual(await (await fetch(`${url}/api/orders/a%20b`)).json(), { id: "a b" });
      equal(await (await fetch(`${url}/api/orders/x/watch`)).text(), "1\n2\n");
      const attached = await fetch(`${url}/api/orders/x/attach`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: Buffer.alloc(1_000_000),
      });
      equal(await attached.text(), "1000000");
      equal(await (await fetch(`${url}/own`)).text(), "own");
    });

    test("what is not ours is the server's own affair, and what is broken is ours", async (t) => {
      const url = await started(t, start);
      equal((await fetch(`${url}/api/nothing`)).status, 404);
      equal((await fetch(`${url}/nothing`)).status, 404);
      const post = (body: string, type: string): Promise<Response> =>
        fetch(`${url}/api/orders`, { method: "POST", headers: { "content-type": type }, body });
      const wrong = await post('{"item":1}', "application/json");
      equal(wrong.status, 400);
      equal(wrong.headers.get("trunkline-code"), "INVALID_ARGUMENT");
      const form = await post("item=kettle", "application/x-www-form-urlencoded");
      equal(form.status, 415);
    });
  });
}

test("a body that somebody has read and thrown away is refused, not waited for", async (t) => {
  const url = await started(t, async (make) => {
    const app = express();
    app.use((request, _response, next) => {
      request.resume();
      request.on("end", next);
    });
    app.use("/api", make().handler);
    return listening(app.listen(0, "127.0.0.1"));
  });
  for (const [path, type] of [
    ["orders", "application/json"],
    ["orders/x/attach", "application/octet-stream"],
  ] as const) {
    const answer = await fetch(`${url}/api/${path}`, {
      method: "POST",
      headers: { "content-type": type },
      body: "{}",
    });
    equal(answer.status, 500);
    equal(answer.headers.get("trunkline-executed"), "no");
    match(await answer.text(), /put restMount\(\) before what parses bodies/);
  }
});
