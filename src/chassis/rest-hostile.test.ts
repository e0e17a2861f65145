import { equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { VirtualEnv } from "../base/virtual-env.ts";
import { face } from "./testing/rest-face.ts";
import { RawHttp } from "./testing/raw-http.ts";

const json = { "content-type": "application/json" };

test("whatever is sent, the answer is a problem of the caller's, and the next request is served", async (t) => {
  const { url } = await face(t);
  const requests: string[] = [
    "GET /orders/%00 HTTP/1.1",
    "GET /orders/%c3%28 HTTP/1.1",
    "GET /orders?page=%f HTTP/1.1",
    "GET /orders?page[a]=1&__proto__=1&constructor=2&page=x HTTP/1.1",
    `GET /${"a/".repeat(3_000)} HTTP/1.1`,
    `GET /orders?${"page=1&".repeat(1_000)} HTTP/1.1`,
    "GET http://elsewhere/orders?page=x HTTP/1.1",
    "GET http://elsewhere?x HTTP/1.1",
    "GET //orders HTTP/1.1",
    "GET /orders/../../etc/passwd HTTP/1.1",
    "BREW /orders HTTP/1.1",
    "POST /orders HTTP/1.1\r\ncontent-type: application/json; charset=utf-16\r\ncontent-length: 2\r\n\r\n{}",
    "POST /orders HTTP/1.1\r\ncontent-type: a/b/c;;;=\r\ncontent-length: 2\r\n\r\n{}",
    "POST /orders HTTP/1.1\r\ncontent-encoding: rot13\r\ncontent-length: 2\r\n\r\n{}",
    "POST /orders HTTP/1.1\r\ncontent-length: 2\r\n\r\n\xff\xfe",
    "GET /orders HTTP/1.1\r\ntrunkline-timeout-ms: soon",
    "GET /orders HTTP/1.1\r\ntrunkline-timeout-ms: 1\r\ntrunkline-timeout-ms: 2",
    'GET /orders?page=x HTTP/1.1\r\ntraceparent: 00-zz\r\nidempotency-key: ""\r\naccept: ;q=,,/',
  ];
  for (const request of requests) {
    const raw = await RawHttp.to(url);
    const [head = "", body = ""] = request.split("\r\n\r\n");
    raw.say(`${head}\r\nhost: x\r\nconnection: close\r\n\r\n${body}`);
    const heard = await raw.closed();
    match(heard, /^HTTP\/1\.1 (?:4\d\d|200)/, `${request.slice(0, 100)}\n${heard.slice(0, 300)}`);
  }
  equal((await fetch(`${url}/orders/x`)).status, 200);
});

test("a deep body is refused, a broad one is not", async (t) => {
  const { url } = await face(t);
  const post = (body: string): Promise<Response> =>
    fetch(`${url}/orders`, { method: "POST", headers: json, body });
  const deep = await post("[".repeat(100_000) + "]".repeat(100_000));
  equal(deep.status, 400);
  match(await deep.text(), /nested more than 500 deep/);
  const item = `${"[{".repeat(1_000)}\\"\\\\`;
  const broad = await post(
    JSON.stringify({ item, others: Array.from({ length: 1_000 }, () => [{}]) }),
  );
  equal(broad.status, 201);
});

test("names that JavaScript gives a meaning to are names like others", async (t) => {
  const { url } = await face(t);
  const answer = await fetch(`${url}/orders/x`, {
    method: "PATCH",
    headers: json,
    body: '{"item":"pot","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}',
  });
  equal(await answer.text(), '{"id":"x","item":"pot"}');
  equal(({} as Record<string, unknown>)["admin"], undefined);
});

test("a body that is too large is refused, before it comes if it says so", async (t) => {
  const { url } = await face(t, {}, { itemBytesMax: 1_000 });
  const raw = await RawHttp.to(url);
  raw.say("POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n");
  match(
    await raw.hears(/\}$/),
    /^HTTP\/1\.1 413 [^]*trunkline-code: RESOURCE_EXHAUSTED[^]*"executed":"no"/,
  );
  raw.socket.destroy();
  const chunked = await RawHttp.to(url);
  chunked.say("POST /orders HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
  chunked.say(`3e8\r\n${" ".repeat(1_000)}\r\n1\r\n \r\n`);
  match(await chunked.hears(/\}$/), /^HTTP\/1\.1 413 /);
  chunked.socket.destroy();
  const fits = JSON.stringify({ item: "x".repeat(1_000 - 11) });
  equal(fits.length, 1_000);
  const answer = await fetch(`${url}/orders`, { method: "POST", headers: json, body: fits });
  equal(answer.status, 500, "the answer repeats it, and is larger");
  equal(answer.headers.get("trunkline-code"), "RESOURCE_EXHAUSTED");
  equal(answer.headers.get("trunkline-executed"), "yes");
});

test("who sends on after a refusal is heard out, and the connection serves the next request", async (t) => {
  const { url } = await face(t, {}, { itemBytesMax: 1_000 });
  const raw = await RawHttp.to(url);
  raw.say(
    `POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n\r\n${" ".repeat(500_000)}`,
  );
  raw.say("GET /orders/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  match(await raw.closed(), /^HTTP\/1\.1 413 [^]*\}HTTP\/1\.1 200 OK/);
});

test("a bomb is recognised while it is unpacked", async (t) => {
  const { url } = await face(t, {}, { itemBytesMax: 100_000 });
  const body = gzipSync(Buffer.alloc(50_000_000, 0x20));
  ok(body.length < 100_000);
  const answer = await fetch(`${url}/orders`, {
    method: "POST",
    headers: { ...json, "content-encoding": "gzip" },
    body,
  });
  equal(answer.status, 413);
  const broken = await fetch(`${url}/orders`, {
    method: "POST",
    headers: { ...json, "content-encoding": "gzip" },
    body: "{}",
  });
  equal(broken.status, 400);
});

test("a body that never ends, and a caller that leaves, start nothing and stay nowhere", async (t) => {
  const { url, app } = await face(t);
  const raw = await RawHttp.to(url);
  raw.say('POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"item"');
  while (app.inFlight === 0) await new Promise(setImmediate);
  raw.socket.destroy();
  while (app.inFlight > 0) await new Promise(setImmediate);
  equal(app.stats().operations.find(({ operation }) => operation === "orders.place")?.count, 0);
});

test("a body that comes when its deadline is over starts nothing", async (t) => {
  const env = new VirtualEnv();
  const { url, app } = await face(t, {}, { env });
  const raw = await RawHttp.to(url);
  raw.say(
    'POST /orders HTTP/1.1\r\nhost: x\r\ntrunkline-timeout-ms: 30\r\ncontent-length: 14\r\n\r\n{"item"',
  );
  while (app.inFlight === 0) await new Promise(setImmediate);
  env.stall(31);
  raw.say(':"pot"}');
  match(await raw.hears(/\}$/), /^HTTP\/1\.1 504 [^]*"executed":"no"/);
  raw.socket.destroy();
});
