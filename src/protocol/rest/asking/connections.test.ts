// What becomes of connections: which are used again, and which are not.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";

import type { TrunklineError } from "../../../base/error.ts";
import { declare } from "../../suite/declare.ts";
import { fails } from "../../suite/stage.ts";
import { Envelope, enveloped, itemsMediaType } from "../wire/envelope.ts";
import { attempt, httpScene } from "./http-scene.ts";

const { get, follow, put } = declare("things", 1, {
  get: { kind: "call" },
  follow: { kind: "stream" },
  put: { kind: "call", ordered: true },
});

const same = (failure: TrunklineError | undefined): TrunklineError | undefined => failure;
const options = { idleMs: Infinity, accept: (item: unknown) => item, settled: same };

test("a stream whose end comes together with more items than may wait frees its connection", async () => {
  await using scene = await httpScene((request, response) => {
    if (request.url!.endsWith("get")) {
      response.setHeader("content-type", "application/json").end("1");
      return;
    }
    const items = Array.from({ length: 1_000 }, (_, i) => enveloped(Envelope.item, String(i)));
    response.setHeader("content-type", itemsMediaType("json"));
    response.end(Buffer.concat([...items, enveloped(Envelope.end, "{}")]));
  });
  const caller = scene.call({}, { connectionsMax: 1 });
  const stream = caller.stream(follow, 0, attempt(), options);
  equal(await caller.call(get, 0, attempt()), 1, "nobody has read yet");
  let count = 0;
  for await (const item of stream) equal(item, count++);
  equal(count, 1_000);
  equal(scene.accepted, 1);
});

test("more requests than there may be connections wait for their turn", async () => {
  let underWay = 0;
  let most = 0;
  await using scene = await httpScene((_request, response) => {
    most = Math.max(most, ++underWay);
    setImmediate(() => {
      underWay--;
      response.setHeader("content-type", "application/json").end("1");
    });
  });
  const caller = scene.call({}, { connectionsMax: 3 });
  await Promise.all(Array.from({ length: 50 }, () => caller.call(get, 0, attempt())));
  ok(most <= 3 && scene.accepted <= 3, `${most} at once over ${scene.accepted} connections`);
});

test("calls of an ordered operation go one after the other, and a failure lets the next one go", async () => {
  const came: unknown[] = [];
  let underWay = 0;
  await using scene = await httpScene((request, response) => {
    equal(++underWay, 1);
    request.on("data", (body: Buffer) => came.push(JSON.parse(body.toString())));
    request.on("end", () =>
      setImmediate(() => {
        underWay--;
        if (came.length === 3) response.writeHead(500).end();
        else response.setHeader("content-type", "application/json").end("1");
      }),
    );
  });
  const caller = scene.call();
  const calls = Array.from({ length: 10 }, (_, i) => caller.call(put, i, attempt()));
  await fails(calls[2]!, "INTERNAL", "maybe");
  await Promise.allSettled(calls);
  deepEqual(came, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a request that is given up while it waits never leaves", async () => {
  const urls: unknown[] = [];
  const held = Promise.withResolvers<void>();
  await using scene = await httpScene((request, response) => {
    urls.push(request.url);
    void held.promise.then(() => response.setHeader("content-type", "application/json").end("1"));
  });
  const caller = scene.call({}, { connectionsMax: 1 });
  const first = caller.call(get, 0, attempt());
  const given = attempt();
  const second = fails(caller.call(get, 1, given), "CANCELLED", "no");
  const late = fails(caller.call(get, 2, attempt(50)), "DEADLINE_EXCEEDED", "no");
  given.cancel("caller");
  await Promise.all([second, late]);
  held.resolve();
  equal(await first, 1);
  equal(urls.length, 1);
});
