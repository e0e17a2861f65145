import { equal } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { murmur2 as theirs } from "@platformatic/kafka";

import { murmur2, partitionOf } from "./partition-of.ts";

test("the hash is that of Kafka's own clients", () => {
  // From the tests of Kafka itself (org.apache.kafka.common.utils.UtilsTest).
  const known: readonly (readonly [string, number])[] = [
    ["21", -973_932_308],
    ["foobar", -790_332_482],
    ["a-little-bit-long-string", -985_981_536],
    ["a-little-bit-longer-string", -1_486_304_829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971],
    ["abc", 479_470_107],
  ];
  for (const [text, hash] of known) equal(murmur2(Buffer.from(text)), hash, text);
});

test("the hash agrees with the library for bytes of any length", () => {
  for (let length = 0; length < 64; length++) {
    const bytes = randomBytes(length);
    equal(murmur2(bytes), theirs(bytes), bytes.toString("hex"));
  }
});

test("a key has a partition among those there are", () => {
  equal(partitionOf(Buffer.from("21"), 12), (-973_932_308 & 0x7fff_ffff) % 12);
});
