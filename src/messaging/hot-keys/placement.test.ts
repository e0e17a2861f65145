import assert from "node:assert/strict";
import { test } from "node:test";
import { isTrunklineError } from "../../base/error.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { laneOf, Placement, type SaltingTerms } from "./placement.ts";

const channel = { ordered: true, shards: 12 };

function message(subject: string | undefined, id = "m-1"): Envelope {
  return {
    id,
    type: "orders.placed",
    source: "/shop",
    subject,
    time: 0,
    contentType: "application/json",
    attributes: {},
    data: new Uint8Array(),
  };
}

function keysOf(terms: SaltingTerms, subject: string, count: number): (string | undefined)[] {
  const placement = new Placement(channel, terms);
  return Array.from({ length: count }, () => placement.partitionKeyOf(message(subject), {}));
}

test("a key that is declared hot has sub-keys from the first message on, all of them in turn; others have none", () => {
  const terms = { keys: ["acme"], parts: 3 };
  assert.deepEqual(keysOf(terms, "acme", 4), ["acme#0", "acme#1", "acme#2", "acme#0"]);
  assert.deepEqual(keysOf(terms, "other", 2), [undefined, undefined]);
});

test("messages that are equal where `by` says keep to one sub-key, so that their order is kept", () => {
  const placement = new Placement(channel, { keys: ["acme"], by: "line.id" });
  const placed = (id: number): string | undefined =>
    placement.partitionKeyOf(message("acme"), { line: { id } });
  const [one, two] = [placed(1), placed(2)];
  assert.notEqual(one, two);
  for (let turn = 0; turn < 5; turn++) assert.deepEqual([placed(1), placed(2)], [one, two]);
});

test("a key becomes hot when it has more than its share, and stays so", () => {
  const placement = new Placement(channel, { above: 0.1 });
  const salted: string[] = [];
  for (let turn = 0; turn < 4_000; turn++) {
    const subject = turn % 5 === 0 ? "acme" : `small-${turn % 97}`;
    if (placement.partitionKeyOf(message(subject), {}) !== undefined) salted.push(subject);
  }
  assert.deepEqual([...new Set(salted)], ["acme"]);
  assert.ok(salted.length > 500 && salted.length < 800);
  for (let turn = 0; turn < 4_000; turn++) placement.partitionKeyOf(message("b"), {});
  assert.match(placement.partitionKeyOf(message("acme"), {}) ?? "", /^acme#\d+$/);
});

test("what has no key in a channel with order is spread by its id, and what says its own partition is left alone", () => {
  const placement = new Placement(channel);
  assert.equal(placement.partitionKeyOf(message(undefined, "m-7"), {}), "m-7");
  const own = { ...message(undefined), attributes: { partitionkey: "mine" } };
  assert.equal(placement.partitionKeyOf(own, {}), undefined);
  const unordered = new Placement({ ordered: false, shards: 12 });
  assert.equal(unordered.partitionKeyOf(message(undefined), {}), undefined);
});

test("messages wait for those of their sub-key alone, and a partition key of another meaning changes nothing", () => {
  const lane = (partitionkey: string | undefined): string | undefined =>
    laneOf({
      ...message("acme"),
      attributes: partitionkey === undefined ? {} : { partitionkey },
    });
  assert.equal(lane("acme#3"), "acme#3");
  assert.equal(lane("tenant-1"), "acme");
  assert.equal(lane(undefined), "acme");
});

test("terms that cannot be meant are refused", () => {
  for (const terms of [{ above: 0 }, { above: 2 }, { parts: 1 }, { parts: 2_000 }, { by: "" }])
    assert.throws(
      () => new Placement(channel, terms),
      (error) => isTrunklineError(error) && error.code === "INVALID_ARGUMENT",
    );
});
