import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import { Agent, request as request1, type IncomingMessage } from "node:http";
import { connect as connect2, type ClientHttp2Session } from "node:http2";
import { request as requestTls } from "node:https";
import type { Readable } from "node:stream";
import { test, type TestContext } from "node:test";

import type { HttpConnection, HttpHandlers, HttpRequest, HttpResponse } from "./http-server.ts";
import { ca, served, turn, turns, type Over, type Place } from "./testing/http-scene.ts";

const soon = { timeout: 60_000 };
const everywhere = ["tcp", "tls", "unix"] as const;

for (const over of everywhere) {
  test(
    `${over}: HTTP/1.1 and HTTP/2 are answered at one address by one handler`,
    soon,
    async (t) => {
      const place = await served(t, { request: echo }, {}, over);
      deepEqual(await ask1(t, place, over, "one"), { status: 200, text: "1.1 POST /it one" });
      deepEqual(await ask2(session2(t, place), "two"), { status: 200, text: "2 POST /it two" });
    },
  );

  test(`${over}: HTTP/2 comes in its own form where it is asked for`, soon, async (t) => {
    const handlers: HttpHandlers = {
      request: echo,
      stream: (stream, headers, { version }) => {
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ told: "last" }));
        stream.resume().end(`${version} ${headers[":path"]}`);
      },
    };
    const place = await served(t, handlers, {}, over);
    deepEqual(await ask1(t, place, over, "one"), { status: 200, text: "1.1 POST /it one" });
    const stream = session2(t, place).request({ ":method": "POST", ":path": "/own" });
    const trailers = once(stream, "trailers");
    equal(await textOf(stream.end()), "2 /own");
    equal(((await trailers) as [{ told: string }])[0].told, "last");
  });

  test(
    `${over}: the handler is told who asks, the same for all requests of a connection`,
    soon,
    async (t) => {
      const seen: HttpConnection[] = [];
      const place = await served(
        t,
        {
          request: (request, response, connection) => {
            seen.push(connection);
            echo(request, response, connection);
          },
        },
        {},
        over,
      );
      const session = session2(t, place);
      await Promise.all([ask2(session, "one"), ask2(session, "two")]);
      await ask1(t, place, over, "three");
      equal(seen[0], seen[1]);
      deepEqual(
        seen.map(({ version }) => version),
        ["2", "2", "1.1"],
      );
      for (const { peer } of seen) {
        ok(peer.address.startsWith(`${over}:`), peer.address);
        equal(peer.sameHost, true);
      }
    },
  );
}

test("connections and requests are counted while they are there", soon, async (t) => {
  const held: HttpResponse[] = [];
  const place = await served(t, { request: (_, response) => held.push(response) });
  const { server } = place;
  const session = session2(t, place);
  const answers = [ask2(session, "a"), ask2(session, "b"), ask1(t, place, "tcp", "c")];
  await turns(() => held.length === 3);
  deepEqual([server.connections, server.inFlight], [2, 3]);
  for (const response of held) response.end();
  await Promise.all(answers);
  await turns(() => server.inFlight === 0);
  session.close();
  await turns(() => server.connections === 0);
});

test("a request whose caller has gone is counted no longer", soon, async (t) => {
  let begun = 0;
  const place = await served(t, { request: () => begun++ });
  const socket = await place.dial();
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n");
  const session = session2(t, place);
  const stream = session.request({ ":path": "/" }).on("error", () => {});
  await turns(() => begun === 3);
  socket.destroy();
  stream.close(8);
  await turns(() => place.server.inFlight === 0);
  equal(place.server.connections, 1);
});

test("first bytes that come one by one are understood", soon, async (t) => {
  const place = await served(t, { request: echo });
  const socket = await place.dial();
  const answered = textOf(socket);
  for (const byte of "POST /it HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") {
    socket.write(byte);
    await turn();
  }
  match(await answered, /^HTTP\/1\.1 200 OK[^]*1\.1 POST \/it/);
});

test(
  "draining lets requests end, tells both versions, and takes no new connection",
  soon,
  async (t) => {
    const held: HttpResponse[] = [];
    const place = await served(t, { request: (_, response) => held.push(response) });
    const session = session2(t, place);
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const answers = [ask2(session, "a"), ask1(t, place, "tcp", "b", agent)];
    const idle = await place.dial();
    await turns(() => held.length === 2 && place.server.connections === 3);
    const goaway = once(session, "goaway");
    const drained = place.server.drain(30_000);
    await goaway;
    equal(place.server.draining, true);
    for (const response of held) response.end("late, but whole");
    for (const answer of await Promise.all(answers)) equal(answer.text, "late, but whole");
    equal(await drained, 0);
    if (!idle.closed) await once(idle.resume(), "close");
    equal(place.server.connections, 0);
    const refused = connect2(place.origin);
    const [error] = (await once(refused, "error")) as [NodeJS.ErrnoException];
    equal(error.code, "ECONNREFUSED");
  },
);

test(
  "an answer that is on its way when draining begins closes its connection when it ends",
  soon,
  async (t) => {
    const held: HttpResponse[] = [];
    const place = await served(t, { request: (_, response) => held.push(response) });
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const answer = ask1(t, place, "tcp", "a", agent);
    await turns(() => held.length === 1);
    const [response] = held as [HttpResponse & { write(text: string): boolean }];
    response.write("begun ");
    const drained = place.server.drain(30_000);
    await turn();
    response.end("ended");
    equal((await answer).text, "begun ended");
    equal(await drained, 0);
  },
);

test(
  "a request that comes while draining is for the handler to refuse, and its connection ends",
  soon,
  async (t) => {
    const held: HttpResponse[] = [];
    const place = await served(t, {
      request: (_, response) => {
        if (!place.server.draining) return void held.push(response);
        response.statusCode = 503;
        response.end();
      },
    });
    const first = ask1(t, place, "tcp", "held");
    const socket = await place.dial();
    socket.write("GET / HTTP/1.1\r\n");
    await turns(() => held.length === 1 && place.server.connections === 2);
    await turn();
    const drained = place.server.drain(30_000);
    const refused = textOf(socket);
    await turns(() => place.server.draining);
    socket.write("host: x\r\n\r\n");
    match(await refused, /^HTTP\/1\.1 503 [^]*connection: close/i);
    held[0]!.end();
    await first;
    equal(await drained, 0);
  },
);

test("what has not ended within the budget is told, and cut", soon, async (t) => {
  let begun = 0;
  const place = await served(t, { request: () => begun++ });
  const session = session2(t, place);
  const stream = session.request({ ":path": "/" });
  const [lost1, lost2] = [lost(ask1(t, place, "tcp", "a")), once(stream, "close")];
  stream.on("error", () => {});
  await turns(() => begun === 2);
  let cuts = 0;
  equal(await place.server.drain(20, () => cuts++), 2);
  equal(cuts, 1);
  await Promise.all([lost1, lost2]);
  equal(await place.server.drain(1_000), 2, "draining twice is draining once");
});

function echo(request: HttpRequest, response: HttpResponse, { version }: HttpConnection): void {
  void textOf(request).then((text) =>
    response.end(`${version} ${request.method} ${request.url} ${text}`),
  );
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
}

async function ask1(
  t: TestContext,
  place: Place,
  over: Over,
  text: string,
  agent?: Agent,
): Promise<Answer> {
  const make = over === "tls" ? requestTls : request1;
  const asked = make(`${place.origin}/it`, {
    method: "POST",
    ca,
    ...(agent === undefined ? { agent: false } : { agent }),
    ...(over === "unix" ? { socketPath: place.server.address.place } : {}),
  });
  t.after(() => asked.destroy());
  const answered = once(asked, "response");
  asked.end(text);
  const [response] = (await answered) as [IncomingMessage];
  return { status: response.statusCode, text: await textOf(response) };
}

function session2(t: TestContext, place: Place): ClientHttp2Session {
  const { transport, place: path } = place.server.address;
  const session = connect2(place.origin, { ca, ...(transport === "unix" ? { path } : {}) });
  session.on("error", () => {});
  t.after(() => session.destroy());
  return session;
}

async function ask2(session: ClientHttp2Session, text: string): Promise<Answer> {
  const stream = session.request({ ":method": "POST", ":path": "/it" });
  const answered = once(stream, "response");
  stream.end(text);
  const [headers] = (await answered) as [{ ":status": number }];
  return { status: headers[":status"], text: await textOf(stream) };
}

async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

async function lost(answer: Promise<unknown>): Promise<void> {
  await rejects(answer);
}
