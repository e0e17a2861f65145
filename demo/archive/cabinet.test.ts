import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import type { Leg } from "../contracts/navigator.ts";
import { sealOf } from "../sheet.ts";
import { Cabinet, OutOfOrder, OutOfTurn } from "./cabinet.ts";

const seal = async (text: Uint8Array) => sealOf(Buffer.from(text).toString());

function leg(entry: number): Leg {
  return { entry, flight: entry, origin: "ORD", destination: "DFW", miles: 802.1, bearing: 216 };
}

async function* legs(...entries: number[]): AsyncGenerator<Leg> {
  for (const entry of entries) yield leg(entry);
}

test("a sheet whose sender is gone before its end is not kept, and can be handed in again", async () => {
  const cabinet = new Cabinet(seal);
  const cut = async function* (): AsyncGenerator<Leg> {
    yield* legs(1, 4);
    throw new Error("the caller is gone");
  };
  await rejects(cabinet.store("tower-1", 0, cut()), /the caller is gone/);
  equal(cabinet.last("tower-1"), 0);
  const sheet = await cabinet.store("tower-1", 0, legs(1, 4, 6));
  deepEqual([sheet.after, sheet.upTo, sheet.flights, sheet.miles], [0, 6, 3, 2406.3]);
  equal(cabinet.last("tower-1"), 6);
  const told = [];
  cabinet.arrivals.end();
  for await (const { what } of cabinet.arrivals.from(0, new AbortController().signal))
    told.push(what);
  deepEqual(told, ["begun", "cut", "begun", "stored"]);
});

test("a sheet begins where the last one of its tower ended, or it is refused", async () => {
  const cabinet = new Cabinet(seal);
  await cabinet.store("tower-1", 0, legs(1, 2));
  await rejects(cabinet.store("tower-1", 0, legs(1, 2)), OutOfTurn);
  await rejects(cabinet.store("tower-1", 2, legs(2, 3)), OutOfOrder);
  equal((await cabinet.store("tower-2", 0, legs(3))).upTo, 3);
  equal((await cabinet.store("tower-1", 2, legs(4))).upTo, 4);
});

test("of two that are handed in at once one is kept", async () => {
  const cabinet = new Cabinet(seal);
  const both = await Promise.allSettled([
    cabinet.store("tower-1", 0, legs(1, 2)),
    cabinet.store("tower-1", 0, legs(1, 2, 3)),
  ]);
  deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
});

test("nothing since the last sheet is no sheet", async () => {
  const cabinet = new Cabinet(seal);
  equal((await cabinet.store("tower-1", 0, legs())).flights, 0);
  equal(cabinet.arrivals.size, 0);
});
