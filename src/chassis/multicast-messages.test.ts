import { deepEqual, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import * as z from "zod";

import { serve } from "../call/serve.ts";
import { command, contract, document, event } from "../contract/index.ts";
import { on } from "../messaging/on.ts";
import { freePort } from "../transport/udp/testing/free-port.ts";
import { chassis } from "./chassis.ts";

const Price = z.object({ item: z.string(), cents: z.number() });
const Prices = contract(
  "prices",
  { version: "1.0.0" },
  { changed: event({ data: Price, delivery: "at-most-once" }) },
);

async function group(): Promise<string> {
  return `udp+multicast://239.255.77.10:${await freePort()}`;
}

const url = (path: string): string => JSON.stringify(import.meta.resolve(path));

/** A process that says what it hears, line by line. */
const program = `
  import * as z from ${url("zod")};
  import { contract, event } from ${url("../contract/index.ts")};
  import { on } from ${url("../messaging/on.ts")};
  import { chassis } from ${url("./chassis.ts")};

  const Price = z.object({ item: z.string(), cents: z.number() });
  const Prices = contract("prices", { version: "1.0.0" }, { changed: event({ data: Price, delivery: "at-most-once" }) });
  await chassis({
    name: "listener",
    messages: process.argv[1],
    serve: [on(Prices.changed, { group: false }, ({ item, cents }) => console.log(item, cents))],
  });
  console.log("hears");
`;

/** A process that hears; what it has said. */
async function listener(t: TestContext, messages: string): Promise<AsyncIterator<string>> {
  const words = [...process.execArgv, "--input-type=module", "-e", program, messages];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => {
    child.kill("SIGTERM");
    deepEqual(await once(child, "exit"), [0, null]);
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  deepEqual(await lines.next(), { done: false, value: "hears" });
  return lines;
}

test("an event reaches every process that is there, the publisher's own too", async (t) => {
  const messages = await group();
  const listeners = await Promise.all([listener(t, messages), listener(t, messages)]);
  const own: string[] = [];
  const heard = Promise.withResolvers<void>();
  await using app = await chassis({
    name: "publisher",
    messages,
    signals: false,
    serve: [
      on(Prices.changed, { group: false }, ({ item, cents }) => {
        if (own.push(`${item} ${cents}`) === 20) heard.resolve();
      }),
    ],
  });
  const { changed } = app.publisher(Prices);
  for (let cents = 0; cents < 20; cents++) {
    const { enqueued } = await changed({ item: "kettle", cents });
    deepEqual(enqueued, "accepted");
  }
  const all = Array.from({ length: 20 }, (_, cents) => `kettle ${cents}`);
  for (const lines of listeners) {
    const told: string[] = [];
    while (told.length < 20) told.push((await lines.next()).value as string);
    deepEqual(told.toSorted(), all.toSorted());
  }
  await heard.promise;
  deepEqual(own.toSorted(), all.toSorted());
});

test("what asks for more than that it may be heard does not start, and all of it is told at once", async () => {
  const More = contract(
    "more",
    { version: "1.0.0" },
    {
      kept: event({ data: Price }),
      sorted: event({ data: Price, key: "item", delivery: "at-most-once" }),
      given: document({ data: Price, delivery: "at-most-once" }),
      wanted: command({ in: Price, out: z.string() }),
    },
  );
  const starting = chassis({
    name: "asks",
    messages: await group(),
    signals: false,
    serve: [
      serve(More, { wanted: () => "done" }),
      on(More.given, {}, () => {}),
      on(Prices.changed, { group: "billing" }, () => {}),
    ],
  });
  for (const told of [
    /event more\.kept asks for delivery "at-least-once"[^]*declare delivery: "at-most-once"/,
    /event more\.sorted asks for order per key[^]*leave its key away/,
    /document more\.given asks for that one of several gets it[^]*send it as an event/,
    /command more\.wanted asks for replies[^]*use another broker/,
    /event prices\.changed is consumed by the group "billing"[^]*write group: false/,
  ])
    await rejects(starting, told);
});

test("a group beyond the host is left alone without leave", async () => {
  const starting = chassis({
    name: "far",
    messages: "udp+multicast://239.255.77.10:7000?ttl=4",
    signals: false,
    serve: [on(Prices.changed, { group: false }, () => {})],
  });
  await rejects(starting, /leads to other hosts/);
});
