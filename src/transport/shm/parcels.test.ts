import { deepEqual, equal, match, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { isKeepable } from "../../base/given.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import { createSegment, nonceBytes } from "../../os/segment.ts";
import { parcelBytesMin, parcelRingBytes } from "./parcels.ts";
import { processMemory } from "./process-memory.ts";
import { descriptors, lent, movedPair, plain } from "./testing/moved-pair.ts";

const soon = { timeout: 60_000 };

/** Bytes that tell one parcel, and each place in it, from others. */
function block(bytes: number, seed: number): Buffer {
  const made = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) made.writeUInt32LE((at + seed * 0x9e3779b1) >>> 0, at);
  return made;
}

suite("parcels over connections in shared memory", { skip: addonProblem() ?? false }, () => {
  test(
    "from the third large payload on they go beside the frames, in their place, and may be kept",
    soon,
    async (t) => {
      const { near, far } = await movedPair(t);
      const went = [1, 2, 3, 4].map((seed) =>
        lent(near.connection, block(100_000, seed), Buffer.of(seed)),
      );
      plain(near.connection, Buffer.of(5));
      deepEqual(went, [false, false, true, true]);
      await far.until(() => far.frames.length === 3);
      for (const [index, seed] of [3, 4].entries()) {
        ok(far.frames[index]!.equals(Buffer.concat([Buffer.of(seed), block(100_000, seed)])));
        ok(isKeepable(far.memories[index]!.buffer));
      }
      deepEqual([...far.frames[2]!], [5]);
    },
  );

  test(
    "both directions, small ones and those of loans as ever, whatever the sizes and wherever the ring ends",
    soon,
    async (t) => {
      const { near, far } = await movedPair(t);
      equal(lent(near.connection, block(parcelBytesMin - 1, 1), Buffer.of(1)), false);
      equal(lent(near.connection, block(parcelRingBytes + 1, 1), Buffer.of(1)), false);
      for (const side of [near, far])
        for (const seed of [1, 2])
          lent(side.connection, block(parcelBytesMin, seed), Buffer.of(seed));
      const sizes = [
        parcelRingBytes,
        parcelBytesMin,
        3_000_001,
        1_500_003,
        parcelRingBytes - 1,
        999_999,
      ];
      for (const [index, bytes] of sizes.entries()) {
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          const data = block(bytes, index);
          ok(lent(from.connection, data, Buffer.of(index)), `${bytes} bytes find room`);
          await to.until(() => to.frames.length === index + 1);
          ok(to.frames[index]!.subarray(1).equals(data));
        }
      }
    },
  );

  test("what finds no room goes as frames, until the other side has read", soon, async (t) => {
    const { near, far } = await movedPair(t);
    for (const seed of [1, 2]) lent(near.connection, block(parcelBytesMin, seed), Buffer.of(seed));
    far.pause();
    const third = Math.floor(parcelRingBytes / 3);
    const go = (seed: number): boolean =>
      lent(near.connection, block(third, seed), Buffer.of(seed));
    deepEqual([go(1), go(2), go(3), go(4)], [true, true, true, false]);
    far.resume();
    await far.until(() => far.frames.length === 3);
    ok(far.frames.every((frame, index) => frame.subarray(1).equals(block(third, index + 1))));
    ok(go(5));
    await far.until(() => far.frames.length === 4);
  });

  test("who shares as much memory as he may sends them as frames", soon, async (t) => {
    const { near } = await movedPair(t, { processBytesMax: processMemory.bytes + 3 * 1024 * 1024 });
    const went = [1, 2, 3, 4].map((seed) =>
      lent(near.connection, block(100_000, seed), Buffer.of(seed)),
    );
    equal(went.includes(true), false);
  });

  test("the memory ends with the connection", soon, async (t) => {
    const before = [processMemory.bytes, descriptors()];
    const { near, far } = await movedPair(t);
    const moved = processMemory.bytes;
    for (const seed of [1, 2, 3]) lent(near.connection, block(100_000, seed), Buffer.of(seed));
    await far.until(() => far.frames.length === 1);
    ok(processMemory.bytes >= moved + 2 * parcelRingBytes, "both sides count it");
    near.connection.destroy("enough");
    await Promise.all([near, far].map((each) => each.until(() => each.closings.length > 0)));
    while (processMemory.bytes !== before[0]) await turn(); // or the test is too late
    ok(descriptors() <= before[1]! + 1, "but that of the listener");
  });

  const forgeries: readonly [name: string, make: () => number | undefined, word: string, RegExp][] =
    [
      ["without its memory", () => undefined, "parcel 70000", /no memory/],
      [
        "in memory without seals",
        () => addon()!.memoryCreate("x", 70_000),
        "parcel 70000",
        /not sealed/,
      ],
      ["in memory of another connection", foreign, "parcel 70000", /another connection/],
      ["of no number of bytes", foreign, "parcel x", /NaN bytes/],
      ["of no bytes", foreign, "parcel 0", /0 bytes/],
      ["larger than the ring", foreign, `parcel ${parcelRingBytes + 1}`, /4194305 bytes/],
    ];
  for (const [name, make, word, told] of forgeries) {
    test(
      `a peer that sends a parcel ${name} breaks the rules, and nothing stays open`,
      soon,
      async (t) => {
        const { near, far, forge } = await movedPair(t);
        const before = descriptors();
        const fd = make();
        forge(fd === undefined ? [] : [fd], word);
        if (fd !== undefined) addon()!.descriptorClose(fd);
        plain(near.connection, Buffer.of(1));
        await far.until(() => far.closings.length > 0);
        equal(far.reason?.kind, "broken");
        match(far.reason.message, told);
        equal(far.frames.length, 0);
        await near.until(() => near.closings.length > 0);
        ok(descriptors() <= before);
      },
    );
  }

  test("so does one that tells of a parcel and sends none", soon, async (t) => {
    const { near, far, forge } = await movedPair(t);
    for (const seed of [1, 2, 3]) lent(near.connection, block(100_000, seed), Buffer.of(seed));
    forge([], "parcel 70000");
    plain(near.connection, Buffer.of(1));
    await far.until(() => far.closings.length > 0);
    equal(far.reason?.kind, "broken");
    match(far.reason.message, /not there/);
    equal(far.frames.length, 1);
  });
});

/** A ring as it should be, that belongs to nobody here. */
function foreign(): number {
  const segment = createSegment(addon()!, parcelRingBytes, new Uint8Array(nonceBytes));
  segment.release();
  return segment.fd;
}
