import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { pathToFileURL } from "node:url";
import * as z from "zod";

import { isTrunklineError } from "../base/error.ts";
import { chassis } from "../chassis/chassis.ts";
import { client } from "../chassis/client.ts";
import { serve } from "../call/serve.ts";
import { bytes } from "../contract/bytes.ts";
import { call, contract, notification, stream, upload } from "../contract/index.ts";
import { syncClient } from "./sync-client.ts";

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    get: call({
      in: z.object({ id: z.string().default("o-1") }),
      out: z.object({ id: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }),
      errors: { UNKNOWN_ORDER: z.object({ id: z.string() }) },
    }),
    size: call({ in: bytes(), out: bytes() }),
    wait: call({ out: z.string() }),
    fail: call({ out: z.string() }),
    seen: notification({ in: z.string() }),
    sightings: call({ out: z.array(z.string()) }),
    count: stream({ in: z.number(), out: z.number() }),
    fill: upload({ in: z.string(), out: z.number() }),
  },
);

/** A process of its own serves it, as this one stands still. */
const serverCode = `
  const module = (name) => import(process.env.SOURCES + name);
  const { chassis } = await module("chassis/chassis.ts");
  const { serve } = await module("call/serve.ts");
  const { bytes } = await module("contract/bytes.ts");
  const { call, contract, notification, stream, upload } = await module("contract/index.ts");
  const any = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
  const Orders = contract("orders", { version: "1.0.0" }, {
    get: call({ in: any, out: any, errors: { UNKNOWN_ORDER: any } }),
    size: call({ in: bytes(), out: bytes() }),
    wait: call({ out: any }),
    fail: call({ out: any }),
    seen: notification({ in: any }),
    sightings: call({ out: any }),
    count: stream({ in: any, out: any }),
    fill: upload({ in: any, out: any }),
  });
  const seen = [];
  await chassis({ name: "orders", listen: process.env.ADDRESS, signals: false, serve: [serve(Orders, {
    get({ id = "o-1" }, { errors }) {
      if (id === "none") throw errors.UNKNOWN_ORDER({ id });
      return { id, at: "2026-01-02T03:04:05Z" };
    },
    size: (input) => Buffer.from(String(input.length)),
    wait: () => new Promise(() => {}),
    fail() { throw new Error("secret"); },
    seen: (what) => void seen.push(what),
    sightings: () => seen,
    async *count(to) { for (let n = 1; n <= to; n++) yield n; if (to < 0) await new Promise(() => {}); },
    fill: () => 0,
  })] });
  process.on("disconnect", () => process.exit());
  process.send("up");
`;

suite("a client that blocks", { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  const address = `unix:${folder}/orders.sock`;
  const sources = pathToFileURL(join(import.meta.dirname, "../")).href;
  const server = spawn(process.execPath, ["--input-type=module", "--eval", serverCode], {
    env: { ...process.env, ADDRESS: address, SOURCES: sources },
    stdio: ["ignore", "inherit", "ignore", "ipc"], // it tells there of what has failed
  });
  after(() => {
    server.disconnect();
    rmSync(folder, { recursive: true });
  });
  await once(server, "message");
  const orders = syncClient(Orders, address);

  test("a call returns its answer as the contract's schemas read it", () => {
    deepEqual(orders.get({}), { id: "o-1", at: new Date("2026-01-02T03:04:05Z") });
    deepEqual(orders.get({ id: "o-18" }).id, "o-18");
  });

  test("bytes go as bytes", () => {
    const answer = orders.size(Buffer.alloc(100_000));
    ok(answer instanceof Uint8Array);
    equal(Buffer.from(answer).toString(), "100000");
  });

  test("declared errors are thrown with their data", () => {
    throws(() => orders.get({ id: "none" }), {
      code: "UNKNOWN_ORDER",
      declared: true,
      executed: "yes",
      data: { id: "none" },
      operation: "orders.get",
    });
  });

  test("failures tell the truth of what was executed", () => {
    throws(() => orders.fail(undefined), { code: "INTERNAL", executed: "yes" });
    throws(() => orders.wait(undefined, { deadline: "100ms" }), {
      code: "DEADLINE_EXCEEDED",
      executed: "maybe",
    });
    throws(() => syncClient(Orders, `unix:${folder}/none.sock`).get({}, { deadline: "200ms" }), {
      code: "UNAVAILABLE",
      executed: "no",
    });
    throws(() => orders.get({ id: 5 } as never), {
      code: "INVALID_ARGUMENT",
      executed: "no",
      message: /does not match/,
    });
  });

  test("a call after one that was given up gets its own answer", () => {
    throws(() => orders.wait(undefined, { deadline: 20 }), { code: "DEADLINE_EXCEEDED" });
    equal(orders.get({ id: "o-2" }).id, "o-2");
  });

  test("a notification returns when it has left", () => {
    equal(orders.seen("a"), undefined);
    deepEqual(orders.sightings(undefined), ["a"]);
  });

  test("the items of a stream are collected, up to a bound and within a deadline", () => {
    deepEqual(orders.count(3), [1, 2, 3]);
    deepEqual(orders.count(0), []);
    throws(() => orders.count(4, { itemsMax: 3 }), {
      code: "RESOURCE_EXHAUSTED",
      executed: "maybe",
      message: /itemsMax/,
    });
    throws(() => orders.count(-1, { deadline: "100ms" }), { code: "DEADLINE_EXCEEDED" });
  });

  test("what cannot be waited for is refused", () => {
    const fill = (orders as unknown as Record<string, () => void>)["fill"]!;
    throws(fill, { code: "UNIMPLEMENTED", executed: "no", message: /an? upload/ });
    for (const place of ["memory:x", "stdio:", "worker:x"])
      throws(() => syncClient(Orders, place), { code: "INVALID_ARGUMENT", executed: "no" });
    throws(() => syncClient(Orders, "nowhere"), isTrunklineError);
  });

  test("a handler may not block", async () => {
    const Outer = contract("outer", { version: "1.0.0" }, { ask: call({ out: z.string() }) });
    const listen = `unix:${folder}/outer.sock`;
    await using _app = await chassis({
      name: "outer",
      listen,
      signals: false,
      serve: [
        serve(Outer, {
          ask() {
            try {
              return orders.get({}).id;
            } catch (error) {
              return isTrunklineError(error) ? `${error.code}, ${error.executed}` : String(error);
            }
          },
        }),
      ],
    });
    await using outer = client(Outer, listen);
    equal(await outer.ask(), "UNIMPLEMENTED, no");
  });
});
