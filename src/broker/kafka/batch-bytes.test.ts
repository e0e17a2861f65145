import assert from "node:assert/strict";
import { test } from "node:test";
import { createRecordsBatch, NumericMap } from "@platformatic/kafka";
import { seededRandom } from "../../base/random.ts";
import { batchBytes } from "./batch-bytes.ts";
import type { WrittenRecord } from "./record.ts";

test("a batch is to the byte what the library makes of the same records", () => {
  const seed = Math.floor(Math.random() * 1e9);
  const random = seededRandom(seed, "batch");
  const below = (most: number): number => Math.floor(random() * most);
  const text = (most: number): Buffer => Buffer.alloc(below(most), below(256));
  const record = (): WrittenRecord => ({
    key: random() < 0.3 ? undefined : text(200),
    value: random() < 0.3 ? undefined : text(20_000),
    headers: new Map(Array.from({ length: below(80) }, () => [text(20), text(200)])),
  });
  for (const transactional of [false, true]) {
    const records = Array.from({ length: 1 + below(90) }, record);
    const [identity, sequence] = [
      { producerId: 2n ** 40n + 5n, epoch: below(0x7fff) },
      below(2 ** 31),
    ];
    const timestamp = 1_795_000_000_000n;
    const sequences = new NumericMap();
    sequences.set("t:3", sequence);
    const messages = records.map((each) => ({ ...each, topic: "t", partition: 3, timestamp }));
    const theirs = createRecordsBatch(messages as Parameters<typeof createRecordsBatch>[0], {
      producerId: identity.producerId,
      producerEpoch: identity.epoch,
      sequences,
      transactionalId: transactional ? "x" : undefined,
    });
    const ours = batchBytes(records, { identity, sequence, timestamp, transactional });
    assert.ok(ours.equals(theirs.buffer), `seed ${seed}`);
  }
});
