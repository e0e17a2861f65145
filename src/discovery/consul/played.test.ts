import { deepEqual, equal, match } from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { suite, test } from "node:test";

import { sleep } from "../../base/alarm.ts";
import { realEnv } from "../../base/real-env.ts";
import { Hearing } from "../suite/stage.ts";
import { consul } from "./index.ts";

const env = realEnv();

suite(
  "answers that no real Consul gives on demand, played by a small server",
  { timeout: 60_000 },
  () => {
    test("an index that goes backwards is forgotten: the next question asks for everything", async () => {
      const asked: (string | null)[] = [];
      const indexes = ["50", "50", "7", "8"];
      await using server = await playing((query) => {
        asked.push(query.get("index"));
        const index = indexes[asked.length - 1];
        return index === undefined ? undefined : { "x-consul-index": index };
      });
      await using client = consul({ urls: [server.url], answerMs: 500, waitMs: 30_000 });
      await using _ = client.watch("orders", () => {}, env);
      while (asked.length < 5) await sleep(env, 10);
      deepEqual(asked, [null, "50", "50", null, "8"]);
    });

    test("an answer without an index asks no faster than a round may be", async () => {
      let asked = 0;
      await using server = await playing(() => (asked++, {}));
      await using client = consul({ urls: [server.url] });
      await using _ = client.watch("orders", () => {}, env);
      await sleep(env, 500);
      equal(asked <= 12, true, `${asked} questions in half a second`);
    });

    test("a token that may not see all makes the registry unavailable, and nobody is taken away", async () => {
      await using server = await playing(() => ({
        "x-consul-index": "5",
        "x-consul-results-filtered-by-acls": "true",
      }));
      await using client = consul({ urls: [server.url] });
      const { status, problem } = await new Hearing(client, "orders", env).until(() => true);
      equal(status, "unavailable");
      match(problem!, /may not see all of orders; give a `token`/);
    });
  },
);

interface Playing extends AsyncDisposable {
  readonly url: string;
}

/** Answers with no services and the headers that it is told; keeps who asks waiting where it is told none. */
async function playing(
  headersFor: (query: URLSearchParams) => Record<string, string> | undefined,
): Promise<Playing> {
  const server: HttpServer = createServer((request, response) => {
    const headers = headersFor(new URL(request.url!, "http://x").searchParams);
    if (headers !== undefined) response.writeHead(200, headers).end("[]");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
