import { deepEqual, equal, match } from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { request as request1 } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import * as z from "zod";
import { serve } from "../call/serve.ts";
import { call, contract, stream, upload } from "../contract/index.ts";
import { bindRest, rest } from "../protocol/rest/index.ts";
import { testAuthority } from "../transport/tls/testing/authority.ts";
import { tls } from "../transport/tls/index.ts";
import { chassis, type Chassis, type ChassisOptions } from "./chassis.ts";
import { client } from "./client.ts";
import { orders } from "./testing/rest-face.ts";
import { RawHttp } from "./testing/raw-http.ts";

async function listening(
  t: TestContext,
  listen: string,
  more: Partial<ChassisOptions> = {},
): Promise<{ readonly app: Chassis; readonly url: string }> {
  const app = await chassis({ name: "orders", listen, serve: [orders()], signals: false, ...more });
  t.after(() => app.stop({ force: true }));
  return { app, url: app.addresses[0]! };
}

const turn = (): Promise<void> => new Promise(setImmediate);

interface Told {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** What the stream was reset with. */
  readonly reset: number | undefined;
}

/** One request of HTTP/2, read to its end. */
async function ask(
  two: ClientHttp2Session,
  headers: Record<string, string>,
  body?: string,
): Promise<Told> {
  const asked = two.request(headers, { endStream: body === undefined });
  asked.on("error", () => {});
  if (body !== undefined) asked.end(body);
  const chunks: Buffer[] = [];
  let answer: Record<string, unknown> = {};
  asked.on("response", (told) => (answer = told));
  asked.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => asked.on("close", resolve));
  return { headers: answer, body: Buffer.concat(chunks).toString(), reset: asked.rstCode };
}

function session(t: TestContext, url: string, options: object = {}): ClientHttp2Session {
  const made = connect(url, options);
  t.after(() => made.destroy());
  return made;
}

test("an address that begins with http: speaks HTTP/1.1 and HTTP/2, to whoever begins with what", async (t) => {
  const { url } = await listening(t, "http://127.0.0.1:0");
  deepEqual(await (await fetch(`${url}/orders/x`)).json(), { id: "x", item: "kettle" });
  const two = session(t, url);
  const got = await ask(two, { ":path": "/orders/x" });
  deepEqual([got.headers[":status"], got.body], [200, '{"id":"x","item":"kettle"}']);
  const placed = await ask(
    two,
    { ":method": "POST", ":path": "/orders", "content-type": "application/json" },
    '{"item":"pot"}',
  );
  deepEqual([placed.headers[":status"], placed.headers["location"]], [201, "/orders/o%201"]);
  const watched = await ask(two, { ":path": "/orders/x/watch" });
  equal(watched.body, '{"id":"x","item":"a"}\n{"id":"x","item":"b"}\n');
  const head = await ask(two, { ":method": "HEAD", ":path": "/orders/x" });
  deepEqual([head.headers["content-length"], head.body], ["26", ""]);
  const none = await ask(two, { ":path": "/nothing" });
  deepEqual([none.headers[":status"], none.headers["trunkline-executed"]], [404, "no"]);
});

test("over TLS both are spoken, as ALPN has it", async (t) => {
  const authority = testAuthority();
  const material = authority.issue({ name: "orders", hosts: ["localhost"] });
  const { url } = await listening(t, "https://localhost:0", { transports: [tls(material)] });
  const two = session(t, url, { ca: authority.cert });
  const got = await ask(two, { ":path": "/orders/x" });
  deepEqual([two.alpnProtocol, got.headers[":status"]], ["h2", 200]);
  two.close();
});

test("a Unix socket is an address like others", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "orders.sock");
  await listening(t, `http+unix:${path}`);
  const asked = request1({ socketPath: path, path: "/orders/x", agent: false }).end();
  const [answer] = (await once(asked, "response")) as [
    NodeJS.ReadableStream & { statusCode: number },
  ];
  answer.resume();
  equal(answer.statusCode, 200);
});

const Flow = contract(
  "flow",
  { version: "1.0.0" },
  {
    count: stream({
      in: z.object({ fail: z.int().optional() }),
      out: z.int(),
      errors: { FULL: undefined },
      idempotent: true,
    }),
    sum: upload({ in: z.int(), out: z.int() }),
  },
);

function flow(seen: { code?: unknown; aborted?: boolean }) {
  return serve(Flow, {
    async *count({ fail }, { signal, errors }) {
      for (let index = 0; ; index++) {
        if (index === fail) throw errors.FULL();
        yield index;
        if (fail === undefined) {
          await once(signal, "abort");
          seen.aborted = true;
          return;
        }
      }
    },
    async sum(items) {
      let sum = 0;
      try {
        for await (const item of items) sum += item;
      } catch (error) {
        seen.code = (error as { code: unknown }).code;
        throw error;
      }
      return sum;
    },
  });
}

test("over HTTP/2, too, what is cut never looks complete, and who resets a stream ends its handler", async (t) => {
  const seen: { code?: unknown; aborted?: boolean } = {};
  const { url, app } = await listening(t, "http://127.0.0.1:0", { serve: [flow(seen)] });
  const two = session(t, url);
  const failed = await ask(two, { ":path": "/flow/count?fail=2" });
  equal(failed.reset, 2, "INTERNAL_ERROR");
  const watching: ClientHttp2Stream = two.request({ ":path": "/flow/count" });
  await once(watching, "data");
  watching.close(8);
  while (app.inFlight > 0) await turn();
  equal(seen.aborted, true);
  const sending = two.request({
    ":method": "POST",
    ":path": "/flow/sum",
    "content-type": "application/x-ndjson",
  });
  sending.on("error", () => {});
  sending.write("1\n2\n");
  while (app.inFlight === 0) await turn();
  // `close` of a stream would end it in order first: that is how Node's client does it.
  two.destroy();
  while (app.inFlight > 0) await turn();
  equal(seen.code, "CANCELLED");
});

test("who asks before it sends is told when the handler reads, and is not told when it is refused", async (t) => {
  const { url } = await listening(t, "http://127.0.0.1:0", { serve: [flow({}), orders()] });
  const raw = await RawHttp.to(url);
  raw.say(
    "POST /flow/sum HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/x-ndjson\r\ncontent-length: 4\r\n\r\n",
  );
  match(await raw.hears(/\r\n\r\n/), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  raw.say("1\n2\n");
  match(await raw.hears(/\r\n\r\n3$/), /HTTP\/1\.1 200 OK/);
  raw.socket.destroy();
  const asking = await RawHttp.to(url);
  asking.say(
    "POST /orders HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n",
  );
  await asking.hears(/100 Continue\r\n\r\n$/);
  asking.say('{"item":"pot"}');
  match(await asking.hears(/\}$/), /HTTP\/1\.1 201/);
  asking.socket.destroy();
  const refused = await RawHttp.to(url);
  refused.say(
    "POST /orders HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: text/plain\r\ncontent-length: 14\r\n\r\n",
  );
  match(await refused.hears(/\}$/), /^HTTP\/1\.1 415/);
  refused.socket.destroy();
});

test("a large body is refused before it is asked for", async (t) => {
  const { url } = await listening(t, "http://127.0.0.1:0", { itemBytesMax: 10 });
  const raw = await RawHttp.to(url);
  raw.say(
    "POST /orders HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n",
  );
  match(await raw.hears(/\}$/), /^HTTP\/1\.1 413/);
  raw.socket.destroy();
});

test("a client finds what stands behind a base, and what is called like a place", async (t) => {
  const Files = contract(
    "files",
    { version: "2.0.0" },
    {
      get: call({ in: z.string(), out: z.string(), idempotent: true }),
      watch: stream({ out: z.string() }),
    },
  );
  const files = serve(Files, {
    get: (id) => `file ${id}`,
    async *watch() {
      yield "watched";
    },
  });
  const protocols = [rest({ bindings: [bindRest(Files, { base: "/api/x" })] })];
  const { url } = await listening(t, "http://127.0.0.1:0", { serve: [files], protocols });
  equal(await (await fetch(`${url}/api/x/v2/files/a`)).json(), "file a");
  await using called = client(Files, url, { protocols });
  for (const id of ["a", "watch", "v2", "files", "api"]) equal(await called.get(id), `file ${id}`);
  for await (const item of called.watch(undefined)) equal(item, "watched");
});
