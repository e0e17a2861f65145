import { deepEqual, equal, ok } from "node:assert/strict";
import { shares, textsOf, type Case } from "./stage.ts";

const concurrent: Case["when"] = ({ capabilities }) => capabilities.concurrent;

/** Texts that some client or server has been seen to spoil. */
const texts = [
  `"quoted" and 'quoted' \\ back \\\\ and $1 ? ?? :name @name %s`,
  "💥 𝒳 é é ß 漢字 ﷽",
  "line\nbreak\r\n\ttab",
  `"zero \\u0000 written out"`,
  "trailing space ",
  "x".repeat(2_000),
];

export const writingCases: readonly Case[] = [
  {
    name: "IN-6: messages of a sequence are counted without a gap, what is rolled back included in no count",
    async play(stage) {
      const store = await stage.open();
      const count = (sequence: string, by: number): Promise<number> =>
        store.transaction((tx) => store.outbox.count(tx, sequence, by));
      equal(await count("a", 1), 1);
      equal(await count("a", 3), 4);
      equal(await count("b", 1), 1);
      const failed = store.transaction(async (tx) => {
        equal(await store.outbox.count(tx, "a", 2), 6);
        throw new Error("not after all");
      });
      await failed.catch(() => {});
      equal(await count("a", 1), 5);
    },
  },
  {
    name: "rows keep the order in which they were written, however many",
    async play(stage) {
      const store = await stage.open();
      const all = Array.from({ length: 1_200 }, (_, index) => `${index}`);
      await stage.write(
        store,
        all.map((text) => stage.row(text, { lane: 9, key: "k" })),
      );
      const rows = await store.outbox.read(shares, [], 2_000);
      deepEqual(textsOf(rows), all);
      ok(rows.every(({ seq }, index) => index === 0 || seq > rows[index - 1]!.seq));
    },
  },
  {
    name: "rows come back as they were written, whatever their texts and bytes are",
    async play(stage) {
      const store = await stage.open();
      const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const bodies = [Buffer.alloc(0), Buffer.of(0), every, Buffer.alloc(1024 * 1024, every)];
      const written = [...texts.keys()].map((index) =>
        stage.row("", {
          lane: 10 + index,
          key: texts[index],
          channel: JSON.stringify({ name: texts[index] }),
          head: JSON.stringify({ type: texts[index], attributes: { a: "\u0000" } }),
          data: bodies[index % bodies.length]!,
        }),
      );
      await stage.write(store, written);
      const rows = await store.outbox.read(shares, [], 100);
      const bare = rows.map(({ seq, writtenAt, refusals, ...row }) => {
        ok(Number.isSafeInteger(seq));
        ok(writtenAt > 1_600_000_000_000 && writtenAt < 10_000_000_000_000);
        equal(refusals, 0);
        return { ...row, data: Buffer.from(row.data).toString("hex") };
      });
      deepEqual(
        bare,
        written.map((row) => ({ ...row, data: Buffer.from(row.data).toString("hex") })),
      );
    },
  },
  {
    name: "a part of a larger buffer is written as that part",
    async play(stage) {
      const store = await stage.open();
      const large = Buffer.from("around inside around");
      await stage.write(store, [stage.row("", { data: large.subarray(7, 13) })]);
      await stage.write(store, [
        stage.row("", { data: new Uint8Array(large.buffer, large.byteOffset + 7, 6) }),
      ]);
      deepEqual(textsOf(await store.outbox.read(shares, [], 10)), ["inside", "inside"]);
    },
  },
  {
    name: "locking and writing in one is the same as one after the other",
    async play(stage) {
      const store = await stage.open();
      const { append } = store.outbox;
      if (append === undefined) return;
      const write = (rows: readonly ReturnType<typeof stage.row>[]): Promise<void> =>
        store.transaction((tx) => append.call(store.outbox, tx, rows));
      await write([
        stage.row("a", { lane: 4, key: "k" }),
        stage.row("b"),
        stage.row("c", { lane: 2, key: "l" }),
      ]);
      await write([stage.row("d")]);
      await store.transaction((tx) => {
        tx.beforeCommit(() =>
          append.call(store.outbox, tx, [stage.row("e", { lane: 4, key: "k" })]),
        );
        return Promise.resolve();
      });
      deepEqual(textsOf(await store.outbox.read(shares, [], 10)), ["a", "b", "c", "d", "e"]);
    },
  },
  {
    name: "what is not due is not read, and what has become due is",
    async play(stage) {
      const store = await stage.open();
      const now = Math.floor(stage.env.wall());
      await stage.write(store, [
        stage.row("tomorrow", { notBefore: now + 86_400_000 }),
        stage.row("an hour ago", { notBefore: now - 3_600_000 }),
        stage.row("now"),
      ]);
      const rows = await store.outbox.read(shares, [], 10);
      deepEqual(textsOf(rows).toSorted(), ["an hour ago", "now"]);
      equal(rows.find(({ notBefore }) => notBefore !== undefined)?.notBefore, now - 3_600_000);
      equal((await store.outbox.status(10)).pending, 3);
    },
  },
  {
    name: "OB-3: no number is drawn twice, not even that of the last row when it is gone",
    async play(stage) {
      const store = await stage.open();
      await stage.write(store, [stage.row("a", { lane: 1 }), stage.row("b", { lane: 1 })]);
      const leases = await stage.lease(store);
      const before = await store.outbox.read(shares, [], 10);
      equal(await store.outbox.remove(leases, before), 2);
      await stage.write(store, [stage.row("c", { lane: 1 })]);
      const [after] = await store.outbox.read(shares, [], 10);
      ok(after!.seq > before.at(-1)!.seq);
    },
  },
  {
    name: "OB-2: a row whose number was drawn earlier and that is committed later is found all the same",
    when: concurrent,
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const leases = await stage.lease(two);
      const written = Promise.withResolvers<void>();
      const seen = Promise.withResolvers<void>();
      const slow = one.transaction(async (tx) => {
        await one.outbox.insert(tx, [stage.row("slow")]);
        written.resolve();
        await seen.promise;
      });
      await written.promise;
      await stage.write(two, [stage.row("quick")]);
      const quick = await two.outbox.read(shares, [], 10);
      deepEqual(textsOf(quick), ["quick"]);
      equal(await two.outbox.remove(leases, quick), 1);
      seen.resolve();
      await slow;
      const [late] = await two.outbox.read(shares, [], 10);
      deepEqual(textsOf([late!]), ["slow"]);
      ok(late!.seq < quick[0]!.seq);
    },
  },
  {
    name: "OB-3: who writes to a lane waits for who has it, so that the order of a lane is that of the commits",
    when: concurrent,
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const order: string[] = [];
      const locked = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const first = one.transaction(async (tx) => {
        await one.outbox.lock(tx, [5]);
        locked.resolve();
        await begun.promise;
        await stage.meanwhile();
        order.push("first");
        await one.outbox.insert(tx, [stage.row("first", { lane: 5 })]);
      });
      await locked.promise;
      const second = two.transaction(async (tx) => {
        begun.resolve();
        await two.outbox.lock(tx, [5]);
        order.push("second");
        await two.outbox.insert(tx, [stage.row("second", { lane: 5 })]);
      });
      await Promise.all([first, second]);
      deepEqual(order, ["first", "second"]);
      deepEqual(textsOf(await one.outbox.read(shares, [], 10)), order);
    },
  },
  {
    name: "OB-3: locking and writing in one waits for who has the lane, too",
    when: concurrent,
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const { append } = two.outbox;
      if (append === undefined) return;
      const locked = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const first = one.transaction(async (tx) => {
        await one.outbox.lock(tx, [5]);
        locked.resolve();
        await begun.promise;
        await stage.meanwhile();
        await one.outbox.insert(tx, [stage.row("first", { lane: 5 })]);
      });
      await locked.promise;
      const second = two.transaction((tx) => {
        begun.resolve();
        return append.call(two.outbox, tx, [stage.row("second", { lane: 5 })]);
      });
      await Promise.all([first, second]);
      deepEqual(textsOf(await one.outbox.read(shares, [], 10)), ["first", "second"]);
    },
  },
  {
    name: "OB-3: other lanes, and what has no order, wait for nobody",
    when: concurrent,
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      await one.transaction(async (tx) => {
        await one.outbox.lock(tx, [5]);
        await one.outbox.insert(tx, [stage.row("held", { lane: 5 }), stage.row("held too")]);
        await stage.write(two, [
          stage.row("another", { lane: 6 }),
          stage.row("any", { lane: 260 }),
        ]);
        deepEqual(textsOf(await two.outbox.read(shares, [], 10)), ["another", "any"]);
      });
    },
  },
  {
    name: "OB-3: whoever locks in ascending order waits in no circle, and each lane has the order of its locks",
    async play(stage) {
      const stores = [await stage.open(), await stage.open()];
      const order = new Map<number, string[]>();
      const writes = Array.from({ length: 40 }, async (_, index) => {
        const store = stores[index % 2]!;
        const lanes = [index % 5, 5 + (index % 3), 8 + (index % 2)];
        await store.transaction(async (tx) => {
          await store.outbox.lock(tx, lanes);
          for (const lane of lanes) order.set(lane, [...(order.get(lane) ?? []), `${index}`]);
          await store.outbox.insert(
            tx,
            lanes.map((lane) => stage.row(`${index}`, { lane, key: `key-${lane}` })),
          );
        });
      });
      await Promise.all(writes);
      const rows = await stores[0]!.outbox.read(shares, [], 1_000);
      for (const [lane, expected] of order)
        deepEqual(textsOf(rows.filter((row) => row.lane === lane)), expected);
    },
  },
];
