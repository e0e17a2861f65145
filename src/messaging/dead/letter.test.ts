import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { channel } from "../../broker/channel.ts";
import { attributeBytesMax, type Envelope } from "../../broker/envelope.ts";
import { layoutOf, letterOf, provenanceOf, type Provenance } from "./letter.ts";
import { redrivenFrom, redrivenOf } from "./redriven.ts";

const note = { why: "failed", code: "Error", reason: "no" } as const;

const provenance: Provenance = {
  ...{ channel: { name: "orders", shape: "queue" }, group: "", by: "desk", shard: "0" },
  ...{ attempts: 1, first: note, last: note, diedAt: 1, buriedAt: 2, deaths: 1, order: 3 },
  inOrder: true,
};

function envelopeWith(attributes: Envelope["attributes"]): Envelope {
  return {
    ...{ id: "1", type: "t", source: "/s", subject: "k", time: 5, contentType: "text/plain" },
    ...{ attributes, data: new Uint8Array([1]) },
  };
}

test("the expiry of a message does not hold for its letter, nor for it when it is redriven, and is not forgotten", () => {
  const expiry = "2026-01-01T00:00:00.000Z";
  const once = letterOf(envelopeWith({ expirytime: expiry }), provenance);
  equal(once.attributes["expirytime"], undefined);
  const back = redrivenFrom(once, { by: "ops", at: 7 });
  equal(back.attributes["expirytime"], undefined);
  equal(redrivenOf(back)?.by, "ops");
  const twice = letterOf(back, provenance);
  equal(redrivenOf(twice), undefined);
  equal(provenanceOf(twice)?.expiry, expiry);
});

test("a letter fits into the attributes that a broker takes, and names what had no room", () => {
  const attributes = {
    small: "s",
    large: "x".repeat(attributeBytesMax - 200),
    other: "y".repeat(90),
  };
  const letter = letterOf(envelopeWith(attributes), provenance);
  const bytes = Object.entries(letter.attributes).flat().join("").length;
  ok(bytes <= attributeBytesMax, `${bytes}`);
  deepEqual(provenanceOf(letter)?.cut, ["large"]);
  deepEqual([letter.attributes["small"], letter.attributes["other"]], ["s", "y".repeat(90)]);
});

test("a reason of any length leaves room for the rest", () => {
  const last = { ...note, reason: "r".repeat(attributeBytesMax), code: "c".repeat(1_000) };
  const letter = letterOf(envelopeWith({ small: "s" }), { ...provenance, last });
  const told = provenanceOf(letter);
  deepEqual([told?.last.reason.length, told?.last.code.length, told?.cut], [500, 100, undefined]);
  equal(letter.attributes["small"], "s");
});

test("what is no provenance counts as none", () => {
  const texts = ["", "no JSON", "null", "{}", `{"channel":{"name":"o"}}`, "[]", "7"];
  for (const deadletter of texts) equal(provenanceOf(envelopeWith({ deadletter })), undefined);
  for (const redriven of [...texts, `{"by":7,"at":1}`])
    equal(redrivenOf(envelopeWith({ redriven })), undefined);
});

test("a channel is found again by its layout", () => {
  for (const given of [
    channel({ name: "a", shape: "topic" }),
    channel({ name: "a", shape: "queue", ordered: true, shards: 3, priorityMax: 4 }),
    channel({ name: "a", shape: "topic", enqueued: "stored", guarantee: "exactly-once" }),
  ]) {
    const layout = JSON.parse(JSON.stringify(layoutOf(given))) as Provenance["channel"];
    deepEqual(channel(layout), given);
  }
});
