// The kinds that travel as messages: what they declare, what is refused, what counts in a digest.
import { deepEqual, equal, notEqual, throws } from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import {
  bytes,
  call,
  command,
  contract,
  describe,
  digestOf,
  document,
  event,
  gather,
  type AnyContract,
} from "./index.ts";
import { declarationsOf } from "./contract.ts";
import { isDirect, isMessage, kinds } from "./kinds.ts";

const Order = z.object({ id: z.string(), total: z.number() });

test("a message is plain data with its defaults: at least once, and gathers at most once", () => {
  deepEqual(event({ data: Order, key: "id" }), {
    kind: "event",
    head: undefined,
    in: Order,
    out: undefined,
    errors: {},
    idempotent: false,
    key: "id",
    delivery: "at-least-once",
    deadlineMs: undefined,
    idleMs: undefined,
    description: undefined,
    codec: { head: "json", in: "json", out: "json" },
  });
  const plan = document({ data: bytes(), delivery: "at-most-once" });
  deepEqual([plan.kind, plan.delivery, plan.codec.in], ["document", "at-most-once", "raw"]);
  const errors = { SOLD_OUT: z.string() };
  const ship = command({ in: Order, out: z.string(), errors, key: "id", deadline: "1h" });
  deepEqual(
    [ship.kind, ship.delivery, ship.deadlineMs, ship.errors],
    ["command", "at-least-once", 3_600_000, errors],
  );
  const quote = gather({ in: Order, out: z.number(), deadline: 250 });
  deepEqual([quote.kind, quote.delivery, quote.deadlineMs], ["gather", "at-most-once", 250]);
});

test("each kind travels one way, and says who answers", () => {
  const messages = Object.keys(kinds).filter((kind) => isMessage(kind as "call"));
  deepEqual(messages, ["command", "document", "event", "gather"]);
  equal(
    Object.keys(kinds).every((kind) => isDirect(kind as "call") !== isMessage(kind as "call")),
    true,
  );
  deepEqual(
    messages.map((kind) => kinds[kind as "command"].answers),
    ["one", "none", "none", "each"],
  );
});

test("what no message can mean is refused, each with its operation", () => {
  const loose = (make: unknown) => make as (terms: unknown) => { readonly kind: "call" };
  throws(
    () =>
      contract(
        "orders",
        { version: "1.0.0" },
        {
          a: loose(event)({ data: Order, delivery: "sometimes" }),
          b: { ...call(), delivery: "at-least-once" } as never,
          c: command({ out: bytes() }),
          d: { ...event(), out: Order } as never,
          e: { ...document(), errors: { GONE: undefined } } as never,
          f: { ...gather(), idleMs: 5 } as never,
          g: loose(event)({ data: Order, key: "a..b" }),
          h: loose(command)({ deadline: "soon" }),
        },
      ),
    (error: Error) => {
      deepEqual(
        error.message
          .split("\n")
          .filter((line) => /^ +\d+\. /.test(line))
          .map((line) => line.replace(/^ +\d+\. |\.$/g, "")),
        [
          'a: delivery must be "at-most-once", "at-least-once" or "exactly-once", not "sometimes"',
          "b: delivery is for messages, not for a call",
          "c: out cannot be bytes(): replies are JSON",
          "d: an event has no answer: leave out and errors away",
          "e: a document has no answer: leave out and errors away",
          "f: idle is for operations with items, not for a gather",
          'g: key "a..b" is not a path: write the names of fields with dots between them',
          'h: deadline is not a duration: write milliseconds or "200ms", "5s", "2m", "1h"',
        ],
      );
      return true;
    },
  );
});

test("delivery is described and counts in the digest; calls are described as they always were", () => {
  const described = describe(one(event({ data: Order, delivery: "exactly-once" })));
  equal(described.operations["it"]!.delivery, "exactly-once");
  equal("delivery" in describe(one(call())).operations["it"]!, false);
  notEqual(
    digestOf(one(event({ data: Order }))),
    digestOf(one(event({ data: Order, delivery: "at-most-once" }))),
  );
  notEqual(digestOf(one(event({ data: Order }))), digestOf(one(document({ data: Order }))));
});

test("an operation leads back to where it is declared", () => {
  const placed = event({ data: Order });
  deepEqual(declarationsOf(placed), []);
  const Orders = contract("orders", { version: "1.0.0" }, { placed });
  deepEqual(declarationsOf(Orders.placed), [{ contract: Orders, member: "placed" }]);
  const Copies = contract("copies", { version: "1.0.0" }, { copied: placed });
  deepEqual(
    declarationsOf(placed).map(({ contract: of, member }) => [of === Copies, member]),
    [
      [false, "placed"],
      [true, "copied"],
    ],
  );
});

function one(operation: { readonly kind: "call" | "event" | "document" }): AnyContract {
  return contract("orders", { version: "1.0.0" }, { it: operation });
}
