import { deepEqual, equal, match } from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import {
  brotliDecompressSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import * as z from "zod";
import { serve, type Service } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { bindRest } from "../protocol/rest/index.ts";
import { face } from "./testing/rest-face.ts";
import { RawHttp } from "./testing/raw-http.ts";

const json = { "content-type": "application/json" };

/** Answers undecoded: fetch would unpack them. */
function raw(
  url: string,
  headers: Record<string, string>,
): Promise<{ headers: Record<string, unknown>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(chunks) }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

test("large answers are compressed for who reads that, small ones for nobody", async (t) => {
  const { url } = await face(t);
  const long = `${url}/orders/${"x".repeat(5_000)}`;
  const plain = await raw(long, {});
  equal(plain.headers["content-encoding"], undefined);
  equal(plain.headers["vary"], "accept-encoding");
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync } as const;
  for (const coding of ["br", "gzip"] as const) {
    const packed = await raw(long, { "accept-encoding": `${coding};q=0.5, identity;q=0.1` });
    equal(packed.headers["content-encoding"], coding);
    equal(packed.headers["content-length"], String(packed.body.length));
    deepEqual(unpack[coding](packed.body), plain.body);
    equal(packed.headers["etag"], plain.headers["etag"]);
  }
  equal((await raw(long, { "accept-encoding": "gzip, br" })).headers["content-encoding"], "br");
  equal(
    (await raw(long, { "accept-encoding": "gzip;q=0, *;q=0" })).headers["content-encoding"],
    undefined,
  );
  equal(
    (await raw(`${url}/orders/x`, { "accept-encoding": "gzip" })).headers["content-encoding"],
    undefined,
  );
  const never = await face(t, { compression: false });
  const bare = await raw(`${never.url}/orders/${"x".repeat(5_000)}`, { "accept-encoding": "gzip" });
  deepEqual([bare.headers["content-encoding"], bare.headers["vary"]], [undefined, undefined]);
});

test("compressed bodies are read, of calls and of uploads", async (t) => {
  const { url } = await face(t);
  const text = '{"item":"kettle"}';
  for (const [coding, body] of [
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["zstd", zstdCompressSync(text)],
    ["identity", Buffer.from(text)],
  ] as const) {
    const answer = await fetch(`${url}/orders`, {
      method: "POST",
      headers: { ...json, "content-encoding": coding },
      body,
    });
    equal(answer.status, 201, coding);
  }
  const items = '{"id":"1","item":"a"}\n'.repeat(10_000);
  const answer = await fetch(`${url}/orders/import`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson", "content-encoding": "gzip" },
    body: gzipSync(items),
  });
  equal(await answer.text(), "10000");
});

test("scripts of other origins may call when it is allowed, and not otherwise", async (t) => {
  const none = await face(t);
  const silent = await fetch(`${none.url}/orders/x`, {
    headers: { origin: "https://shop.example" },
  });
  equal(silent.headers.get("access-control-allow-origin"), null);
  const origins = ["https://shop.example"];
  const { url } = await face(t, { cors: { origins, credentials: true, maxAgeS: 5 } });
  const preflight = await fetch(`${url}/orders`, {
    method: "OPTIONS",
    headers: {
      origin: "https://shop.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,x-own",
    },
  });
  const told = (answer: Response, names: string[]): (string | null)[] =>
    names.map((name) => answer.headers.get(name));
  equal(preflight.status, 204);
  deepEqual(
    told(preflight, [
      "access-control-allow-origin",
      "access-control-allow-credentials",
      "access-control-allow-methods",
      "access-control-allow-headers",
      "access-control-max-age",
      "vary",
    ]),
    [
      "https://shop.example",
      "true",
      "POST, GET, HEAD, OPTIONS",
      "content-type,x-own",
      "5",
      "origin",
    ],
  );
  const failure = await fetch(`${url}/orders/none`, {
    headers: { origin: "https://shop.example" },
  });
  deepEqual(told(failure, ["access-control-allow-origin"]), ["https://shop.example"]);
  match(failure.headers.get("access-control-expose-headers")!, /trunkline-executed/);
  const stranger = await fetch(`${url}/orders/x`, { headers: { origin: "https://evil.example" } });
  deepEqual(told(stranger, ["access-control-allow-origin"]), [null]);
  const everybody = await face(t, { cors: { origins: "*" } });
  const anyone = await fetch(`${everybody.url}/orders/x`, { headers: { origin: "null" } });
  equal(anyone.headers.get("access-control-allow-origin"), "*");
});

const versions = ([1, 2, 3] as const).map((major) => {
  const Parts = contract(
    "parts",
    { version: `${major}.0.0` },
    {
      get: call({ in: z.string(), out: z.string(), idempotent: true }),
    },
  );
  return { Parts, service: serve(Parts, { get: (id) => `${id} of ${major}` }) };
});

const parts: Service[] = versions.map(({ service }) => service);

test("a version is named in the path, the query, a header or the media type, and else the newest is meant", async (t) => {
  const { url } = await face(
    t,
    { versions: ["uri", { query: "version" }, { header: "API-Version" }, "media-type"] },
    { serve: parts },
  );
  const get = async (path: string, headers: Record<string, string> = {}): Promise<unknown[]> => {
    const answer = await fetch(url + path, { headers });
    const { status } = answer;
    return [status, status === 200 ? await answer.json() : answer.headers.get("trunkline-code")];
  };
  deepEqual(await get("/parts/a"), [200, "a of 3"]);
  deepEqual(await get("/v1/parts/a"), [200, "a of 1"]);
  deepEqual(await get("/v2/parts/a"), [200, "a of 2"]);
  deepEqual(await get("/parts/a?version=1"), [200, "a of 1"]);
  deepEqual(await get("/parts/a?version=v2"), [200, "a of 2"]);
  deepEqual(await get("/parts/a", { "api-version": "2.1" }), [200, "a of 2"]);
  deepEqual(await get("/parts/a", { accept: "application/vnd.parts.v1+json" }), [200, "a of 1"]);
  deepEqual(await get("/v4/parts/a"), [404, "UNIMPLEMENTED"]);
  deepEqual(await get("/parts/a?version=4"), [404, "UNIMPLEMENTED"]);
  deepEqual(await get("/parts/a?version=x"), [400, "INVALID_ARGUMENT"]);
  const { headers } = await fetch(`${url}/parts/a`, {
    headers: { accept: "application/vnd.parts.v2+json" },
  });
  equal(headers.get("content-type"), "application/vnd.parts.v2+json");
  equal(headers.get("vary"), "accept, accept-encoding, api-version");
});

test("the oldest can be meant, or any, and paths can go without versions", async (t) => {
  const oldest = await face(t, { unversioned: "oldest" }, { serve: parts });
  equal(await (await fetch(`${oldest.url}/parts/a`)).json(), "a of 1");
  const second = await face(t, { unversioned: 2, versions: "none" }, { serve: parts });
  equal(await (await fetch(`${second.url}/parts/a`)).json(), "a of 2");
  equal((await fetch(`${second.url}/v1/parts/a`)).status, 404);
  const bindings = versions.map(({ Parts }) => bindRest(Parts, { base: "/api" }));
  const based = await face(t, { bindings }, { serve: parts });
  equal(await (await fetch(`${based.url}/api/v2/parts/a`)).json(), "a of 2");
  equal(await (await fetch(`${based.url}/api/parts/a`)).json(), "a of 3");
});

test("headers reach the handler, without those that are HTTP's or ours", async (t) => {
  const Mirror = contract("mirror", { version: "1.0.0" }, { look: call({ out: z.unknown() }) });
  const mirror = serve(Mirror, {
    look: (_input, { headers, idempotencyKey, deadline, trace }) => ({
      headers,
      idempotencyKey,
      bounded: deadline.at !== Infinity,
      trace: trace.traceId,
    }),
  });
  const { url } = await face(t, {}, { serve: [mirror] });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const said = await RawHttp.to(url);
  said.say(
    [
      "POST /mirror/look HTTP/1.1",
      "host: x",
      "connection: close",
      "authorization: Bearer abc",
      "X-Tenant: acme",
      `snow: ${Buffer.from("❄").toString("latin1")}`,
      'idempotency-key: "key \\"1\\""',
      "trunkline-timeout-ms: 5000",
      `traceparent: ${traceparent}`,
      "accept: */*",
      "\r\n",
    ].join("\r\n"),
  );
  const heard = Buffer.from(await said.closed(), "latin1").toString();
  deepEqual(JSON.parse(heard.slice(heard.indexOf("{"))), {
    headers: { authorization: "Bearer abc", "x-tenant": "acme", snow: "❄" },
    idempotencyKey: 'key "1"',
    bounded: true,
    trace: "0af7651916cd43dd8448eb211c80319c",
  });
});

test("a list that comes in pages says where the next one is", async (t) => {
  const Page = z.object({ items: z.array(z.int()), next: z.string().optional() });
  const input = z.object({ limit: z.int(), cursor: z.string().optional() });
  const Notes = contract(
    "notes",
    { version: "1.0.0" },
    {
      list: call({ in: input, out: Page, idempotent: true }),
    },
  );
  const notes = serve(Notes, {
    list: ({ cursor = "0" }) => (cursor === "0" ? { items: [1, 2], next: "a&b" } : { items: [3] }),
  });
  const { url } = await face(t, {}, { serve: [notes] });
  const first = await fetch(`${url}/v1/notes?cursor=0&limit=2&stray=%ff`);
  equal(first.headers.get("link"), '</v1/notes?limit=2&stray=%ff&cursor=a%26b>; rel="next"');
  const last = await fetch(`${url}/v1/notes?limit=2&cursor=a%26b`);
  deepEqual([last.headers.get("link"), await last.json()], [null, { items: [3] }]);
});
