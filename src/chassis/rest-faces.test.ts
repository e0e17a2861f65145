import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import { call, contract, duplex } from "../contract/index.ts";
import { bindRest, restMount, type RestServeOptions } from "../protocol/rest/index.ts";
import { chassis, type Chassis } from "./chassis.ts";
import { face, orders } from "./testing/rest-face.ts";

const json = { "content-type": "application/json" };

test("what is placed is created, and says where it is found", async (t) => {
  const { url } = await face(t);
  const answer = await fetch(`${url}/orders`, {
    method: "POST",
    headers: json,
    body: JSON.stringify({ item: "kettle" }),
  });
  equal(answer.status, 201);
  equal(answer.headers.get("location"), "/orders/o%201");
  equal(answer.headers.get("content-type"), "application/json");
  deepEqual(await answer.json(), { id: "o 1", item: "kettle" });
});

test("parameters are read as their schemas say, and fields meet in the input", async (t) => {
  const { url } = await face(t);
  const get = async (path: string): Promise<unknown> => (await fetch(url + path)).json();
  deepEqual(await get("/orders?page=2&items=a&items=b+c&gifts=true&stray=%ZZ"), {
    page: 2,
    items: ["a", "b c"],
    gifts: true,
  });
  deepEqual(await get("/orders"), {});
  deepEqual(await get("/orders/a%2Fb%20%C3%BC"), { id: "a/b ü", item: "kettle" });
  const patched = await fetch(`${url}/orders/x`, {
    method: "PATCH",
    headers: json,
    body: '{"item":"pot","id":"another"}',
  });
  deepEqual(await patched.json(), { id: "x", item: "pot" });
  const removed = await fetch(`${url}/orders/x`, { method: "DELETE" });
  deepEqual([removed.status, await removed.text()], [204, ""]);
});

test("a failure is a problem that says what happened and whether it ran", async (t) => {
  const { url } = await face(t);
  const post = (path: string, body: string, headers: Record<string, string> = json) =>
    fetch(url + path, { method: "POST", headers, body });
  const cases: [Promise<Response>, number, string, string][] = [
    [post("/orders", '{"item":"unobtainium"}'), 409, "SOLD_OUT", "yes"],
    [fetch(`${url}/orders/none`), 404, "NOT_FOUND", "yes"],
    [post("/orders", '{"item":""}'), 400, "INVALID_ARGUMENT", "no"],
    [post("/orders", '{"item"'), 400, "INVALID_ARGUMENT", "no"],
    [post("/orders", "[]"), 400, "INVALID_ARGUMENT", "no"],
    [fetch(`${url}/orders?page=two`), 400, "INVALID_ARGUMENT", "no"],
    [fetch(`${url}/orders?page=1&page=2`), 400, "INVALID_ARGUMENT", "no"],
    [fetch(`${url}/orders?gifts=1`), 400, "INVALID_ARGUMENT", "no"],
    [fetch(`${url}/orders/%ff`), 400, "INVALID_ARGUMENT", "no"],
    [fetch(`${url}/nothing`), 404, "UNIMPLEMENTED", "no"],
    [fetch(`${url}/orders/`), 404, "UNIMPLEMENTED", "no"],
    [fetch(`${url}/orders`, { method: "PUT" }), 405, "UNIMPLEMENTED", "no"],
    [post("/orders", "a=b", { "content-type": "text/plain" }), 415, "UNIMPLEMENTED", "no"],
    [fetch(`${url}/orders/x`, { headers: { accept: "text/html" } }), 406, "UNIMPLEMENTED", "no"],
    [
      fetch(`${url}/orders/x/watch`, { headers: { accept: "text/html" } }),
      406,
      "UNIMPLEMENTED",
      "no",
    ],
    [post("/orders/broken", ""), 500, "INTERNAL", "yes"],
    [
      fetch(`${url}/orders`, { headers: { "trunkline-timeout-ms": "0" } }),
      504,
      "DEADLINE_EXCEEDED",
      "no",
    ],
  ];
  for (const [asked, status, code, executed] of cases) {
    const answer = await asked;
    equal(answer.status, status, `${answer.url} ${await answer.clone().text()}`);
    equal(answer.headers.get("content-type"), "application/problem+json");
    equal(answer.headers.get("trunkline-executed"), executed);
    equal(answer.headers.get("trunkline-code"), code);
    const problem = (await answer.json()) as Record<string, unknown>;
    deepEqual([problem["status"], problem["code"], problem["executed"]], [status, code, executed]);
    ok(typeof problem["detail"] === "string" && typeof problem["title"] === "string");
  }
});

test("a declared error carries its data", async (t) => {
  const { url } = await face(t);
  const answer = await fetch(`${url}/orders/none`);
  deepEqual(await answer.json(), {
    type: "about:blank",
    title: "Not Found",
    status: 404,
    detail: "an error that the contract declares",
    code: "NOT_FOUND",
    executed: "yes",
    declared: true,
    data: "none",
  });
});

test("a path tells its methods, to OPTIONS and to whoever takes another one", async (t) => {
  const { url } = await face(t);
  const options = await fetch(`${url}/orders/x`, { method: "OPTIONS" });
  equal(options.status, 204);
  equal(options.headers.get("allow"), "GET, PATCH, DELETE, HEAD, OPTIONS");
  const wrong = await fetch(`${url}/orders/x`, { method: "POST" });
  equal(wrong.headers.get("allow"), "GET, PATCH, DELETE, HEAD, OPTIONS");
  const head = await fetch(`${url}/orders/x`, { method: "HEAD" });
  deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "26", ""]);
});

test("a read is recognised by its tag, and not sent again", async (t) => {
  const { url } = await face(t);
  const first = await fetch(`${url}/orders/x`);
  const tag = first.headers.get("etag")!;
  match(tag, /^W\/"[\w-]{27}"$/);
  equal(first.headers.get("cache-control"), "no-cache");
  for (const known of [tag, `"other", ${tag}`, "*", tag.slice(2)]) {
    const again = await fetch(`${url}/orders/x`, { headers: { "if-none-match": known } });
    deepEqual([again.status, again.headers.get("etag"), await again.text()], [304, tag, ""]);
  }
  const other = await fetch(`${url}/orders/y`, { headers: { "if-none-match": tag } });
  equal(other.status, 200);
});

test("bytes come and go as they are", async (t) => {
  const { url } = await face(t);
  const body = Buffer.from([0, 255, 10, 13]);
  const answer = await fetch(`${url}/orders/photo`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body,
  });
  equal(answer.headers.get("content-type"), "application/octet-stream");
  deepEqual(Buffer.from(await answer.arrayBuffer()), body);
});

test("a notification is accepted, or refused", async (t) => {
  const touched: string[] = [];
  const { url } = await face(t, {}, { serve: [orders(touched)] });
  const answer = await fetch(`${url}/orders/x/touched`, { method: "POST" });
  deepEqual([answer.status, await answer.text(), touched], [202, "", ["x"]]);
});

test("a stream is lines, events or envelopes, as its reader likes", async (t) => {
  const { url } = await face(t);
  const read = async (accept: string): Promise<[string | null, string]> => {
    const answer = await fetch(`${url}/orders/x/watch`, { headers: { accept } });
    return [answer.headers.get("content-type"), await answer.text()];
  };
  const [a, b] = ['{"id":"x","item":"a"}', '{"id":"x","item":"b"}'];
  deepEqual(await read("*/*"), ["application/x-ndjson", `${a}\n${b}\n`]);
  deepEqual(await read("text/event-stream"), [
    "text/event-stream",
    `id: 1\ndata: ${a}\n\nid: 2\ndata: ${b}\n\nevent: end\ndata: {}\n\n`,
  ]);
  const envelope = (flag: number, text: string): string =>
    `${String.fromCharCode(flag, 0, 0, 0, text.length)}${text}`;
  deepEqual(await read("application/vnd.trunkline.items+json"), [
    "application/vnd.trunkline.items+json",
    envelope(0, a) + envelope(0, b) + envelope(2, "{}"),
  ]);
});

test("an upload is taken as lines, and the last needs no end", async (t) => {
  const { url } = await face(t);
  const answer = await fetch(`${url}/orders/import`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: '{"id":"1","item":"a"}\n\n{"id":"2","item":"b"}\r\n{"id":"3","item":"c"}',
  });
  deepEqual([answer.status, await answer.json()], [200, 3]);
});

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    chat: duplex({ in: z.string(), out: z.string() }),
    hello: call({ out: z.string() }),
  },
);
const desk = serve(Desk, {
  async *chat(items) {
    yield* items;
  },
  hello: () => "hello",
});

test("what REST cannot carry is refused at the start, unless it is left out", async (t) => {
  const start = (options: RestServeOptions, listen: string[] = []): Promise<Chassis> =>
    chassis({ name: "desk", serve: [desk], mounts: [restMount(options)], listen, signals: false });
  await rejects(
    start({}),
    /duplex desk\.chat cannot be served over rest in another server \(rest has no two-way streams\)\.\n {5}→ leave it out with rest\(\{ except: \["desk\.chat"\] \}\), or listen on unix:, tcp: or grpc: too/,
  );
  await rejects(
    start({}, ["memory:desk"]),
    /\n {5}→ leave it out with rest\(\{ except: \["desk\.chat"\] \}\)\.\n/,
  );
  const { url } = await face(t, { except: ["desk.chat"] }, { serve: [desk] });
  equal(await (await fetch(`${url}/desk/hello`, { method: "POST" })).text(), '"hello"');
  const bound = bindRest(Desk, { routes: { chat: false, hello: "GET /hello" } });
  const other = await face(t, { bindings: [bound] }, { serve: [desk] });
  equal(await (await fetch(`${other.url}/hello`)).text(), '"hello"');
});
