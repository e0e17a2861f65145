import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import * as z from "zod";
import { VirtualEnv } from "../base/virtual-env.ts";
import { serve, type Service } from "../call/serve.ts";
import { contract, stream, upload } from "../contract/index.ts";
import { face, orders } from "./testing/rest-face.ts";
import { RawHttp } from "./testing/raw-http.ts";

const Flow = contract(
  "flow",
  { version: "1.0.0" },
  {
    watch: stream({
      in: z.object({ fail: z.int().optional(), never: z.boolean().optional() }),
      out: z.int(),
      errors: { FULL: z.string() },
    }),
    blocks: stream({ out: z.string() }),
    sum: upload({ in: z.int(), out: z.int() }),
    named: upload({
      head: z.object({ name: z.string(), tags: z.record(z.string(), z.string()) }),
      in: z.int(),
      out: z.unknown(),
    }),
  },
);

interface Seen {
  begun: number;
  produced: number;
  aborted: boolean;
  failures: unknown[];
}

function flow(seen: Seen): Service {
  return serve(Flow, {
    async *watch({ fail, never }, { signal, errors }) {
      signal.addEventListener("abort", () => (seen.aborted = true));
      if (never === true) await once(signal, "abort");
      for (let index = 0; ; index++) {
        if (index === fail) throw errors.FULL("no more");
        seen.produced++;
        yield index;
      }
    },
    async *blocks(_input, { signal }) {
      signal.addEventListener("abort", () => (seen.aborted = true));
      const block = "x".repeat(100_000);
      for (;;) {
        seen.produced++;
        yield block;
      }
    },
    async sum(items) {
      seen.begun++;
      let sum = 0;
      try {
        for await (const item of items) sum += item;
      } catch (error) {
        seen.failures.push((error as { code: unknown }).code);
        throw error;
      }
      return sum;
    },
    async named(items, { head }) {
      const all: number[] = [];
      for await (const item of items) all.push(item);
      return { head, all };
    },
  });
}

const nothingSeen = (): Seen => ({ begun: 0, produced: 0, aborted: false, failures: [] });
const turn = (): Promise<void> => new Promise(setImmediate);

test("a reader that does not read holds the handler up, and one that leaves ends it", async (t) => {
  const seen = nothingSeen();
  const { url, app } = await face(t, {}, { serve: [flow(seen)] });
  const reader = await RawHttp.to(url);
  reader.socket.pause();
  reader.say("POST /flow/blocks HTTP/1.1\r\nhost: x\r\n\r\n");
  for (let before = -1; before !== seen.produced || before === 0;) {
    before = seen.produced;
    for (let turns = 0; turns < 50; turns++) await turn();
  }
  ok(seen.produced > 0);
  equal(app.inFlight, 1);
  equal(seen.aborted, false);
  reader.socket.destroy();
  while (app.inFlight > 0) await turn();
  equal(seen.aborted, true);
});

test("a stream that fails is a problem before its first item; after it no reader takes it for complete", async (t) => {
  const { url } = await face(t, {}, { serve: [flow(nothingSeen())] });
  const first = await fetch(`${url}/flow/watch?fail=0`);
  deepEqual([first.status, first.headers.get("trunkline-code")], [409, "FULL"]);
  const lines = await RawHttp.to(url);
  lines.say("GET /flow/watch?fail=2 HTTP/1.1\r\nhost: x\r\n\r\n");
  const heard = await lines.closed();
  match(heard, /\r\n0\n1\n\r\n$/, "both items, and no last chunk");
  const events = await fetch(`${url}/flow/watch?fail=1`, {
    headers: { accept: "text/event-stream" },
  });
  match(
    await events.text(),
    /^id: 1\ndata: 0\n\nevent: error\ndata: \{[^\n]*"code":"FULL"[^\n]*"data":"no more"\}\n\n$/,
  );
  const envelopes = await fetch(`${url}/flow/watch?fail=1`, {
    headers: { accept: "application/vnd.trunkline.items+json" },
  });
  match(await envelopes.text(), /\{[^}]*"code":"FULL"[^]*\}$/);
});

test("an upload that is cut never looks complete", async (t) => {
  const seen = nothingSeen();
  const { url, app } = await face(t, {}, { serve: [flow(seen)] });
  const cut = await RawHttp.to(url);
  cut.say(
    "POST /flow/sum HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n4\r\n1\n2\n\r\n",
  );
  while (seen.begun === 0) await turn(); // who is gone before that is not served at all
  cut.socket.destroy();
  while (app.inFlight > 0) await turn();
  deepEqual(seen.failures, ["CANCELLED"]);
  const envelope = (flag: number, text: string): Buffer =>
    Buffer.from([flag, 0, 0, 0, text.length, ...Buffer.from(text)]);
  const send = (...sent: Buffer[]): Promise<Response> =>
    fetch(`${url}/flow/sum`, {
      method: "POST",
      headers: { "content-type": "application/vnd.trunkline.items+json" },
      body: Buffer.concat(sent),
    });
  const whole = await send(envelope(0, "1"), envelope(0, "2"), envelope(2, "{}"));
  deepEqual([whole.status, await whole.json()], [200, 3]);
  const endless = await send(envelope(0, "1"), envelope(0, "2"));
  deepEqual([endless.status, endless.headers.get("trunkline-code")], [499, "CANCELLED"]);
  deepEqual(seen.failures, ["CANCELLED", "CANCELLED"]);
  const wrong = await send(envelope(0, "1"), envelope(0, '"x"'), envelope(2, "{}"));
  deepEqual([wrong.status, wrong.headers.get("trunkline-executed")], [400, "yes"]);
  const strange = await send(envelope(9, "1"));
  equal(strange.status, 400);
});

test("an upload that is broken before its handler reads does not look complete", async (t) => {
  const authorize = async (): Promise<boolean> => true; // in the meantime all of it has come
  const { url } = await face(t, {}, { serve: [flow(nothingSeen())], authorize });
  const broken = await fetch(`${url}/flow/sum`, {
    method: "POST",
    headers: { "content-type": "application/vnd.trunkline.items+json" },
    body: Buffer.from([9, 0, 0, 0, 1, 0x31]),
  });
  equal(broken.status, 400);
});

test("what goes before the items is the first line, or the first envelope", async (t) => {
  const { url } = await face(t, {}, { serve: [flow(nothingSeen())] });
  const head = { name: "n", tags: { a: "b" } };
  const lines = await fetch(`${url}/flow/named`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: `${JSON.stringify(head)}\n1\n2\n`,
  });
  deepEqual(await lines.json(), { head, all: [1, 2] });
  const text = JSON.stringify(head);
  const envelopes = await fetch(`${url}/flow/named`, {
    method: "POST",
    headers: { "content-type": "application/vnd.trunkline.items+json" },
    body: Buffer.concat([
      Buffer.from([1, 0, 0, 0, text.length]),
      Buffer.from(text),
      Buffer.from([0, 0, 0, 0, 1, 0x37, 2, 0, 0, 0, 0]),
    ]),
  });
  deepEqual(await envelopes.json(), { head, all: [7] });
  const empty = await fetch(`${url}/flow/named`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: "\n",
  });
  equal(empty.status, 400);
});

test("more requests than may be under way are told to come again", async (t) => {
  const { url, app } = await face(t, {}, { serve: [flow(nothingSeen())], inFlightMax: 2 });
  const held = await Promise.all([0, 1].map(() => RawHttp.to(url)));
  for (const each of held) each.say("GET /flow/watch?never=true HTTP/1.1\r\nhost: x\r\n\r\n");
  while (app.inFlight < 2) await turn();
  const third = await fetch(`${url}/flow/watch?fail=0`);
  deepEqual(
    [third.status, third.headers.get("retry-after"), third.headers.get("trunkline-executed")],
    [503, "1", "no"],
  );
  for (const each of held) each.socket.destroy();
  while (app.inFlight > 0) await turn();
});

test("a chassis that stops refuses what comes, and cuts what does not end", async (t) => {
  const seen = nothingSeen();
  const { url, app } = await face(
    t,
    {},
    { serve: [flow(seen), orders()], stop: { drain: "50ms" } },
  );
  const held = await RawHttp.to(url);
  held.say("GET /flow/watch?never=true HTTP/1.1\r\nhost: x\r\n\r\n");
  while (app.inFlight === 0) await turn();
  const stopped = app.stop();
  const late = await fetch(`${url}/orders/x`);
  deepEqual(
    [late.status, late.headers.get("retry-after"), late.headers.get("trunkline-executed")],
    [503, "1", "no"],
  );
  deepEqual(await stopped, { cut: 1, forced: false });
  await held.closed();
  equal(seen.aborted, true);
});

test("events that are long in coming are preceded by signs of life", async (t) => {
  const seen = nothingSeen();
  const { url } = await face(t, {}, { serve: [flow(seen)], env: new VirtualEnv() });
  const raw = await RawHttp.to(url);
  raw.say("GET /flow/watch?never=true HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n");
  const heard = await raw.hears(/:\n\n[^]*:\n\n/);
  match(heard, /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/event-stream\r\n/);
  raw.socket.destroy();
});

test("a compressed upload that is answered early does not hold up what follows on its connection", async (t) => {
  const First = contract(
    "first",
    { version: "1.0.0" },
    {
      take: upload({ in: z.int(), out: z.int() }),
    },
  );
  const first = serve(First, {
    async take(items) {
      for await (const item of items) return item;
      return 0;
    },
  });
  const { url } = await face(t, {}, { serve: [first] });
  const body = gzipSync(Array.from({ length: 400_000 }, (_, index) => `${index}\n`).join(""));
  ok(body.length > 500_000);
  const raw = await RawHttp.to(url);
  raw.say(
    `POST /first/take HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  raw.say(body);
  raw.say("GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  match(await raw.closed(), /^HTTP\/1\.1 200 OK[^]*\r\n\r\n0HTTP\/1\.1 404/);
});
