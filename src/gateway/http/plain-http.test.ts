import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingMessage, type ServerResponse } from "node:http";
import { connect as connect2 } from "node:http2";
import { createServer as createTcp } from "node:net";
import { test, type TestContext } from "node:test";

import { allOf, ask, dial, edgeOf, nowhere, originOf, website } from "../testing/web.ts";

const soon = { timeout: 60_000 };

/** Says what it was asked. */
async function mirrorSite(t: TestContext, name: string = "site"): Promise<string> {
  return website(t, (asked, answer) => {
    allOf(asked).then(
      (body) => {
        answer.setHeader("x-served-by", name);
        answer.setHeader("content-type", "application/json");
        const { method, url, headers } = asked;
        answer.end(JSON.stringify({ method, url, headers, body }));
      },
      () => {}, // who asked has gone
    );
  });
}

interface Told {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

test("a request goes on as it came, and its answer comes back", soon, async (t) => {
  const to = await mirrorSite(t);
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
  const headers = { "x-mine": "1", host: "shop.example.com", "content-type": "text/plain" };
  const answer = await ask(origin, "/a%20b?q=1&q=2", { method: "PUT", headers, body: "hello" });
  const told = JSON.parse(answer.text) as Told;
  deepEqual([answer.status, answer.headers["x-served-by"]], [200, "site"]);
  deepEqual([told.method, told.url, told.body], ["PUT", "/a%20b?q=1&q=2", "hello"]);
  equal(told.headers["x-mine"], "1");
  equal(told.headers["host"], "shop.example.com");
  equal(told.headers["x-forwarded-for"], "127.0.0.1");
  equal(told.headers["x-forwarded-proto"], "http");
  equal(told.headers["via"], "1.1 trunkline");
});

test("what concerns one connection does not go on", soon, async (t) => {
  const to = await website(t, (asked, answer) => {
    answer.writeHead(200, {
      connection: "x-secret, close",
      "x-secret": "1",
      "keep-alive": "timeout=5",
    });
    answer.end(JSON.stringify(asked.headers));
  });
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
  const given = {
    connection: "keep-alive, x-hop",
    "x-hop": "1",
    te: "trailers",
    "x-forwarded-for": "6.6.6.6",
  };
  const answer = await ask(origin, "/", { headers: given });
  const told = JSON.parse(answer.text) as Record<string, string>;
  deepEqual(
    [told["x-hop"], told["te"], told["x-forwarded-for"]],
    [undefined, undefined, "127.0.0.1"],
  );
  deepEqual([answer.headers["x-secret"]], [undefined]);
});

test("HTTP/2 in, HTTP/1.1 out", soon, async (t) => {
  const to = await mirrorSite(t);
  const { origin } = await edgeOf(t, [{ match: { path: "/**", host: "shop.example.com" }, to }]);
  const session = connect2(origin);
  t.after(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": "/x",
    ":authority": "shop.example.com",
  });
  stream.end("body");
  const told = JSON.parse(await allOf(stream)) as Told;
  deepEqual([told.method, told.url, told.body], ["POST", "/x", "body"]);
});

test("bodies flow: what comes first goes on before the rest is there", soon, async (t) => {
  const { promise: go, resolve } = Promise.withResolvers<void>();
  const to = await website(t, (asked, answer) => {
    answer.writeHead(200);
    asked.once("data", (chunk: Buffer) => {
      answer.write(`got ${chunk.toString()}`);
      void go.then(() => answer.end(", done"));
    });
    asked.resume();
  });
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
  const asked = request(origin, { method: "POST", path: "/" });
  asked.write("half");
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const [first] = (await once(response, "data")) as [Buffer];
  equal(first.toString(), "got half");
  asked.end();
  resolve();
  equal(await allOf(response), ", done");
});

test("a large answer waits for its reader", soon, async (t) => {
  let sent = 0;
  const { promise: full, resolve } = Promise.withResolvers<void>();
  const part = Buffer.alloc(64 * 1024);
  const parts = 2_000;
  const to = await website(t, (_, answer) => {
    const more = (): void => {
      while (sent < parts) {
        sent++;
        if (answer.write(part)) continue;
        resolve();
        return;
      }
      answer.end();
    };
    answer.on("drain", more);
    more();
  });
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
  const asked = request(origin, { path: "/", agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  await full;
  let before = -1;
  while (before !== sent) {
    before = sent;
    for (let turn = 0; turn < 200; turn++) await new Promise((next) => setImmediate(next));
  }
  ok(sent < parts / 2, `${sent} of ${parts} parts were taken without a reader`);
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  equal(bytes, parts * part.length);
});

test("who waits to be told is told only when its body is wanted", soon, async (t) => {
  const to = await mirrorSite(t);
  const { origin } = await edgeOf(t, [
    { match: { path: "/small" }, to, bodyBytesMax: 4 },
    { match: { path: "/**" }, to },
  ]);
  const told = async (path: string): Promise<string> => {
    const asked = request(origin, {
      method: "POST",
      path,
      agent: false,
      headers: { expect: "100-continue", "content-length": 5 },
    });
    asked.flushHeaders();
    let continued = false;
    asked.on("continue", () => {
      continued = true;
      asked.end("hello");
    });
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    await allOf(response);
    asked.destroy();
    return `${continued} ${response.statusCode}`;
  };
  equal(await told("/large"), "true 200");
  equal(await told("/small"), "false 413");
});

test("a body without a length is counted, and cut at its bound", soon, async (t) => {
  const to = await mirrorSite(t);
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to, bodyBytesMax: 10 }]);
  const asked = request(origin, { method: "POST", path: "/", agent: false });
  asked.on("error", () => {});
  asked.write("hello");
  asked.write("hello hello");
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  equal(response.statusCode, 413);
  match(await allOf(response), /RESOURCE_EXHAUSTED/);
});

test("upgrades are refused with words", soon, async (t) => {
  const to = await mirrorSite(t);
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
  const answer = await ask(origin, "/", {
    headers: { connection: "Upgrade", upgrade: "websocket" },
  });
  equal(answer.status, 501);
  match(answer.text, /connect to the service itself/);
  equal(answer.headers["trunkline-executed"], "no");
});

test(
  "nobody there: 503, nothing ran; somebody who resets: 502, perhaps it did",
  soon,
  async (t) => {
    const resetting = createTcp((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.resetAndDestroy());
    });
    resetting.listen(0, "127.0.0.1");
    await once(resetting, "listening");
    t.after(() => resetting.close());
    const { origin } = await edgeOf(t, [
      { match: { path: "/dead" }, to: await nowhere() },
      { match: { path: "/resets" }, to: originOf(resetting) },
    ]);
    const dead = await ask(origin, "/dead");
    deepEqual([dead.status, dead.headers["trunkline-executed"]], [503, "no"]);
    const reset = await ask(origin, "/resets", { method: "POST", body: "x" });
    deepEqual([reset.status, reset.headers["trunkline-executed"]], [502, "maybe"]);
  },
);

test("who does not answer in time: 504", soon, async (t) => {
  const to = await website(t, () => {});
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to, deadline: "50ms" }]);
  const answer = await ask(origin, "/");
  deepEqual([answer.status, answer.headers["trunkline-executed"]], [504, "maybe"]);
  match(answer.text, /no answer began within 50 ms/);
});

test("an answer that is cut is cut for its reader too", soon, async (t) => {
  const to = await website(t, (_, answer) => {
    answer.writeHead(200, { "content-length": 100 });
    answer.write("half", () => answer.destroy());
  });
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
  await rejects(ask(origin, "/"), /aborted|ECONNRESET/);
});

test("who goes away is not worked for any more", soon, async (t) => {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const to = await website(t, (_, answer) => {
    answer.writeHead(200);
    answer.write("begun");
    answer.on("close", resolve);
  });
  const { origin, edge } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
  const asked = request(origin, { path: "/", agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  await once(response, "data");
  response.destroy();
  await gone;
  while (edge.stats().inFlight > 0) await new Promise((turn) => setImmediate(turn));
});

test(
  "what may be repeated goes to another target when one fails; what may not does not",
  soon,
  async (t) => {
    let reset = 0;
    const bad = await website(t, (asked) => {
      reset++;
      asked.socket.destroy();
    });
    const good = await mirrorSite(t);
    const edge = (): Promise<{ origin: string }> =>
      edgeOf(t, [{ match: { path: "/**" }, to: [bad, good] }]);
    const { origin: first } = await edge();
    const statuses = new Set<number>();
    for (let asked = 0; asked < 20; asked++)
      statuses.add((await ask(first, "/", { method: "POST" })).status);
    deepEqual(
      [...statuses].toSorted((a, b) => a - b),
      [200, 502],
    );
    const before = reset;
    const { origin: again } = await edge();
    for (let asked = 0; asked < 20; asked++) equal((await ask(again, "/")).status, 200);
    ok(reset > before);
  },
);

test("targets that are down are found out and left alone; nobody notices", soon, async (t) => {
  const dead = await nowhere();
  const good = await mirrorSite(t);
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to: [dead, good] }]);
  for (let asked = 0; asked < 30; asked++)
    equal((await ask(origin, "/", { method: "POST" })).status, 200);
});

for (const path of [
  "/a/../b",
  "/a/./b",
  "/a/..;/b",
  "/a/%2e%2e;x=1/b",
  "/a/%2e%2e/b",
  "/a/%2E%2e",
  "/a%2fb",
  "/a%5cb",
  "/a\\b",
  "//a",
  "/a//b",
  "/a%00b",
  "/a%0d%0ab",
  "/%ff",
  "/%zz",
  `/${"a/".repeat(300)}`,
]) {
  test(`the path ${path.slice(0, 20)} is refused before any rule looks at it`, soon, async (t) => {
    let asked = 0;
    const to = await website(t, (_, answer: ServerResponse) => {
      asked++;
      answer.end();
    });
    const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
    const socket = await dial(origin);
    socket.end(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    match(await allOf(socket), /^HTTP\/1\.1 400 [^]*more than one way/);
    equal(asked, 0);
  });
}

test("huge headers are refused with 431, and the gateway goes on", soon, async (t) => {
  const to = await mirrorSite(t);
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
  const socket = await dial(origin);
  socket.write(`GET / HTTP/1.1\r\nhost: x\r\nbig: ${"x".repeat(40_000)}\r\n\r\n`);
  match(await allOf(socket), /^HTTP\/1\.1 431 /);
  equal((await ask(origin, "/")).status, 200);
});

test("two lengths, or a length and chunks, are no request", soon, async (t) => {
  let asked = 0;
  const to = await website(t, (_, answer) => {
    asked++;
    answer.end();
  });
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
  for (const lines of [
    "content-length: 5\r\ncontent-length: 6",
    "content-length: 5\r\ntransfer-encoding: chunked",
    "transfer-encoding: xchunked",
  ]) {
    const socket = await dial(origin);
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${lines}\r\n\r\nhello`);
    match(await allOf(socket), /^HTTP\/1\.1 400 /);
  }
  equal(asked, 0);
});

test("a body that drips is cut off, and what waits for it upstream is freed", soon, async (t) => {
  const { promise: freed, resolve } = Promise.withResolvers<void>();
  const to = await website(t, (asked) => {
    asked.on("error", () => {});
    asked.on("close", resolve);
    asked.resume();
  });
  const routes = [{ match: { path: "/**" }, to }];
  const { origin } = await edgeOf(t, routes, { requestWithin: "100ms" });
  const socket = await dial(origin);
  socket.on("error", () => {});
  socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf");
  const drip = setInterval(() => socket.write("x"), 10);
  t.after(() => clearInterval(drip));
  await freed;
  clearInterval(drip);
  socket.destroy();
});

test(
  "what is under way when it stops ends whole, and nobody is taken on any more",
  soon,
  async (t) => {
    const { promise: held, resolve } = Promise.withResolvers<void>();
    const { promise: asked, resolve: told } = Promise.withResolvers<void>();
    const to = await website(t, (_, answer) => {
      answer.write("begun, ");
      told();
      void held.then(() => answer.end("ended"));
    });
    const { origin, edge } = await edgeOf(t, [{ match: { path: "/**" }, to }]);
    const answer = ask(origin, "/");
    await asked;
    const stopped = edge.stop();
    while (edge.ready) await new Promise((turn) => setImmediate(turn));
    resolve();
    equal((await answer).text, "begun, ended");
    deepEqual(await stopped, { cut: 0, forced: false });
    await rejects(ask(origin, "/"), /ECONNREFUSED/);
  },
);

test("it is counted what became of the requests of each route", soon, async (t) => {
  const to = await website(t, (asked, answer) => {
    if (asked.url === "/cut") answer.writeHead(200).write("half", () => asked.socket.destroy());
    else answer.writeHead(asked.url === "/bad" ? 500 : 200).end();
  });
  const { origin, edge } = await edgeOf(t, [{ name: "site", match: { path: "/**" }, to }]);
  for (const path of ["/", "/nothing", "/bad"]) await ask(origin, path);
  await rejects(ask(origin, "/cut"));
  const figures = () => edge.stats().routes[0]!.requests!;
  while (figures().count < 4) await new Promise((turn) => setImmediate(turn));
  const { count, failures, inFlight } = figures();
  deepEqual([count, failures, inFlight], [4, { 500: 1, cut: 1 }, 0]);
});

test("who breaks off what he sends takes no target away from others", soon, async (t) => {
  const good = await mirrorSite(t, "good");
  const other = await mirrorSite(t, "other");
  const { origin } = await edgeOf(t, [{ match: { path: "/**" }, to: [good, other] }]);
  const half = async (): Promise<void> => {
    const socket = await dial(origin);
    socket.on("error", () => {});
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf");
    await new Promise((turn) => setImmediate(turn));
    socket.destroy();
  };
  for (let asked = 0; asked < 20; asked++) await half();
  const session = connect2(origin);
  t.after(() => session.destroy());
  for (let asked = 0; asked < 20; asked++) {
    const stream = session.request({ ":method": "POST", ":path": "/", "content-length": 1_000 });
    stream.on("error", () => {});
    stream.write("half");
    for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
    stream.close(8);
    await once(stream, "close");
  }
  const served = new Set<unknown>();
  for (let asked = 0; asked < 50; asked++)
    served.add((await ask(origin, "/")).headers["x-served-by"]);
  deepEqual(served, new Set(["good", "other"]));
});
