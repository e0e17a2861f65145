import { deepEqual, equal, ok } from "node:assert/strict";
import { shareOf, type Lease } from "../outbox-rows.ts";
import { shares, textsOf, type Case } from "./stage.ts";

const leasing: readonly Case[] = [
  {
    name: "OB-4: a relay that is alone has all shares, and keeps them under the same tokens",
    async play(stage) {
      const { outbox } = await stage.open();
      const first = await outbox.keep("one", 60_000, []);
      equal(first.relays, 1);
      deepEqual(
        first.leases.map(({ share }) => share),
        shares,
      );
      deepEqual(await outbox.keep("one", 60_000, []), first);
    },
  },
  {
    name: "OB-4: what a relay has too much it gives back, and the others take their fair part under new tokens",
    async play(stage) {
      const { outbox } = await stage.open();
      const { leases } = await outbox.keep("one", 60_000, []);
      deepEqual(await outbox.keep("two", 60_000, []), { relays: 2, leases: [] });
      const back = shares.slice(0, 16);
      const kept = await outbox.keep("one", 60_000, back);
      deepEqual(
        kept.leases,
        leases.filter(({ share }) => !back.includes(share)),
      );
      const taken = await outbox.keep("two", 60_000, []);
      deepEqual(
        taken.leases.map(({ share }) => share),
        back,
      );
      for (const { share, token } of taken.leases)
        ok(token > leases.find((each) => each.share === share)!.token);
    },
  },
  {
    name: "OB-4: relays that come at once never have a share both",
    async play(stage) {
      const stores = [await stage.open(), await stage.open()];
      const relays = Array.from({ length: 6 }, (_, index) => `relay-${index}`);
      const had: Lease[] = [];
      await Promise.all(
        relays.map(async (relay, index) => {
          const { leases } = await stores[index % 2]!.outbox.keep(relay, 60_000, []);
          had.push(...leases);
        }),
      );
      equal(new Set(had.map(({ share }) => share)).size, had.length);
    },
  },
  {
    name: "OB-4: the shares of a relay that has left are free at once",
    async play(stage) {
      const { outbox } = await stage.open();
      const { leases } = await outbox.keep("one", 60_000, []);
      await outbox.leave("one");
      const { leases: taken, relays } = await outbox.keep("two", 60_000, []);
      equal(relays, 1);
      equal(taken.length, 32);
      ok(taken.every(({ token }, share) => token > leases[share]!.token));
    },
  },
  {
    name: "OB-4: the shares of a relay that is not heard of are free when its lease is over, and not before",
    async play(stage) {
      const { outbox } = await stage.open();
      await outbox.keep("dead", 300, []);
      equal((await outbox.keep("alive", 60_000, [])).leases.length, 0);
      for (;;) {
        const { leases, relays } = await outbox.keep("alive", 60_000, []);
        if (leases.length === 0) continue;
        deepEqual([leases.length, relays], [32, 1]);
        return;
      }
    },
  },
  {
    name: "OB-4: a relay whose shares another one has taken removes, refuses and buries nothing any more",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(store, [stage.row("a", { lane: 3, key: "k" })]);
      const { leases: stale } = await outbox.keep("one", 60_000, []);
      const [row] = await outbox.read(shares, [], 10);
      await outbox.leave("one");
      const leases = await stage.lease(store, "two");
      equal(await outbox.remove(stale, [row!]), 0);
      equal(await outbox.refused(stale, row!), 0);
      equal(await outbox.bury(stale, [row!], "stale", "first"), 0);
      deepEqual(await outbox.read(shares, [], 10), [row]);
      equal(await outbox.remove(leases, [row!]), 1);
    },
  },
  {
    name: "OB-4: a lease covers the lanes of its share alone",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(store, [
        stage.row("a", { lane: 3 }),
        stage.row("b", { lane: 35 }),
        stage.row("c", { lane: 4 }),
      ]);
      const leases = (await stage.lease(store)).filter(({ share }) => share === 3);
      const rows = await outbox.read(shares, [], 10);
      equal(await outbox.remove(leases, rows), 2);
      equal(await outbox.remove([], rows), 0);
      deepEqual(textsOf(await outbox.read(shares, [], 10)), ["c"]);
    },
  },
];

const reading: readonly Case[] = [
  {
    name: "rows are read for the shares that were asked for, without the lanes that were excepted",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      const lanes = [0, 31, 32, 64, 255, 256, 287];
      await stage.write(
        store,
        lanes.map((lane) => stage.row(`${lane}`, { lane })),
      );
      deepEqual(textsOf(await outbox.read([0], [], 10)), ["0", "32", "64", "256"]);
      deepEqual(textsOf(await outbox.read([0, 31], [32, 287], 10)), [
        "0",
        "31",
        "64",
        "255",
        "256",
      ]);
      deepEqual(await outbox.read([], [], 10), []);
      deepEqual(await outbox.read([5], [5], 10), []);
    },
  },
  {
    name: "of each lane its beginning is read, and a long one keeps no other waiting",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      const long = Array.from({ length: 300 }, (_, index) => stage.row(`${index}`, { lane: 1 }));
      await stage.write(store, long);
      await stage.write(store, [stage.row("other", { lane: 33 })]);
      for (let times = 0; times < 3; times++) {
        const texts = textsOf(await outbox.read(shares, [], 10));
        ok(texts.includes("other"));
        const beginning = texts.filter((text) => text !== "other");
        deepEqual(
          beginning,
          beginning.map((_, index) => `${index}`),
        );
        ok(beginning.length > 0);
      }
    },
  },
  {
    name: "about as many rows are read as were asked for, be they in one lane or in all",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      const many = Array.from({ length: 400 }, (_, index) => stage.row("", { lane: index % 288 }));
      await stage.write(store, many);
      for (let times = 0; times < 2; times++) {
        const { length } = await outbox.read(shares, [], 100);
        ok(length >= 50 && length <= 200, `${length} were read`);
      }
      await stage.write(
        store,
        Array.from({ length: 400 }, () => stage.row("", { lane: 7 })),
      );
      for (let times = 0; times < 3; times++) await outbox.read([7], [], 100);
      const { length } = await outbox.read([7], [], 100);
      ok(length >= 50 && length <= 200, `${length} were read`);
    },
  },
  {
    name: "OB-5: what is read is there until it is removed, and then it is gone, once",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(store, [stage.row("a", { lane: 1 }), stage.row("b", { lane: 1 })]);
      const leases = await stage.lease(store);
      const rows = await outbox.read(shares, [], 10);
      deepEqual(await outbox.read(shares, [], 10), rows);
      equal(await outbox.remove(leases, rows.slice(0, 1)), 1);
      equal(await outbox.remove(leases, rows.slice(0, 1)), 0);
      deepEqual(textsOf(await outbox.read(shares, [], 10)), ["b"]);
      equal(await outbox.remove(leases, []), 0);
    },
  },
  {
    name: "OB-12: a row that has the number of another, as after a failover, is not taken for it",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(store, [stage.row("a", { lane: 1, key: "k" })]);
      const leases = await stage.lease(store);
      const [row] = await outbox.read(shares, [], 10);
      const other = { seq: row!.seq, id: "another" };
      equal(await outbox.remove(leases, [other]), 0);
      equal(await outbox.refused(leases, other), 0);
      equal(await outbox.bury(leases, [other], "no", "first"), 0);
      equal((await outbox.read(shares, [], 10)).length, 1);
    },
  },
  {
    name: "OB-12: a row is given up though one that is dead had its number before, as after a failover",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(store, [stage.row("older", { lane: 1, key: "k" })]);
      const leases = await stage.lease(store);
      const older = await outbox.read(shares, [], 10);
      equal(await outbox.bury(leases, older, "no", "first"), 1);
      await stage.write(store, [stage.row("younger", { lane: 1, key: "k" })]);
      const younger = await outbox.read(shares, [], 10);
      const both = [older[0]!.id, younger[0]!.id].toSorted();
      await store.transaction(async (tx) => {
        const { execute } = stage.stand;
        await execute(
          tx.native,
          `INSERT INTO trunkline_outbox_dead (seq, ${deadColumns}) SELECT ${younger[0]!.seq}, ${deadColumns} FROM trunkline_outbox_dead`,
        );
        const first = `DELETE FROM trunkline_outbox_dead WHERE seq = ${older[0]!.seq}`;
        await execute(tx.native, first);
      });
      equal(await outbox.bury(leases, younger, "no", "follows"), 1);
      deepEqual((await outbox.dead(10)).map(({ id }) => id).toSorted(), both);
      equal(await outbox.redrive({ key: "k" }), 2);
      deepEqual((await outbox.read(shares, [], 10)).map(({ id }) => id).toSorted(), both);
    },
  },
  {
    name: "OB-8, OB-11: only what is pending is in the table, and how much and how old it is in each lane is told",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      equal(await outbox.oldestMs(), 0);
      deepEqual(await outbox.status(5), {
        pending: 0,
        oldestMs: 0,
        dead: 0,
        relays: 0,
        unleased: 32,
        lanes: [],
      });
      await stage.write(store, [
        stage.row("a", { lane: 1 }),
        stage.row("b", { lane: 2 }),
        stage.row("c", { lane: 2 }),
      ]);
      const leases = await stage.lease(store);
      const rows = await outbox.read(shares, [], 10);
      equal(await outbox.refused(leases, rows[1]!), 1);
      equal(await outbox.refused(leases, rows[1]!), 2);
      while ((await outbox.oldestMs()) === 0);
      const status = await outbox.status(5);
      ok(status.oldestMs > 0);
      ok(Math.max(...status.lanes.map(({ oldestMs }) => oldestMs)) >= status.oldestMs);
      deepEqual([status.pending, status.relays, status.unleased], [3, 1, 0]);
      deepEqual(
        status.lanes
          .toSorted((a, b) => a.lane - b.lane)
          .map(({ lane, pending, refusals }) => [lane, pending, refusals]),
        [
          [1, 1, 0],
          [2, 2, 2],
        ],
      );
      equal((await outbox.status(1)).lanes.length, 1);
      equal(await outbox.remove(leases, rows), 3);
      equal((await outbox.status(5)).pending, 0);
      equal(await outbox.oldestMs(), 0);
    },
  },
  {
    name: "OB-11: what waits for its time has not waited yet",
    async play(stage) {
      const store = await stage.open();
      const notBefore = Math.floor(stage.env.wall()) + 86_400_000;
      await stage.write(store, [stage.row("tomorrow", { notBefore })]);
      await stage.meanwhile();
      equal(await store.outbox.oldestMs(), 0);
      equal((await store.outbox.status(1)).oldestMs, 0);
    },
  },
  {
    name: "OB-6: of what others write in the meantime nothing is lost by reading and removing",
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const leases = await stage.lease(two);
      const written = Array.from({ length: 60 }, (_, index) => `${index}`);
      let writing = true;
      const writer = Promise.all(
        written.map((text, index) =>
          stage.write(one, [stage.row(text, { lane: index % 2 === 0 ? 4 : 260 + (index % 7) })]),
        ),
      ).finally(() => (writing = false));
      const read: string[] = [];
      for (let last = false; ; last = !writing) {
        const rows = await two.outbox.read(shares, [], 7);
        ok(rows.every(({ lane }) => leases.some(({ share }) => share === shareOf(lane))));
        equal(await two.outbox.remove(leases, rows), rows.length);
        read.push(...textsOf(rows));
        if (rows.length === 0 && last) break;
      }
      await writer;
      deepEqual(read.toSorted(), written.toSorted());
    },
  },
];

/** Of a dead row, beside its number. */
const deadColumns =
  "id, lane, msg_key, channel, head, data, not_before, written_at, refusals, dead_at, reason, parking";

export const relayingCases: readonly Case[] = [...leasing, ...reading];
