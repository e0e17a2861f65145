import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { type Properties, readProperties, writeProperties } from "../../wire/amqp091/properties.ts";
import { deadLetter, type DeathReason, withoutCycles } from "./death.ts";
import type { Message } from "./message.ts";
import type { Table } from "./terms.ts";

const nowMs = 1_700_000_000_000;
const dlx = { exchange: "dlx", routingKey: undefined };

function message(properties: Properties = {}): Message {
  return {
    exchange: "x",
    routingKey: "k",
    properties: writeProperties(properties),
    body: Buffer.from("body"),
    persistent: true,
    priority: 3,
    expirationMs: properties.expiration === undefined ? undefined : Number(properties.expiration),
    key: "acme",
    cached: "an envelope",
  };
}

function headersOf(letter: Message): Table {
  return readProperties(letter.properties).headers ?? {};
}

function deathsOf(letter: Message): readonly Table[] {
  return headersOf(letter)["x-death"] as readonly Table[];
}

suite("a dead letter", () => {
  test("tells where, why, when and from where, and is the same message otherwise", () => {
    const sent = message({ messageId: "m", headers: { own: 1.5 }, contentType: "text/plain" });
    const letter = deadLetter(sent, "rejected", "q", dlx, nowMs);
    assert.deepEqual(readProperties(letter.properties), {
      messageId: "m",
      contentType: "text/plain",
      headers: {
        own: 1.5,
        "x-death": [
          {
            count: 1,
            reason: "rejected",
            queue: "q",
            time: new Date(nowMs),
            exchange: "x",
            "routing-keys": ["k"],
          },
        ],
        "x-first-death-reason": "rejected",
        "x-first-death-queue": "q",
        "x-first-death-exchange": "x",
        "x-last-death-reason": "rejected",
        "x-last-death-queue": "q",
        "x-last-death-exchange": "x",
      },
    });
    const { properties: _sent, cached: _envelope, ...same } = sent;
    const { properties: _letter, cached, ...other } = letter;
    assert.equal(cached, undefined);
    assert.deepEqual(other, { ...same, exchange: "dlx" });
  });

  test("expires no more, and tells when it would have", () => {
    const sent = message({ expiration: "250", headers: {} });
    const letter = deadLetter(sent, "expired", "q", dlx, nowMs);
    assert.equal(letter.expirationMs, undefined);
    assert.equal(readProperties(letter.properties).expiration, undefined);
    assert.equal(deathsOf(letter)[0]!["original-expiration"], "250");
  });

  test("with another key has no copies, and tells of those that it had", () => {
    const sent = message({ headers: { CC: ["a", "b"] } });
    const same = deadLetter(sent, "maxlen", "q", dlx, nowMs);
    assert.deepEqual(headersOf(same)["CC"], ["a", "b"]);
    const other = deadLetter(sent, "maxlen", "q", { ...dlx, routingKey: "other" }, nowMs);
    assert.equal(other.routingKey, "other");
    assert.equal(headersOf(other)["CC"], undefined);
    assert.deepEqual(deathsOf(other)[0]!["routing-keys"], ["k", "a", "b"]);
  });

  test("that dies again is counted by queue and reason, the newest first", () => {
    let letter = message();
    const ways: readonly [DeathReason, string][] = [
      ["rejected", "q"],
      ["expired", "later"],
      ["rejected", "q"],
      ["maxlen", "q"],
    ];
    for (const [index, [reason, queue]] of ways.entries())
      letter = deadLetter(letter, reason, queue, dlx, nowMs + index * 1_000);
    assert.deepEqual(
      deathsOf(letter).map(({ reason, queue, count, time }) => [reason, queue, count, time]),
      [
        ["maxlen", "q", 1, new Date(nowMs + 3_000)],
        ["rejected", "q", 2, new Date(nowMs)],
        ["expired", "later", 1, new Date(nowMs + 1_000)],
      ],
    );
    const headers = headersOf(letter);
    assert.equal(headers["x-first-death-reason"], "rejected");
    assert.equal(headers["x-last-death-reason"], "maxlen");
  });

  test("remembers a bounded number of deaths", () => {
    let letter = message();
    for (let index = 0; index < 200; index++)
      letter = deadLetter(letter, "rejected", `q-${index}`, dlx, nowMs);
    assert.equal(deathsOf(letter).length, 128);
    assert.equal(deathsOf(letter)[0]!["queue"], "q-199");
  });

  test("survives whatever a publisher wrote in the place of deaths", () => {
    for (const own of ["text", 1, ["text"], [{ queue: "q", reason: "rejected", count: "many" }]]) {
      const letter = deadLetter(
        message({ headers: { "x-death": own } }),
        "rejected",
        "q",
        dlx,
        nowMs,
      );
      assert.equal(deathsOf(letter)[0]!["count"], 1);
    }
  });
});

suite("a circle of dead letters", () => {
  const died = (...ways: readonly (readonly [DeathReason, string])[]) =>
    ways.reduce(
      (letter, [reason, queue]) => deadLetter(letter, reason, queue, dlx, nowMs),
      message(),
    );

  test("ends where the message expired before", () => {
    const letter = died(["expired", "a"], ["expired", "b"]);
    assert.deepEqual(withoutCycles(letter, "expired", ["a", "b", "c"]), ["c"]);
  });

  test("goes on as long as somebody rejects the message on its way round", () => {
    const letter = died(["rejected", "a"], ["expired", "b"]);
    assert.deepEqual(withoutCycles(letter, "expired", ["a", "b"]), ["a"]);
    const rejected = died(["expired", "b"], ["rejected", "a"]);
    assert.deepEqual(withoutCycles(rejected, "rejected", ["a", "b"]), ["a", "b"]);
  });
});
