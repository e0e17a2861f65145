// Services that know nothing of Trunkline, called by a contract of theirs.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import * as z from "zod";

import { isTrunklineError } from "../base/error.ts";
import type { Client } from "../call/client-type.ts";
import { msgpack } from "../codec/msgpack/index.ts";
import { bytes, call, contract, notification, stream, upload } from "../contract/index.ts";
import { bindRest, rest, type RestOptions } from "../protocol/rest/index.ts";
import { client } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";

const Pet = z.object({ id: z.string(), name: z.string() });

const Pets = contract(
  "pets",
  { version: "2.0.0" },
  {
    add: call({ in: z.object({ name: z.string() }), out: Pet }),
    get: call({
      in: z.object({ petId: z.string(), fields: z.array(z.string()).optional() }),
      out: Pet,
      errors: { NOT_FOUND: z.object({ petId: z.string() }), GONE: undefined },
      idempotent: true,
    }),
    photo: call({ in: bytes(), out: bytes() }),
    watch: stream({ in: z.string(), out: Pet }),
    bark: notification({ in: z.object({ petId: z.string(), loud: z.boolean() }) }),
    load: upload({ in: Pet, out: z.number() }),
    film: upload({ in: bytes(), out: z.number() }),
  },
);

const binding = bindRest(Pets, {
  base: "/api",
  routes: {
    get: {
      path: "/pets/{petId}",
      query: ["fields"],
      errors: { NOT_FOUND: 404, GONE: 410 },
    },
    bark: { path: "/pets/{petId}/barks", header: { loud: "x-loud" } },
  },
});

interface Seen {
  readonly request: IncomingMessage;
  readonly body: string;
}

/** A service, a client of it, and what it was asked. */
async function meet(
  serve: RequestListener,
  use: (pets: Client<typeof Pets>, seen: Seen[]) => Promise<void>,
  options: ClientOptions = {},
  restOptions: RestOptions = {},
): Promise<void> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      seen.push({ request, body: Buffer.concat(parts).toString() });
      serve(request, response);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const protocols = [rest({ versions: "none", bindings: [binding], ...restOptions })];
    await using pets = client(Pets, `http://127.0.0.1:${port}`, { protocols, ...options });
    await use(pets, seen);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const rex = { id: "p-1", name: "Rex" };

test("fields go where the binding puts them, and unknown ones of the answer do not matter", async () => {
  await meet(
    (_request, response) => {
      response.setHeader("content-type", "application/json; charset=utf-8");
      response.end(JSON.stringify({ ...rex, colour: "brown" }));
    },
    async (pets, seen) => {
      deepEqual(await pets.add({ name: "Rex" }), rex);
      deepEqual(await pets.get({ petId: "a/b c", fields: ["id", "n&me"] }), rex);
      await pets.bark({ petId: "p-1", loud: true });
      deepEqual(
        seen.map(({ request, body }) => [request.method, request.url, body]),
        [
          ["POST", "/api/pets", '{"name":"Rex"}'],
          ["GET", "/api/pets/a%2Fb%20c?fields=id&fields=n%26me", ""],
          ["POST", "/api/pets/p-1/barks", ""],
        ],
      );
      equal(seen[2]!.request.headers["x-loud"], "true");
      match(seen[1]!.request.headers["traceparent"] as string, /^00-/);
      ok(Number(seen[1]!.request.headers["trunkline-timeout-ms"]) > 9_000);
    },
  );
});

test("errors are found by their status where the body is what they carry", async () => {
  const answers: [status: number, body: string][] = [
    [404, '{"petId":"p-9"}'],
    [404, '{"message":"no such path"}'],
    [410, ""],
  ];
  await meet(
    (_request, response) => {
      const [status, body] = answers.shift()!;
      response.writeHead(status, { "content-type": "application/json" }).end(body);
    },
    async (pets) => {
      const results = [];
      for (let calls = 0; calls < 3; calls++) {
        const { error } = (await pets.get.result({ petId: "p-9" })) as { error: unknown };
        ok(isTrunklineError(error));
        results.push([error.code, error.declared, error.executed, error.data]);
      }
      deepEqual(results, [
        ["NOT_FOUND", true, "yes", { petId: "p-9" }],
        ["UNIMPLEMENTED", false, "maybe", undefined],
        ["GONE", true, "yes", undefined],
      ]);
    },
  );
});

test("items come as lines and as events, whatever the service speaks", async () => {
  const bodies: [type: string, parts: string[]][] = [
    ["application/x-ndjson", ['{"id":"1","na', 'me":"a"}\n\n{"id":"2","name":"b"}']],
    [
      "text/event-stream",
      [
        ': hello\r\n\r\nid: 1\r\ndata: {"id":"1",\r\ndata: "name":"a"}\r',
        '\n\r\nevent: other\ndata: 7\n\ndata:{"id":"2","name":"b"}\n\n',
      ],
    ],
  ];
  await meet(
    (_request, response) => {
      const [type, parts] = bodies.shift()!;
      response.setHeader("content-type", type);
      for (const part of parts) response.write(part);
      response.end();
    },
    async (pets, seen) => {
      for (let streams = 0; streams < 2; streams++) {
        const items = [];
        for await (const item of pets.watch("p-1")) items.push(item);
        deepEqual(items, [
          { id: "1", name: "a" },
          { id: "2", name: "b" },
        ]);
      }
      match(seen[0]!.request.headers.accept!, /x-ndjson.*event-stream/);
    },
  );
});

test("bytes go and come as they are, and uploads as lines or as bytes", async () => {
  await meet(
    (request, response) => {
      if (request.url === "/api/pets/photo") {
        response.setHeader("content-type", "image/png");
        response.end(Buffer.from([1, 2, 3]));
      } else {
        response.setHeader("content-type", "application/json");
        response.end("2");
      }
    },
    async (pets, seen) => {
      deepEqual([...(await pets.photo(Buffer.from("jpeg")))], [1, 2, 3]);
      equal(await pets.load([rex, rex]), 2);
      equal(await pets.film([Buffer.from("one "), Buffer.from("two")]), 2);
      deepEqual(
        seen.map(({ request, body }) => [request.headers["content-type"], body]),
        [
          ["application/octet-stream", "jpeg"],
          ["application/x-ndjson", `${JSON.stringify(rex)}\n${JSON.stringify(rex)}\n`],
          ["application/octet-stream", "one two"],
        ],
      );
    },
  );
});

test("a service that does not read the format is asked in JSON, from then on", async () => {
  await meet(
    (request, response) => {
      if (request.headers["content-type"] !== "application/json") response.writeHead(415).end();
      else response.setHeader("content-type", "application/json").end(JSON.stringify(rex));
    },
    async (pets, seen) => {
      for (let calls = 0; calls < 2; calls++) deepEqual(await pets.add({ name: "Rex" }), rex);
      deepEqual(
        seen.map(({ request }) => request.headers["content-type"]),
        ["application/vnd.msgpack", "application/json", "application/json"],
      );
    },
    { format: msgpack() },
  );
});

test("versions are said where the options put them", async () => {
  const ways = [
    ["uri", "/api/v2/pets", undefined, "application/json"],
    [{ query: "version" }, "/api/pets?version=2", undefined, "application/json"],
    [{ header: "Api-Version" }, "/api/pets", "2", "application/json"],
    ["media-type", "/api/pets", undefined, "application/vnd.pets.v2+json"],
  ] as const;
  for (const [versions, url, header, type] of ways)
    await meet(
      (_request, response) => {
        response.setHeader("content-type", "application/json").end(JSON.stringify(rex));
      },
      async (pets, seen) => {
        await pets.add({ name: "Rex" });
        const { request } = seen[0]!;
        deepEqual(
          [request.url, request.headers["api-version"], request.headers["content-type"]],
          [url, header, type],
        );
      },
      {},
      { versions },
    );
});

test("what cannot stand in a path or a header never leaves", async () => {
  await meet(
    () => {},
    async (pets, seen) => {
      const failed = async (work: Promise<unknown>): Promise<unknown> => {
        const error = await work.then(
          () => undefined,
          (failure: unknown) => failure,
        );
        return isTrunklineError(error) && [error.code, error.executed];
      };
      for (const petId of ["", ".", ".."])
        deepEqual(await failed(pets.get({ petId })), ["INVALID_ARGUMENT", "no"]);
      for (const headers of [{ host: "elsewhere" }, { "not a name": "" }, { split: "a\r\nb: c" }])
        deepEqual(await failed(pets.add({ name: "" }, { headers })), ["INVALID_ARGUMENT", "no"]);
      equal(seen.length, 0);
    },
  );
});
