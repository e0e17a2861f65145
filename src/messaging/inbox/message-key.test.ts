import { equal, notEqual } from "node:assert/strict";
import { test } from "node:test";
import type { Envelope } from "../../broker/envelope.ts";
import { commandKeyOf, messageKeyOf } from "./message-key.ts";

const uuid = "0192f1d4-0000-7000-8000-000000000001";

test("a UUID is known by itself: the same message from another source is the same", () => {
  equal(messageKeyOf({ id: uuid, source: "/shop" }), uuid);
});

test("any other id is unique for its source alone, and belongs to it", () => {
  equal(messageKeyOf({ id: "order 7", source: "/shop" }), "order 7 /shop");
  notEqual(
    messageKeyOf({ id: "order 7", source: "/shop" }),
    messageKeyOf({ id: "order 7", source: "/depot" }),
  );
});

test("a key is never longer than every database can index, and tells long ids apart", () => {
  const long = (end: string): string =>
    messageKeyOf({ id: "x".repeat(1_000) + end, source: "/shop" });
  equal(long("a"), long("a"));
  notEqual(long("a"), long("b"));
  equal(long("a").length <= 200, true);
  equal(messageKeyOf({ id: "y".repeat(190), source: "/a" }).length, 193);
});

test("a command that is idempotent by key is known by its key, where it has one", () => {
  const envelope = { id: uuid, source: "/shop", attributes: {} } as Envelope;
  equal(commandKeyOf(envelope), uuid);
  equal(commandKeyOf({ ...envelope, attributes: { idempotencykey: "7" } }), "key 7");
});
