// The table of what failures mean: each row is produced by a server that really does so.
import { deepEqual, equal, match } from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { suite, test } from "node:test";

import type { TrunklineError } from "../../../base/error.ts";
import { declare } from "../../suite/declare.ts";
import { failureOf } from "../../suite/stage.ts";
import { attempt, callerAt, httpScene, rawScene } from "./http-scene.ts";

const { get, follow } = declare("things", 1, {
  get: { kind: "call" },
  follow: { kind: "stream" },
});

interface Row {
  readonly name: string;
  readonly code: string;
  readonly executed: string;
  /** It speaks against the endpoint. */
  readonly counts: boolean;
  readonly says?: RegExp;
}

function check(error: TrunklineError, { code, executed, counts, says }: Row): void {
  deepEqual(
    { code: error.code, executed: error.executed, counts: error.endpointFault === true },
    { code, executed, counts },
    error.message,
  );
  if (says !== undefined) match(error.message, says);
}

/** An answer's head, with what else is given. */
function answer(status: number, headers: string, body: string = ""): string {
  return `HTTP/1.1 ${status} Some Words\r\n${headers}\r\n${body}`;
}

const json = "content-type: application/json\r\n";

suite("what a broken connection means", () => {
  const rows: (Row & { readonly serve: (socket: Socket) => void })[] = [
    {
      name: "a connection that is reset before the answer's headers",
      serve: (socket) => void socket.once("data", () => socket.resetAndDestroy()),
      ...{ code: "UNAVAILABLE", executed: "maybe", counts: true },
    },
    {
      name: "a connection that is ended before the answer's headers",
      serve: (socket) => void socket.once("data", () => socket.end()),
      ...{ code: "UNAVAILABLE", executed: "maybe", counts: true },
    },
    {
      name: "a connection that is reset in the middle of the headers",
      serve: (socket) =>
        void socket.once("data", () =>
          socket.write("HTTP/1.1 200 OK\r\ncontent-", () => socket.resetAndDestroy()),
        ),
      ...{ code: "UNAVAILABLE", executed: "maybe", counts: true },
    },
    {
      name: "a connection that is reset in the middle of the body",
      serve: (socket) =>
        void socket.once("data", () =>
          socket.write(answer(200, `${json}content-length: 100\r\n`, '{"a":'), () =>
            setImmediate(() => socket.resetAndDestroy()),
          ),
        ),
      ...{ code: "UNAVAILABLE", executed: "maybe", counts: true },
    },
    {
      name: "a body that is shorter than its length",
      serve: (socket) =>
        void socket.once("data", () =>
          socket.end(answer(200, `${json}content-length: 10\r\nconnection: close\r\n`, '{"a":1}')),
        ),
      ...{ code: "UNAVAILABLE", executed: "maybe", counts: true },
    },
    {
      name: "chunks without their end",
      serve: (socket) =>
        void socket.once("data", () =>
          socket.end(answer(200, `${json}transfer-encoding: chunked\r\n`, '7\r\n{"a":1}\r\n')),
        ),
      ...{ code: "UNAVAILABLE", executed: "maybe", counts: true },
    },
    {
      name: "an answer that is no HTTP",
      serve: (socket) => void socket.once("data", () => socket.end("220 mail.example ESMTP\r\n")),
      ...{ code: "UNAVAILABLE", executed: "maybe", counts: true },
    },
    {
      name: "100 Continue, though nobody asked for it",
      serve: (socket) =>
        void socket.once("data", () =>
          socket.write(`${answer(100, "")}${answer(200, `${json}content-length: 2\r\n`, "{}")}`),
        ),
      ...{ code: "UNAVAILABLE", executed: "maybe", counts: true },
    },
    {
      name: "headers that are too large",
      serve: (socket) =>
        void socket.once("data", () =>
          socket.write(answer(200, `x-large: ${"x".repeat(100_000)}\r\n`)),
        ),
      ...{ code: "RESOURCE_EXHAUSTED", executed: "maybe", counts: false },
    },
    {
      name: "a failure that is cut short says what its status says",
      serve: (socket) =>
        void socket.once("data", () =>
          socket.end(answer(401, `${json}content-length: 100\r\n`, '{"detail":')),
        ),
      ...{ code: "UNAUTHENTICATED", executed: "no", counts: false },
    },
  ];
  for (const row of rows)
    test(row.name, async () => {
      await using scene = await rawScene(row.serve);
      check(await failureOf(scene.call().call(get, {}, attempt())), row);
    });

  test("a connection that cannot be made", async () => {
    await using scene = await rawScene(() => {});
    const { port } = scene;
    await scene[Symbol.asyncDispose]();
    const caller = callerAt(port, { connectWaitMs: 30 }, {});
    const error = await failureOf(caller.call(get, {}, attempt()));
    check(error, { name: "", code: "UNAVAILABLE", executed: "no", counts: true });
    await caller.close();
  });

  test("a kept connection that is reset with the next request", async () => {
    let requests = 0;
    await using scene = await rawScene((socket) => {
      socket.on("data", () => {
        if (++requests === 1) socket.write(answer(200, `${json}content-length: 2\r\n`, "{}"));
        else socket.resetAndDestroy();
      });
    });
    const caller = scene.call();
    await caller.call(get, {}, attempt());
    const error = await failureOf(caller.call(get, {}, attempt()));
    check(error, { name: "", code: "UNAVAILABLE", executed: "maybe", counts: true });
    deepEqual([requests, scene.accepted], [2, 1]);
  });

  test("a kept connection that was closed meanwhile is not used: the request goes on another one", async () => {
    const sockets: Socket[] = [];
    await using scene = await rawScene((socket) => {
      sockets.push(socket);
      socket.on("data", () => socket.write(answer(200, `${json}content-length: 2\r\n`, `{}`)));
    });
    const caller = scene.call();
    await caller.call(get, {}, attempt());
    sockets[0]!.resetAndDestroy();
    while (caller.state === "ready") await new Promise((resolve) => setImmediate(resolve));
    await caller.call(get, {}, attempt());
    equal(scene.accepted, 2);
  });
});

suite("what an answer means that does not say what ran", () => {
  const html = (status: number) => (_request: IncomingMessage, response: ServerResponse) =>
    response.writeHead(status, { "content-type": "text/html" }).end("<h1>Sorry</h1>");
  const statuses: [status: number, code: string, executed: string, counts?: boolean][] = [
    [301, "UNKNOWN", "maybe"],
    [302, "UNKNOWN", "maybe"],
    [303, "UNKNOWN", "maybe"],
    [304, "UNKNOWN", "maybe"],
    [307, "UNKNOWN", "no"],
    [308, "UNKNOWN", "no"],
    [400, "INVALID_ARGUMENT", "maybe"],
    [401, "UNAUTHENTICATED", "no"],
    [402, "PERMISSION_DENIED", "maybe"],
    [403, "PERMISSION_DENIED", "maybe"],
    [404, "UNIMPLEMENTED", "maybe"],
    [405, "UNIMPLEMENTED", "no"],
    [406, "UNIMPLEMENTED", "maybe"],
    [407, "UNAUTHENTICATED", "no"],
    [408, "UNAVAILABLE", "no"],
    [409, "UNKNOWN", "maybe"],
    [410, "UNIMPLEMENTED", "maybe"],
    [411, "INVALID_ARGUMENT", "no"],
    [412, "UNKNOWN", "maybe"],
    [413, "RESOURCE_EXHAUSTED", "no"],
    [414, "RESOURCE_EXHAUSTED", "no"],
    [415, "UNIMPLEMENTED", "no"],
    [417, "UNIMPLEMENTED", "no"],
    [418, "UNKNOWN", "maybe"],
    [421, "UNAVAILABLE", "no"],
    [422, "INVALID_ARGUMENT", "maybe"],
    [425, "UNAVAILABLE", "no"],
    [426, "UNIMPLEMENTED", "no"],
    [428, "INVALID_ARGUMENT", "no"],
    [429, "RESOURCE_EXHAUSTED", "maybe"],
    [431, "RESOURCE_EXHAUSTED", "no"],
    [451, "PERMISSION_DENIED", "maybe"],
    [499, "CANCELLED", "maybe"],
    [500, "INTERNAL", "maybe", true],
    [501, "UNIMPLEMENTED", "no"],
    [502, "UNAVAILABLE", "maybe", true],
    [503, "UNAVAILABLE", "maybe", true],
    [504, "DEADLINE_EXCEEDED", "maybe", true],
    [505, "UNIMPLEMENTED", "no"],
    [507, "RESOURCE_EXHAUSTED", "maybe", true],
    [511, "UNAUTHENTICATED", "no"],
    [599, "INTERNAL", "maybe", true],
  ];
  for (const [status, code, executed, counts = false] of statuses)
    test(`${status}, with a page for people`, async () => {
      await using scene = await httpScene(html(status));
      const error = await failureOf(scene.call().call(get, {}, attempt()));
      check(error, { name: "", code, executed, counts, says: new RegExp(`${status}`) });
    });

  const rows: (Row & {
    readonly serve: (request: IncomingMessage, response: ServerResponse) => void;
  })[] = [
    {
      name: "503 with seconds to wait",
      serve: (_request, response) => response.writeHead(503, { "retry-after": "7" }).end(),
      ...{ code: "UNAVAILABLE", executed: "maybe", counts: true, says: /wait 7 s/ },
    },
    {
      name: "429 with a date to wait for",
      serve: (_request, response) =>
        response.writeHead(429, { "retry-after": "Fri, 31 Dec 2027 23:59:59 GMT" }).end(),
      code: "RESOURCE_EXHAUSTED",
      executed: "maybe",
      counts: false,
      says: /until Fri, 31 Dec 2027/,
    },
    {
      name: "a redirection says where to, and is not followed",
      serve: (_request, response) =>
        response.writeHead(308, { location: "https://elsewhere.example/things" }).end(),
      ...{ code: "UNKNOWN", executed: "no", counts: false, says: /elsewhere\.example/ },
    },
    {
      name: "a problem that says what ran, on whatever status",
      serve: (_request, response) =>
        response
          .writeHead(418, {
            "content-type": "application/problem+json",
            "trunkline-executed": "yes",
            "trunkline-code": "DATA_LOSS",
          })
          .end('{"detail":"the teapot is cracked","advice":"take another one","id":"r-1"}'),
      ...{ code: "DATA_LOSS", executed: "yes", counts: false, says: /cracked[^]*take another one/ },
    },
    {
      name: "a problem of somebody else",
      serve: (_request, response) =>
        response
          .writeHead(422, { "content-type": "application/problem+json" })
          .end('{"title":"Not so","detail":"the balance is too low"}'),
      ...{ code: "INVALID_ARGUMENT", executed: "maybe", counts: false, says: /balance is too low/ },
    },
    {
      name: "success with a page for people",
      serve: (_request, response) =>
        response.writeHead(200, { "content-type": "text/html" }).end("<h1>Please log in</h1>"),
      ...{ code: "INTERNAL", executed: "yes", counts: true, says: /text\/html/ },
    },
    {
      name: "success with JSON that is cut",
      serve: (_request, response) =>
        response.writeHead(200, { "content-type": "application/json" }).end('{"a":'),
      ...{ code: "INTERNAL", executed: "yes", counts: true },
    },
    {
      name: "success with more than is taken",
      serve: (_request, response) =>
        response
          .writeHead(200, { "content-type": "application/json" })
          .end(`"${"x".repeat(2_000)}"`),
      ...{ code: "RESOURCE_EXHAUSTED", executed: "yes", counts: false },
    },
    {
      name: "headers that do not come in time",
      serve: () => {},
      ...{ code: "DEADLINE_EXCEEDED", executed: "maybe", counts: false },
    },
    {
      name: "a body that does not end in time",
      serve: (_request, response) =>
        response.writeHead(200, { "content-type": "application/json" }).write('{"a":'),
      ...{ code: "DEADLINE_EXCEEDED", executed: "maybe", counts: false },
    },
  ];
  for (const row of rows)
    test(row.name, async () => {
      await using scene = await httpScene(row.serve);
      const caller = scene.call({ itemBytesMax: 1_000 });
      check(await failureOf(caller.call(get, {}, attempt(200))), row);
    });

  const ends: [name: string, headers: string, body: string, code: string, executed: string][] = [
    ["a stream that is cut", "application/x-ndjson", "1\n2\n", "UNAVAILABLE", "maybe"],
    ["events that are cut", "text/event-stream", "data: 1\n\ndata: 2\n\n", "UNAVAILABLE", "maybe"],
    ["items that are no JSON", "application/x-ndjson", "1\n2\n{\n", "INTERNAL", "yes"],
  ];
  for (const [name, type, body, code, executed] of ends)
    test(name, async () => {
      await using scene = await rawScene((socket) => {
        socket.once("data", () =>
          socket.end(
            answer(
              200,
              `content-type: ${type}\r\ntransfer-encoding: chunked\r\n`,
              `${body.length.toString(16)}\r\n${body}\r\n`,
            ),
          ),
        );
      });
      const options = { idleMs: Infinity, accept: (item: unknown) => item, settled: same };
      const stream = scene.call().stream(follow, {}, attempt(), options);
      deepEqual((await stream.next()).value, 1);
      deepEqual((await stream.next()).value, 2);
      const error = await failureOf(stream.next());
      deepEqual([error.code, error.executed], [code, executed]);
    });
});

suite("what is no failure", () => {
  test("success without a body is nothing, on 200 and 204", async () => {
    for (const status of [200, 204]) {
      await using scene = await httpScene((_request, response) => response.writeHead(status).end());
      equal(await scene.call().call(get, {}, attempt()), undefined);
    }
  });

  test("interim answers go before the one that counts", async () => {
    await using scene = await httpScene((_request, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: "</style.css>; rel=preload" });
      response.writeHead(200, { "content-type": "application/json" }).end('{"a":1}');
    });
    deepEqual(await scene.call().call(get, {}, attempt()), { a: 1 });
  });

  test("a status that is an answer, because the binding says so", async () => {
    const isFailure = (status: number): boolean => status !== 404;
    const binding = { contract: "things", major: 1, terms: { routes: { get: { isFailure } } } };
    await using scene = await httpScene((_request, response) =>
      response.writeHead(404, { "content-type": "application/json" }).end("null"),
    );
    const caller = scene.call({}, { versions: "none", bindings: [binding] });
    equal(await caller.call(get, {}, attempt()), null);
  });

  test("connections that are closed after each answer are opened again, without a pause", async () => {
    await using scene = await httpScene((_request, response) => {
      response.setHeader("connection", "close");
      response.setHeader("content-type", "application/json");
      response.end("1");
    });
    const caller = scene.call();
    for (let calls = 0; calls < 5; calls++) equal(await caller.call(get, {}, attempt()), 1);
    equal(scene.accepted, 5);
  });
});

const same = (failure: TrunklineError | undefined): TrunklineError | undefined => failure;
