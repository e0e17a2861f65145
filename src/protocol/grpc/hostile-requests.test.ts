import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from "node:http2";
import { suite, test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";

import type { TrunklineError } from "../../base/error.ts";
import { seededRandom } from "../../base/random.ts";
import { realEnv } from "../../base/real-env.ts";
import { parseAddress } from "../../transport/address.ts";
import { portOf } from "../../transport/host-port.ts";
import { tcp } from "../../transport/tcp/index.ts";
import { declare } from "../suite/declare.ts";
import { Services, whenCancelled } from "../suite/services.ts";
import { grpc } from "./index.ts";
import { envelope } from "./wire/envelope.ts";
import { readRpcStatus } from "./wire/rpc-status.ts";

const env = realEnv();
const soon = { timeout: 30_000 };
const itemBytesMax = 10_000;

/** google.protobuf.Value "x", in the field `value` of a request. */
const input = Buffer.from([0x0a, 0x03, 0x1a, 0x01, 0x78]);
const message = envelope(0, input);

interface Answer {
  readonly http: number;
  /** By name: of the head, then of the trailers. */
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** A server, and a client that says whatever it likes. */
async function scene(t: TestContext) {
  const operations = declare("suite", 1, {
    echo: { kind: "call" },
    wait: { kind: "call" },
    sum: { kind: "upload" },
  });
  const services = new Services();
  const sums: string[] = [];
  services.answer(operations.echo, (value) => value);
  services.answer(operations.wait, (_value, incoming) => whenCancelled(incoming));
  services.take(operations.sum, async (_head, items) => {
    const iterator = items.open((item) => item);
    for (;;) {
      const next = await iterator.next().catch((error: TrunklineError) => error);
      if (next instanceof Error) {
        sums.push(next.code);
        throw next;
      }
      if (next.done === true) return sums.push("complete");
    }
  });
  const { serve } = grpc({ cors: { origins: ["https://desk.example"] } }).over(tcp());
  const address = parseAddress("grpc://127.0.0.1:0");
  const server = await serve(address, services, { itemBytesMax }, env);
  const session = connect(`http://127.0.0.1:${portOf(server.address)}`);
  session.on("error", () => {});
  t.after(async () => {
    session.destroy();
    await server.drain(0);
  });
  return {
    services,
    sums,
    session,
    ask: (headers: OutgoingHttpHeaders, body?: Buffer) => asked(session, headers, body),
  };
}

async function asked(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body: Buffer | undefined,
): Promise<Answer> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/suite.v1.Suite/Echo",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const parts: Buffer[] = [];
  let told: Record<string, unknown> = {};
  for (const event of ["response", "trailers"])
    stream.on(event, (came: object) => (told = { ...told, ...came }));
  stream.on("data", (part: Buffer) => parts.push(part));
  if (body === undefined) stream.end();
  else stream.end(body);
  await once(stream, "end");
  return { http: Number(told[":status"]), headers: told, body: Buffer.concat(parts) };
}

function failureIn({ headers }: Answer): readonly unknown[] {
  return [Number(headers["grpc-status"]), headers["trunkline-executed"]];
}

const [invalidArgument, deadlineExceeded, resourceExhausted, unimplemented, internal] = [
  3, 4, 8, 12, 13,
] as const;

suite("what is no request is refused in words, and nothing runs", () => {
  const refused: readonly (readonly [
    what: string,
    status: number,
    headers: OutgoingHttpHeaders,
    body?: Buffer,
  ])[] = [
    ["an unknown method", unimplemented, { ":path": "/suite.v1.Suite/Nowhere" }, message],
    ["an unknown service", unimplemented, { ":path": "/other.v1.Suite/Echo" }, message],
    ["another kind of operation", unimplemented, { "trunkline-kind": "stream" }, message],
    ["an unknown compression", unimplemented, { "grpc-encoding": "zip" }, message],
    ["a compressed message of which nobody says how", internal, {}, envelope(1, gzipSync(input))],
    [
      "a message that is not compressed as it says",
      invalidArgument,
      { "grpc-encoding": "gzip" },
      envelope(1, input),
    ],
    [
      "a bomb",
      resourceExhausted,
      { "grpc-encoding": "gzip" },
      envelope(1, gzipSync(Buffer.alloc(4_000_000))),
    ],
    ["flags that mean nothing", invalidArgument, {}, envelope(4, input)],
    ["a message of four gigabytes", resourceExhausted, {}, Buffer.from([0, 255, 255, 255, 255, 1])],
    [
      "a message that is one byte too large",
      resourceExhausted,
      {},
      envelope(0, Buffer.alloc(itemBytesMax + 1)),
    ],
    ["a message that is cut", invalidArgument, {}, message.subarray(0, -1)],
    ["a prefix that is cut", invalidArgument, {}, message.subarray(0, 3)],
    ["bytes after the message", invalidArgument, {}, Buffer.concat([message, Buffer.from([0])])],
    ["two messages", unimplemented, {}, Buffer.concat([message, message])],
    ["no message", unimplemented, {}],
    ["a message that is no Protobuf", invalidArgument, {}, envelope(0, Buffer.from([0x0a, 0x7f]))],
    ["a timeout that is none", invalidArgument, { "grpc-timeout": "soon" }, message],
    ["a timeout of nine digits", invalidArgument, { "grpc-timeout": "123456789m" }, message],
    ["texts that cannot be read", invalidArgument, { "trunkline-headers-bin": "bm8=" }, message],
    [
      "JSON that is none",
      invalidArgument,
      { "content-type": "application/grpc+json" },
      envelope(0, "{"),
    ],
  ];
  for (const [what, status, headers, body] of refused) {
    test(what, soon, async (t) => {
      const { ask, services } = await scene(t);
      const answer = await ask(headers, body);
      deepEqual(
        [answer.http, ...failureIn(answer)],
        [200, status, "no"],
        answer.headers["grpc-message"] as string,
      );
      equal(services.begun.length, 0);
      const details = Buffer.from(String(answer.headers["grpc-status-details-bin"]), "base64");
      equal(readRpcStatus(details)?.status, status);
      equal((await ask({}, message)).headers["grpc-status"], "0");
    });
  }
});

test("what is not gRPC at all is answered as HTTP does", soon, async (t) => {
  const { ask } = await scene(t);
  const statusOf = async (headers: OutgoingHttpHeaders): Promise<number> =>
    (await ask(headers, headers[":method"] === "GET" ? undefined : message)).http;
  equal(await statusOf({ "content-type": "text/html" }), 415);
  equal(await statusOf({ "content-type": "application/json; charset=latin1" }), 415);
  equal(await statusOf({ ":method": "PUT" }), 405);
  equal(await statusOf({ ":method": "GET" }), 415);
  equal(
    await statusOf({
      ":method": "GET",
      ":path": "/suite.v1.Suite/Echo?connect=v1&encoding=json&message=%7B%7D",
    }),
    405,
  );
  match(
    String((await ask({ "content-type": "text/html" }, message)).headers["accept-post"]),
    /application\/grpc/,
  );
});

test("base64 that is none is refused", soon, async (t) => {
  const { ask, services } = await scene(t);
  for (const text of [
    "%%%%",
    "AAAA=AAA",
    "====",
    "AAAAAAECAwQ",
    message.toString("base64").slice(1),
  ]) {
    const { body } = await ask({ "content-type": "application/grpc-web-text" }, Buffer.from(text));
    const trailers = Buffer.from(body.toString(), "base64").toString();
    match(trailers, /grpc-status: (3|8)\r\n/, text);
    match(trailers, /trunkline-executed: no\r\n/, text);
  }
  equal(services.begun.length, 0);
});

test("base64 in several pieces, each with padding of its own, is read", soon, async (t) => {
  const { ask } = await scene(t);
  const pieces = [message.subarray(0, 4), message.subarray(4)].map((part) =>
    part.toString("base64"),
  );
  const { body } = await ask(
    { "content-type": "application/grpc-web-text" },
    Buffer.from(pieces.join("")),
  );
  const bytes = Buffer.from(body.toString().replace(/=+(?=.)/, ""), "base64");
  ok(bytes.includes(input));
});

test("a message that comes byte by byte is read", soon, async (t) => {
  const { session } = await scene(t);
  const stream = session.request({
    ":method": "POST",
    ":path": "/suite.v1.Suite/Echo",
    "content-type": "application/grpc",
  });
  for (const byte of message) {
    stream.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  stream.end();
  const [trailers] = (await once(stream.resume(), "trailers")) as [Record<string, string>];
  equal(trailers["grpc-status"], "0");
});

test("the server keeps the deadline of a caller that does not", soon, async (t) => {
  const { ask, services } = await scene(t);
  const answer = await ask({ ":path": "/suite.v1.Suite/Wait", "grpc-timeout": "50m" }, message);
  deepEqual(failureIn(answer), [deadlineExceeded, "maybe"]);
  equal(services.begun[0]!.cancelled, "deadline");
});

test(
  "a body that never comes is not waited for past its deadline, and nothing ran",
  soon,
  async (t) => {
    const { session, services } = await scene(t);
    const stream = session.request({
      ":method": "POST",
      ":path": "/suite.v1.Suite/Echo",
      "content-type": "application/grpc",
      "grpc-timeout": "50m",
    });
    stream.write(message.subarray(0, 6));
    const [told] = (await once(stream.resume(), "response")) as [Record<string, string>];
    deepEqual([told["grpc-status"], told["trunkline-executed"]], [String(deadlineExceeded), "no"]);
    equal(services.begun.length, 0);
  },
);

test("an upload that is reset never looks complete", soon, async (t) => {
  const { session, services, sums } = await scene(t);
  const stream = session.request({
    ":method": "POST",
    ":path": "/suite.v1.Suite/Sum",
    "content-type": "application/grpc",
  });
  stream.on("error", () => {});
  stream.write(message);
  await until(() => services.begun.length === 1);
  stream.destroy(); // `close` would send an end before the reset
  await until(() => sums.length === 1);
  deepEqual([sums, services.begun[0]!.cancelled], [["CANCELLED"], "caller"]);
});

test(
  "who sends headers without end loses its connection, and nobody else theirs",
  soon,
  async (t) => {
    const { session, ask } = await scene(t);
    await ask({}, message);
    const hostile = connect(`http://127.0.0.1:${session.socket.remotePort}`, {
      maxSendHeaderBlockLength: 2 ** 20,
    });
    hostile.on("error", () => {});
    t.after(() => hostile.destroy());
    const stream = hostile.request({ ":path": "/", "x-much": "y".repeat(300_000) });
    stream.on("error", () => {});
    await new Promise<void>((resolve) => hostile.on("close", resolve));
    equal((await ask({}, message)).headers["grpc-status"], "0");
  },
);

test("pages of other origins are let in where they may", soon, async (t) => {
  const { ask } = await scene(t);
  const preflight = {
    ":method": "OPTIONS",
    "content-type": undefined,
    "access-control-request-headers": "content-type,x-grpc-web",
  };
  const asks = async (origin: string): Promise<unknown[]> => {
    const { http, headers } = await ask({ ...preflight, origin });
    return [http, headers["access-control-allow-origin"], headers["access-control-allow-headers"]];
  };
  deepEqual(await asks("https://desk.example"), [
    204,
    "https://desk.example",
    "content-type,x-grpc-web",
  ]);
  deepEqual(await asks("https://evil.example"), [204, undefined, undefined]);
  const { headers } = await ask(
    { "content-type": "application/grpc-web", origin: "https://desk.example" },
    message,
  );
  equal(headers["access-control-allow-origin"], "https://desk.example");
  match(String(headers["access-control-expose-headers"]), /grpc-status/);
});

test(
  "whatever comes as a body, in whatever dialect, is answered, and the server serves on",
  soon,
  async (t) => {
    const seed = Math.floor(env.random() * 2 ** 32);
    const random = seededRandom(seed);
    t.diagnostic(`seed ${seed}`);
    const { ask } = await scene(t);
    const types = [
      "grpc",
      "grpc+json",
      "grpc-web",
      "grpc-web-text",
      "connect+proto",
      "connect+json",
      "proto",
      "json",
    ];
    for (let round = 0; round < 200; round++) {
      const type = `application/${types[Math.floor(random() * types.length)]}`;
      const path = `/suite.v1.Suite/${random() < 0.5 ? "Echo" : "Sum"}`;
      const noise = Buffer.from(Array.from({ length: random() * 40 }, () => random() * 256));
      const body =
        random() < 0.5 ? noise : Buffer.concat([envelope(random() < 0.8 ? 0 : 1, noise), noise]);
      const { http } = await ask(
        {
          "content-type": type,
          ":path": path,
          "grpc-encoding": random() < 0.3 ? "gzip" : "identity",
        },
        body,
      );
      ok(
        http >= 200 && http < 600 && http !== 500,
        `${type} ${path} ${body.toString("hex")}: ${http}`,
      );
    }
    equal((await ask({}, message)).headers["grpc-status"], "0");
  },
);

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
}
