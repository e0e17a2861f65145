import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import * as z from "zod";

import { serve } from "../call/serve.ts";
import { command, contract, document, event, gather } from "../contract/index.ts";
import { bind } from "../messaging/channels.ts";
import { on } from "../messaging/on.ts";
import type { BrokerChoice } from "./broker-at.ts";
import { chassis } from "./chassis.ts";
import { client } from "./client.ts";
import { direct } from "./direct-at.ts";

const Parcel = z.object({ id: z.string(), grams: z.number() });
const delivery = "at-most-once";

const Depot = contract(
  "depot",
  { version: "1.0.0" },
  {
    ship: command({
      in: Parcel,
      out: z.string(),
      errors: { LOST: z.string() },
      key: "id",
      delivery,
    }),
    quote: gather({ in: z.number(), out: z.number() }),
    label: document({ data: Parcel, key: "id", delivery }),
    shipped: event({ data: Parcel, key: "id", delivery }),
  },
);

/** Real sockets, found by a folder; all in a temporary one. */
async function places(t: TestContext): Promise<(name: string) => BrokerChoice> {
  const folder = await mkdtemp(join(tmpdir(), "tl-direct-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const discovery = `directory:${join(folder, "services")}`;
  return (name) => ({
    make: direct({ discovery, listen: `unix:${join(folder, name)}` }),
    address: "direct:depot",
  });
}

test("commands, documents, events and gathers go between processes without a broker", async (t) => {
  const place = await places(t);
  const labels: string[] = [];
  const heard: string[] = [];
  const all = Promise.withResolvers<void>();
  await using _depot = await chassis({
    name: "depot",
    messages: place("a"),
    bindings: [bind(Depot.quote, { groups: ["near", "far"] })],
    serve: [
      serve(Depot, {
        ship({ id }, { errors }) {
          if (id === "gone") throw errors.LOST("nowhere to be seen");
          return `shipped ${id}`;
        },
      }),
      on(Depot.quote, { group: "near" }, (grams) => grams * 2),
      on(Depot.label, {}, ({ id }) => void labels.push(id)),
    ],
    signals: false,
  });
  await using _other = await chassis({
    name: "other",
    messages: place("b"),
    serve: [
      on(Depot.quote, { group: "far" }, (grams) => grams * 3),
      on(Depot.shipped, { group: "bills" }, ({ id, grams }) => {
        heard.push(`${id} ${grams}`);
        if (heard.length === 40) all.resolve();
      }),
    ],
    signals: false,
  });
  await using depot = client(Depot, "memory:nobody", {
    messages: place("c"),
    instance: "shop",
    bindings: [bind(Depot.quote, { groups: ["near", "far"] })],
  });

  assert.equal(await (await depot.ship({ id: "1", grams: 5 })).reply(), "shipped 1");
  const lost = await (await depot.ship({ id: "gone", grams: 5 })).result();
  assert.equal(!lost.ok && lost.error.code === "LOST" && lost.error.data, "nowhere to be seen");
  const { answers, complete } = await depot.quote(10);
  assert.deepEqual(
    [new Set(answers.map(({ value }) => value)), complete],
    [new Set([20, 30]), true],
  );
  const handled = await depot.label({ id: "l-1", grams: 1 }, { receipt: "handled", within: "5s" });
  assert.deepEqual([labels, Object.values(handled.groups)], [["l-1"], ["handled"]]);
  const parcels = Array.from({ length: 40 }, (_, i) => ({ id: `p${i % 4}`, grams: i }));
  const receipts = await depot.shipped.many(parcels);
  assert.ok(receipts.every((each) => "enqueued" in each && each.enqueued === "accepted"));
  await all.promise;
  for (const key of ["p0", "p1", "p2", "p3"]) {
    const own = parcels.filter(({ id }) => id === key).map(({ id, grams }) => `${id} ${grams}`);
    assert.deepEqual(
      heard.filter((each) => each.startsWith(key)),
      own,
    );
  }
});

test("what asks for more than memory is refused at the start, in words", async (t) => {
  const place = await places(t);
  const Kept = contract("kept", { version: "1.0.0" }, { happened: event() });
  await assert.rejects(
    chassis({ name: "p", messages: place("a"), serve: [serve(Kept, {})], signals: false }),
    /event kept\.happened asks for delivery "at-least-once", which direct cannot keep/,
  );
});

test("a message that its consumer gives up is dropped, and those of its key go on", async (t) => {
  const place = await places(t);
  const labels: string[] = [];
  const done = Promise.withResolvers<void>();
  await using depot = await chassis({
    name: "depot",
    messages: place("a"),
    serve: [
      on(Depot.label, { retry: false }, ({ grams }, { message }) => {
        labels.push(`${grams} ${message.attempt}`);
        if (grams === 1) throw new Error("torn");
        done.resolve();
      }),
    ],
    signals: false,
  });
  const { label } = depot.publisher(Depot);
  await label.many([1, 2].map((grams) => ({ id: "l", grams })));
  await done.promise;
  assert.deepEqual(labels, ["1 1", "2 1"]);
});

test("an address says a name or nothing, and a registry must take who registers", async () => {
  for (const address of ["direct:a/b", `direct:${"x".repeat(65)}`, "direct://host"])
    await assert.rejects(
      chassis({
        name: "p",
        messages: { make: direct(), address },
        serve: [on(Depot.label, {}, () => {})],
        signals: false,
      }),
      /what follows direct: is no name/,
    );
  await assert.rejects(
    chassis({
      name: "p",
      messages: { make: direct({ discovery: "static:tcp://127.0.0.1:1" }), address: "direct:" },
      serve: [on(Depot.label, {}, () => {})],
      signals: false,
    }),
    /nobody can tell what it consumes/,
  );
  await assert.rejects(
    chassis({
      name: "p",
      messages: { make: direct({ listen: "tcp://0.0.0.0:0" }), address: "direct:" },
      serve: [on(Depot.label, {}, () => {})],
      signals: false,
    }),
    /can be reached from other hosts, without encryption/,
  );
});
