// Two versions of one service behind a real cache that honours Vary: nginx. Whatever way a version is asked for, no answer of
// one is ever given for the other.
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { call, chassis, contract, serve, serveOlder, type Chassis } from "trunkline";
import { bindRest, rest, type VersionsBy } from "trunkline/protocol/rest";
import * as z from "zod";
import { nginx, nginxWith } from "../scripts/servers/nginx.ts";
import { start, stop } from "../scripts/servers/server.ts";
import { freePort, missing } from "../scripts/servers/for-tests.ts";

const One = contract(
  "orders",
  { version: "1.0.0" },
  {
    get: call({
      in: z.string(),
      out: z.object({ id: z.string(), version: z.literal(1) }),
      idempotent: true,
    }),
    list: call({
      in: z.object({ item: z.string().optional() }),
      out: z.array(z.literal("one")),
      idempotent: true,
    }),
  },
);
const Two = contract(
  "orders",
  { version: "2.0.0" },
  {
    get: call({
      in: z.string(),
      out: z.object({ number: z.string(), version: z.literal(2) }),
      idempotent: true,
    }),
    list: call({
      in: z.object({ item: z.string().optional() }),
      out: z.array(z.literal("two")),
      idempotent: true,
    }),
  },
);

interface Way {
  readonly name: string;
  readonly by: VersionsBy;
  /** How version 1 or 2 is asked for; the first one is the usual, the others mean the same. */
  readonly ask: (path: string, major: 1 | 2) => readonly Asked[];
}

interface Asked {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const ways: readonly Way[] = [
  {
    name: "URI",
    by: "uri",
    ask: (path, major) => [
      { path: `/v${major}${path}` },
      { path: `/v${major}${path}`, headers: { accept: "application/json" } },
      { path: `/v${major}${path}`, headers: { accept: "text/html, */*;q=0.5" } },
    ],
  },
  {
    name: "query parameter",
    by: { query: "version" },
    ask: (path, major) => [
      { path: `${path}?version=${major}` },
      { path: `${path}?version=v${major}` },
      { path: `${path}?version=${major}.0` },
    ],
  },
  {
    name: "header",
    by: { header: "api-version" },
    ask: (path, major) => [
      { path, headers: { "api-version": `${major}` } },
      { path, headers: { "api-version": `v${major}` } },
      { path, headers: { "api-version": `${major}`, accept: "application/json" } },
    ],
  },
  {
    name: "media type",
    by: "media-type",
    ask: (path, major) => [
      { path, headers: { accept: `application/vnd.orders.v${major}+json` } },
      { path, headers: { accept: `application/vnd.orders.v${major}+json, */*;q=0.1` } },
      { path, headers: { accept: `application/vnd.orders.v${major}+json;q=1` } },
    ],
  },
];

/** One way, served and cached. */
interface Place {
  readonly app: Chassis;
  readonly port: number;
  /** Requests that reached the service, past the cache. */
  reached: number;
}

/** How long an answer of `list` may be given before it is asked for again, in seconds; those of `get` last. */
const freshS = 1;

async function served(by: VersionsBy): Promise<Place> {
  const place = { reached: 0, port: await freePort() };
  const orders = serve(Two, {
    get: (number) => ({ number, version: 2 }),
    list: () => ["two" as const],
  });
  const routes = {
    get: { cacheControl: "public, max-age=3600" },
    list: { cacheControl: `public, max-age=${freshS}` },
  };
  const app = await chassis({
    name: "orders",
    listen: "http://127.0.0.1:0",
    signals: false,
    aroundHandler: [(next) => (input, context) => (place.reached++, next(input, context))],
    serve: [
      serveOlder(One, orders, {
        get: { down: ({ number }) => ({ id: number, version: 1 as const }) },
        list: { down: () => ["one" as const] },
      }),
      orders,
    ],
    protocols: [
      rest({ versions: by, bindings: [bindRest(One, { routes }), bindRest(Two, { routes })] }),
    ],
  });
  return Object.assign(place, { app });
}

interface Answer {
  readonly status: number;
  readonly cache: string;
  readonly tag: string | null;
  readonly vary: string | null;
  readonly version: number;
}

async function asked(port: number, { path, headers = {} }: Asked): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  const text = await answer.text();
  return {
    status: answer.status,
    cache: answer.headers.get("x-cache") ?? "none",
    tag: answer.headers.get("etag"),
    vary: answer.headers.get("vary"),
    version: /"version":2|"two"/.test(text) ? 2 : /"version":1|"one"/.test(text) ? 1 : 0,
  };
}

suite("versions behind a cache", { skip: missing(nginx) ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-cache-"));
  const places = new Map<Way, Place>();

  before(async () => {
    for (const way of ways) places.set(way, await served(way.by));
    const health = await freePort();
    const blocks = [...places.values()].map(
      ({ app, port }) => `server { listen 127.0.0.1:${port};
  location / { proxy_pass ${app.addresses[0]}; proxy_http_version 1.1; proxy_set_header connection "";
    proxy_cache answers; proxy_cache_revalidate on; add_header x-cache $upstream_cache_status always; } }`,
    );
    const http = `proxy_cache_path ${folder}/answers keys_zone=answers:1m;
server { listen 127.0.0.1:${health}; location = /healthz { return 200 ok; } }
${blocks.join("\n")}`;
    await start(nginxWith("nginx", health, http), folder);
  });
  after(async () => {
    await stop(folder);
    for (const { app } of places.values()) await app.stop({ force: true });
    rmSync(folder, { recursive: true });
  });

  for (const way of ways) {
    test(`${way.name}: each version is kept, and given to those who ask for it`, async (t) => {
      const place = places.get(way)!;
      const seen: string[] = [];
      for (const [major, cache] of [
        [1, "MISS"],
        [2, "MISS"],
        [1, "HIT"],
        [2, "HIT"],
        [2, "HIT"],
        [1, "HIT"],
      ] as const) {
        const answer = await asked(place.port, way.ask("/orders/o-1", major)[0]!);
        seen.push(`v${major} ${answer.cache}`);
        deepEqual([answer.status, answer.version, answer.cache], [200, major, cache]);
      }
      equal(place.reached, 2);
      const { vary } = await asked(place.port, way.ask("/orders/o-1", 1)[0]!);
      t.diagnostic(`${seen.join(", ")}; Vary: ${vary ?? "none"}`);
    });

    test(`${way.name}: other words for the same version never get the other one`, async (t) => {
      const { port } = places.get(way)!;
      const kept: string[] = [];
      for (const major of [1, 2, 1, 2] as const) {
        const caches: string[] = [];
        for (const each of way.ask("/orders/o-2", major)) {
          const answer = await asked(port, each);
          deepEqual([answer.status, answer.version], [200, major], JSON.stringify(each));
          caches.push(answer.cache);
        }
        kept.push(`v${major} ${caches.join(" ")}`);
      }
      t.diagnostic(kept.join(", "));
    });

    test(`${way.name}: who names no version gets the newest, whatever is kept`, async () => {
      const { port } = places.get(way)!;
      for (const order of ["o-3", "o-4"]) {
        const unnamed = { path: `/orders/${order}` };
        if (order === "o-4") await asked(port, way.ask(unnamed.path, 1)[0]!);
        equal((await asked(port, unnamed)).version, 2);
        equal((await asked(port, way.ask(unnamed.path, 1)[0]!)).version, 1);
        const again = await asked(port, unnamed);
        deepEqual([again.version, again.cache], [2, "HIT"]);
      }
    });

    test(`${way.name}: what is asked for all at once does not mix`, async (t) => {
      const { port } = places.get(way)!;
      const requests = Array.from({ length: 120 }, (_, index) => {
        const major = index % 2 === 0 ? 1 : 2;
        const spellings = way.ask(`/orders/c-${index % 5}`, major);
        return { major, each: spellings[index % spellings.length]! };
      });
      const hits: number[] = [];
      // At first while nothing is kept, then from what the first time has left.
      for (const _round of [1, 2]) {
        const answers = await Promise.all(requests.map(({ each }) => asked(port, each)));
        for (const [index, { status, version }] of answers.entries())
          deepEqual([status, version], [200, requests[index]!.major]);
        hits.push(answers.filter(({ cache }) => cache === "HIT").length);
      }
      ok(hits[1]! > 0);
      t.diagnostic(`of ${requests.length} at once ${hits.join(", then ")} from the cache`);
    });

    test(`${way.name}: what is asked for again by its tag stays what it was`, async (t) => {
      const { port } = places.get(way)!;
      const [one, two] = [way.ask("/orders", 1)[0]!, way.ask("/orders", 2)[0]!];
      const [first, second] = [await asked(port, one), await asked(port, two)];
      ok(first.tag !== null && second.tag !== null);
      notEqual(first.tag, second.tag);
      // When its time is over the cache asks for it again, by its tag, and is told that it is as it was.
      for (const [each, major] of [
        [one, 1],
        [two, 2],
      ] as const) {
        let answer = await asked(port, each);
        while (answer.cache === "HIT") answer = await asked(port, each);
        deepEqual([answer.version, answer.cache], [major, "REVALIDATED"]);
      }
      // The tag of one version says nothing of the other.
      const headers = { ...two.headers, "if-none-match": first.tag };
      const other = await asked(port, { path: two.path, headers });
      deepEqual([other.status, other.version], [200, 2]);
      const own = { ...one.headers, "if-none-match": first.tag };
      equal((await asked(port, { path: one.path, headers: own })).status, 304);
      t.diagnostic(`v1 ${first.tag}, v2 ${second.tag}: REVALIDATED each, 304 only for its own`);
    });
  }
});
