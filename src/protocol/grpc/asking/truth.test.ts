import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp1 } from "node:http";
import { createServer, type Http2Session, type ServerHttp2Stream } from "node:http2";
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from "node:net";
import { test, type TestContext } from "node:test";

import { attempt, callerOf, giving, lab, methodOf, patient, turn, turns } from "../testing/lab.ts";
import { fails } from "../../suite/stage.ts";
import { envelope } from "../wire/envelope.ts";

const soon = { timeout: 60_000 };

type Answering = (stream: ServerHttp2Stream) => void;

const grpcHead = { ":status": 200, "content-type": "application/grpc+proto" };
const one = Buffer.from(methodOf(lab.echo).codecs.output.encode(1) as Uint8Array);

/** What a foreign server does with a call, and what is to be told of it. */
const rows: readonly (readonly [
  name: string,
  answer: Answering,
  code: string,
  executed: "no" | "maybe" | "yes",
])[] = [
  ["REFUSED_STREAM", (stream) => stream.close(7), "UNAVAILABLE", "no"],
  ["CANCEL", (stream) => stream.close(8), "CANCELLED", "maybe"],
  ["INTERNAL_ERROR", (stream) => stream.close(2), "INTERNAL", "maybe"],
  ["ENHANCE_YOUR_CALM", (stream) => stream.close(11), "RESOURCE_EXHAUSTED", "maybe"],
  ["a lost connection", (stream) => stream.session!.destroy(), "UNAVAILABLE", "maybe"],
  ["UNIMPLEMENTED at once", only({ "grpc-status": "12" }), "UNIMPLEMENTED", "no"],
  ["UNIMPLEMENTED after an item", after({ "grpc-status": "12" }), "UNIMPLEMENTED", "maybe"],
  ["INVALID_ARGUMENT at once", only({ "grpc-status": "3" }), "INVALID_ARGUMENT", "maybe"],
  ["UNAVAILABLE at once", only({ "grpc-status": "14" }), "UNAVAILABLE", "maybe"],
  [
    "UNAVAILABLE, and that it did not run",
    only({ "grpc-status": "14", "trunkline-executed": "no" }),
    "UNAVAILABLE",
    "no",
  ],
  [
    "INTERNAL, and that it ran",
    only({ "grpc-status": "13", "trunkline-executed": "yes" }),
    "INTERNAL",
    "yes",
  ],
  ["an unknown status", only({ "grpc-status": "99" }), "UNKNOWN", "maybe"],
  ["a status that is none", only({ "grpc-status": "fine" }), "UNAVAILABLE", "maybe"],
  ["success without an answer", only({ "grpc-status": "0" }), "INTERNAL", "maybe"],
  ["an end without a status", unfinished, "UNAVAILABLE", "maybe"],
  [
    "an end within a message",
    after({ "grpc-status": "0" }, envelope(0, one).subarray(0, 6)),
    "UNAVAILABLE",
    "maybe",
  ],
  [
    "a message that cannot be read",
    after({ "grpc-status": "0" }, envelope(0, Buffer.from([0xff]))),
    "INTERNAL",
    "yes",
  ],
  [
    "a message that cannot be decompressed",
    after({ "grpc-status": "0" }, envelope(1, one)),
    "INTERNAL",
    "yes",
  ],
  [
    "a message that is too large",
    after({ "grpc-status": "0" }, envelope(0, Buffer.alloc(5_000))),
    "RESOURCE_EXHAUSTED",
    "yes",
  ],
  [
    "two answers",
    after({ "grpc-status": "0" }, Buffer.concat([envelope(0, one), envelope(0, one)])),
    "INTERNAL",
    "maybe",
  ],
  ["404 of a web server", page(404), "UNIMPLEMENTED", "no"],
  ["405", page(405), "UNKNOWN", "no"],
  ["401 of a proxy", page(401), "UNAUTHENTICATED", "maybe"],
  ["503 of a proxy", page(503), "UNAVAILABLE", "maybe"],
  ["a page", page(200), "UNKNOWN", "maybe"],
];

for (const [name, answer, code, executed] of rows) {
  test(`${name}: ${code}, executed ${executed}`, soon, async (t) => {
    const port = await foreign(t, answer);
    const caller = callerOf(t, "grpc", port, { itemBytesMax: 4_096 });
    await fails(caller.call(lab.echo, 0, attempt()), code, executed);
  });
}

test("headers that are too many for servers of HTTP never leave", soon, async (t) => {
  const caller = callerOf(t, "grpc", await foreign(t, answered));
  const headers = { big: "x".repeat(20_000) };
  await fails(caller.call(lab.echo, 0, attempt(1_000, headers)), "INVALID_ARGUMENT", "no");
  equal(await caller.call(lab.echo, 0, attempt(10_000, { big: "x".repeat(10_000) })), 1);
});

test("nobody there, a server that hangs up, and one of HTTP/1.1: nothing ran", soon, async (t) => {
  const nobody = createTcp().listen(0, "127.0.0.1");
  const silent = createTcp((socket) => socket.destroy()).listen(0, "127.0.0.1");
  const old = createHttp1((_, response) => response.end("hello")).listen(0, "127.0.0.1");
  await Promise.all([nobody, silent, old].map((server) => once(server, "listening")));
  const ports = [nobody, silent, old].map(portOf);
  nobody.close();
  t.after(() => [silent, old].map((server) => server.close()));
  for (const port of ports)
    for (const protocol of ["grpc", "connect"] as const) {
      const caller = callerOf(t, protocol, port, { connectWaitMs: 100 });
      await fails(caller.call(lab.echo, 0, attempt()), "UNAVAILABLE", "no");
    }
});

test("what GOAWAY says was not looked at goes to another connection by itself", soon, async (t) => {
  let streams = 0;
  const port = await foreign(t, (stream) => {
    streams++;
    if (streams > 1) return answered(stream);
    stream.session!.goaway(0, -1); // nothing was looked at, it says
    setImmediate(() => stream.session?.destroy());
  });
  const caller = callerOf(t, "grpc", port);
  const calls = [caller.call(lab.echo, 0, attempt())];
  deepEqual((await Promise.allSettled(calls)).length, 1);
  equal(await caller.call(lab.echo, 0, attempt()), 1);
});

test(
  "GOAWAY on a connection without requests disturbs nobody: the next call dials",
  soon,
  async (t) => {
    const sessions: Http2Session[] = [];
    const port = await foreign(t, answered, sessions);
    const caller = callerOf(t, "grpc", port);
    for (const code of [0, 2, 11]) {
      equal(await caller.call(lab.echo, 0, attempt()), 1);
      sessions.at(-1)!.goaway(code);
      await turns(() => caller.state !== "ready");
    }
    equal(await caller.call(lab.echo, 0, attempt()), 1);
  },
);

test("signs of life asked of connections that are gone disturb nobody", soon, async (t) => {
  const sessions: Http2Session[] = [];
  const port = await foreign(t, answered, sessions);
  const caller = callerOf(t, "grpc", port, { keepaliveMs: 1 });
  for (let rounds = 1; rounds <= 6; rounds++) {
    equal(await caller.call(lab.echo, 0, attempt()), 1);
    for (let waits = 0; waits < rounds; waits++) await turn();
    if (rounds % 2 === 0) sessions.at(-1)!.destroy();
    else sessions.at(-1)!.close();
  }
  ok(sessions.length >= 3);
});

test(
  "a server that is silent is dead after its time, and a call of it perhaps ran",
  soon,
  async (t) => {
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const port = await raw(t, (socket) => socket.resume().write(settings));
    const caller = callerOf(t, "grpc", port, { keepaliveMs: 20, lifetimeMs: 100 });
    const error = await fails(caller.call(lab.echo, 0, attempt()), "UNAVAILABLE", "maybe");
    ok(/nothing came/.test(error.message), error.message);
  },
);

test("an upload that is given up is reset, and never ended first", soon, async (t) => {
  const seen: string[] = [];
  const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
  const port = await raw(t, (socket) => {
    socket.write(settings);
    socket.on("data", (bytes: Buffer) => {
      const from = bytes.toString("latin1", 0, 3) === "PRI" ? 24 : 0;
      for (let at = from; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
        const [type, flags] = [bytes[at + 3]!, bytes[at + 4]!];
        if (type === 0) seen.push((flags & 1) === 0 ? "data" : "end");
        if (type === 3) seen.push(`reset ${bytes.readUInt32BE(at + 9)}`);
      }
    });
  });
  const caller = callerOf(t, "grpc", port);
  const given = attempt();
  const source = async (sink: Parameters<ReturnType<typeof giving>>[0]): Promise<void> => {
    await giving([1])(sink);
    await turns(() => seen.includes("data"));
    given.cancel("caller");
    await turns(() => sink.closed);
  };
  const upload = caller.upload(lab.sum, undefined, source, given, patient);
  await fails(upload, "CANCELLED", "maybe");
  await turns(() => seen.includes("reset 8"));
  deepEqual(seen, ["data", "reset 8"]);
});

function only(headers: Record<string, string>): Answering {
  return (stream) => stream.respond({ ...grpcHead, ...headers }, { endStream: true });
}

function after(trailers: Record<string, string>, body: Buffer = envelope(0, one)): Answering {
  return (stream) => {
    stream.respond(grpcHead, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}

function answered(stream: ServerHttp2Stream): void {
  after({ "grpc-status": "0" })(stream);
}

function unfinished(stream: ServerHttp2Stream): void {
  stream.respond(grpcHead);
  stream.end(envelope(0, one));
}

function page(status: number): Answering {
  return (stream) => {
    stream.respond({ ":status": status, "content-type": "text/html" });
    stream.end("<h1>hello</h1>");
  };
}

/** A server of Node's that does this with each request; returns its port. */
async function foreign(
  t: TestContext,
  answer: Answering,
  sessions: Http2Session[] = [],
): Promise<number> {
  const server = createServer();
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
    t.after(() => session.destroy());
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume();
    answer(stream);
  });
  t.after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return portOf(server);
}

async function raw(t: TestContext, accept: (socket: Socket) => void): Promise<number> {
  const server = createTcp((socket) => {
    socket.on("error", () => {});
    t.after(() => socket.destroy());
    accept(socket);
  });
  t.after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return portOf(server);
}

function portOf(server: Pick<Server, "address">): number {
  return (server.address() as AddressInfo).port;
}
