import { deepEqual, equal, match, ok } from "node:assert/strict";
import { openSync } from "node:fs";
import { suite, test } from "node:test";

import { isKeepable } from "../../base/given.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import { loan, loanOf, seal } from "../../os/loan.ts";
import type { Mover } from "../mover.ts";
import { descriptors, lent, movedPair, plain } from "./testing/moved-pair.ts";

const soon = { timeout: 60_000 };

suite("loans over connections in shared memory", { skip: addonProblem() ?? false }, () => {
  test(
    "lent data arrives behind its frame, in its place among others, and may be kept",
    soon,
    async (t) => {
      const { near, far } = await movedPair(t);
      plain(near.connection, Buffer.of(1));
      const page = seal(loan(200_000).fill(7));
      ok(lent(near.connection, page, Buffer.of(2, 3)));
      plain(near.connection, Buffer.of(4));
      await far.until(() => far.frames.length === 3);
      deepEqual([...far.frames[0]!, ...far.frames[2]!], [1, 4]);
      deepEqual([...far.frames[1]!.subarray(0, 3)], [2, 3, 7]);
      equal(far.frames[1]!.length, 200_002);
      ok(isKeepable(far.memories[1]!.buffer));
      ok(far.memories[1]!.subarray(2).equals(page));
      ok(!isKeepable(far.memories[2]!.buffer));
    },
  );

  test(
    "many may be lent before the other side reads one, and both sides may lend",
    soon,
    async (t) => {
      const { near, far } = await movedPair(t);
      far.pause();
      const pages = Array.from({ length: 150 }, (_, index) => seal(loan(66_000).fill(index)));
      const went = pages.map((page, index) => lent(near.connection, page, Buffer.of(index)));
      equal(went.includes(false), false);
      ok(lent(far.connection, pages[9]!, Buffer.of(99)));
      await near.until(() => near.frames.length === 1);
      far.resume();
      await far.until(() => far.frames.length === pages.length);
      deepEqual(
        far.frames.map((frame) => [frame[0], frame[1], frame.at(-1)]),
        pages.map((_, index) => [index, index, index]),
      );
    },
  );

  test(
    "ordinary bytes cannot be lent, nor anything over a connection that has not moved",
    soon,
    async (t) => {
      const { near } = await movedPair(t);
      equal(near.connection.lend!(Buffer.alloc(100_000), 10), false);
      plain(near.connection, Buffer.of(1));
    },
  );

  test(
    "what the system has too many of on their way is not lent, and nothing else changes",
    soon,
    async (t) => {
      const { near, far } = await movedPair(t);
      const page = seal(loan(100_000).fill(3));
      const full = t.mock.method(addon()!, "socketSend", () => -109); // ETOOMANYREFS
      equal(lent(near.connection, page, Buffer.of(1)), false);
      plain(near.connection, Buffer.of(2));
      full.mock.restore();
      ok(lent(near.connection, page, Buffer.of(4)));
      await far.until(() => far.frames.length === 2);
      deepEqual([[...far.frames[0]!], [...far.frames[1]!.subarray(0, 2)]], [[2], [4, 3]]);
    },
  );

  test(
    "where what is lent cannot be received the connection is lost, and the peer has broken nothing",
    soon,
    async (t) => {
      const { near, far } = await movedPair(t);
      const none = t.mock.method(addon()!, "socketReceive", () => -90); // EMSGSIZE: there was no room for it
      ok(lent(near.connection, seal(loan(100_000)), Buffer.of(1)));
      await far.until(() => far.closings.length > 0);
      none.mock.restore();
      equal(far.reason?.kind, "lost");
      match(far.reason.message, /no more files/);
    },
  );

  test(
    "who dies with descriptors unread, behind others that are unread here, is known to be gone",
    soon,
    async (t) => {
      const { near, far } = await movedPair(t);
      const before = descriptors();
      const page = seal(loan(100_000));
      for (const each of [near, far, far, far]) ok((each.connection.moves as Mover).lend!(page));
      far.connection.destroy("it dies");
      await near.until(() => near.closings.length > 0);
      equal(near.reason?.kind, "lost");
      ok(descriptors() < before);
    },
  );

  test("no descriptor is left open when what was lent is not wanted any more", soon, async (t) => {
    const { near, far } = await movedPair(t);
    const page = seal(loan(100_000));
    const before = descriptors();
    for (let round = 0; round < 20; round++) lent(near.connection, page, Buffer.of(round));
    await far.until(() => far.frames.length === 20);
    equal(descriptors(), before);
    // Those that come when nobody takes them any more.
    for (let round = 0; round < 5; round++) (near.connection.moves as Mover).lend!(page);
    near.connection.destroy("enough");
    await far.until(() => far.closings.length > 0);
    await near.until(() => near.closings.length > 0);
    ok(descriptors() < before);
  });

  const forgeries: readonly [
    name: string,
    fd: () => number | undefined,
    word: string,
    told: RegExp,
  ][] = [
    ["no descriptor", () => undefined, "loan 0 70000", /gives none/],
    ["a file", () => openSync("/proc/self/exe", "r"), "loan 0 70000", /not sealed/],
    [
      "memory without seals",
      () => addon()!.memoryCreate("x", 70_000),
      "loan 0 70000",
      /not sealed/,
    ],
    ["memory that is too short", () => small(), "loan 0 70000", /has 10 bytes/],
    ["a part that lies elsewhere", () => small(), "loan 9 2", /11 were told/],
    ["an offset that is no number", () => small(), "loan x 2", /it has 2 bytes/],
    ["nothing of it", () => small(), "loan 0 0", /it has 0 bytes/],
  ];
  for (const [name, make, word, told] of forgeries) {
    test(`a peer that lends ${name} breaks the rules, and nothing stays open`, soon, async (t) => {
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
    });
  }
});

/** Sealed memory of ten bytes. */
function small(): number {
  return addon()!.descriptorCopy(loanOf(seal(loan(10)))!.fd);
}
