import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";

import { Envelope, enveloped, EnvelopeReader, itemsFormat, itemsMediaType } from "./envelope.ts";

const sent = [
  enveloped(Envelope.head, "héad"),
  enveloped(Envelope.item, ""),
  enveloped(Envelope.item, Buffer.alloc(300, 7)),
  enveloped(Envelope.item, "x"),
  enveloped(Envelope.end, "{}"),
];

test("envelopes come whole and in order, however their bytes are cut", () => {
  const whole = Buffer.concat(sent);
  for (const cut of [1, 2, 3, 5, 7, 64, 301, whole.length]) {
    const came: Buffer[] = [];
    const reader = new EnvelopeReader(300, (flag, memory, from, to) =>
      came.push(enveloped(flag, memory.subarray(from, to))),
    );
    for (let at = 0; at < whole.length; at += cut) {
      reader.push(whole.subarray(at, at + cut));
      equal(reader.unfinished, Buffer.concat(came).length < Math.min(at + cut, whole.length));
    }
    deepEqual(came, sent, `in parts of ${cut}`);
    equal(reader.unfinished, false);
  }
});

test("a payload that is larger than may be is refused before it has come", () => {
  const reader = new EnvelopeReader(300, () => {});
  throws(() => reader.push(enveloped(Envelope.item, Buffer.alloc(301)).subarray(0, 5)), RangeError);
});

test("the media type of items names how each is written", () => {
  equal(itemsFormat(itemsMediaType("msgpack")), "msgpack");
  equal(itemsFormat("application/x-ndjson"), undefined);
});
