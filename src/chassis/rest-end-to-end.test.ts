// A chassis that serves REST and a client of it, over everything that carries HTTP.
import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import * as z from "zod";

import { serve } from "../call/serve.ts";
import { msgpack } from "../codec/msgpack/index.ts";
import { bytes, call, contract, notification, stream, upload } from "../contract/index.ts";
import { rest, type RestOptions } from "../protocol/rest/index.ts";
import { testAuthority } from "../transport/tls/testing/authority.ts";
import { tls } from "../transport/tls/tls.ts";
import type { Transport } from "../transport/transport.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";

const Order = z.object({ id: z.string(), item: z.string() });

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({ in: z.object({ item: z.string() }), out: Order, errors: { SOLD_OUT: Order } }),
    get: call({ in: z.string(), out: Order, errors: { NOT_FOUND: z.string() }, idempotent: true }),
    watch: stream({ in: z.object({ id: z.string(), count: z.int() }), out: Order }),
    attach: upload({ head: z.object({ id: z.string() }), in: bytes(), out: z.int() }),
    touch: notification({ in: z.object({ id: z.string() }) }),
  },
);

const touched: string[] = [];

const service = serve(Orders, {
  async place({ item }, { errors }) {
    if (item === "unobtainium") throw errors.SOLD_OUT({ id: "none", item });
    return { id: "o-1", item };
  },
  async get(id, { errors, peer, headers }) {
    if (id === "nobody") throw errors.NOT_FOUND(id);
    const subject = peer.certificate?.subject ?? "nobody in particular";
    return { id, item: `${subject} ${headers["tenant"] ?? ""}` };
  },
  async *watch({ id, count }) {
    for (let index = 0; index < count; index++) yield { id, item: String(index) };
  },
  async attach(items) {
    let size = 0;
    for await (const part of items) size += part.length;
    return size;
  },
  async touch({ id }) {
    touched.push(id);
  },
});

const authority = testAuthority();
const mutual = {
  ...authority.issue({ name: "server", hosts: ["127.0.0.1"] }),
  ca: authority.cert,
  clientCertificate: "required",
} as const;
const known = { ...authority.issue({ name: "till-7" }), ca: authority.cert };

const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
after(() => rmSync(folder, { recursive: true }));

const ways: [
  name: string,
  listen: string,
  server: readonly Transport[],
  caller: readonly Transport[],
  rest: RestOptions,
  who: string,
][] = [
  ["http", "http://127.0.0.1:0", [], [], {}, "nobody in particular"],
  [
    "HTTP/2 in clear text",
    "http://127.0.0.1:0",
    [],
    [],
    { http2: "always" },
    "nobody in particular",
  ],
  ["a Unix socket", `http+unix:${folder}/a.sock`, [], [], {}, "nobody in particular"],
  [
    "https, both sides known, HTTP/2",
    "https://127.0.0.1:0",
    [tls(mutual)],
    [tls(known)],
    {},
    "CN=till-7",
  ],
  [
    "https, both sides known, HTTP/1.1",
    "https://127.0.0.1:0",
    [tls(mutual)],
    [tls(known)],
    { http2: "never" },
    "CN=till-7",
  ],
];

for (const [name, listen, server, caller, options, who] of ways)
  suite(`over ${name}`, () => {
    test("calls, errors, streams, uploads and notifications are what they are elsewhere", async () => {
      await using app = await chassis({
        name: "orders",
        listen,
        serve: [service],
        signals: false,
        transports: server,
        formats: [msgpack()],
      });
      const protocols = [rest(options)];
      for (const more of [{}, { format: msgpack() }]) {
        await using orders = client(Orders, app.addresses[0]!, {
          transports: caller,
          protocols,
          ...more,
        });
        deepEqual(await orders.place({ item: "kettle" }), { id: "o-1", item: "kettle" });
        const headers = { tenant: "acme" };
        equal((await orders.get("a/ü", { headers })).item, `${who} acme`);
        const sold = await orders.place.result({ item: "unobtainium" });
        ok(!sold.ok && sold.error.code === "SOLD_OUT");
        deepEqual(
          [sold.error.executed, sold.error.data],
          ["yes", { id: "none", item: "unobtainium" }],
        );
        const missing = await orders.get.result("nobody");
        ok(!missing.ok && missing.error.code === "NOT_FOUND" && missing.error.data === "nobody");
        const items = [];
        for await (const { item } of orders.watch({ id: "o-1", count: 500 })) items.push(item);
        equal(items.length, 500);
        const parts = [Buffer.alloc(100_000), Buffer.alloc(5)];
        equal(await orders.attach(parts, { head: { id: "o-1" } }), 100_005);
        await orders.touch({ id: name });
        while (!touched.includes(name)) await new Promise(setImmediate);
      }
    });
  });
