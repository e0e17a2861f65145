import { deepEqual, equal, ok } from "node:assert/strict";
import type { Store } from "../store.ts";
import { shares, textsOf, type Case } from "./stage.ts";

/** Rows of one key, in a lane of it. */
const mine = { lane: 3, key: "k" };

async function deadTexts(store: Store): Promise<string[]> {
  return textsOf(await store.outbox.dead(100));
}

export const deadCases: readonly Case[] = [
  {
    name: "OB-7: a row that is given up is among the dead, with all that it was and why, and is read no more",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(store, [stage.row("a", mine), stage.row("b", mine)]);
      const leases = await stage.lease(store);
      const [row] = await outbox.read(shares, [], 10);
      equal(await outbox.refused(leases, row!), 1);
      equal(await outbox.bury(leases, [row!], "too large: 💥", "none"), 1);
      deepEqual(textsOf(await outbox.read(shares, [], 10)), ["b"]);
      const [dead] = await outbox.dead(10);
      const { deadAt, ...rest } = dead!;
      ok(deadAt >= row!.writtenAt);
      deepEqual(rest, { ...row, refusals: 1, reason: "too large: 💥", parking: "none" });
      deepEqual(await outbox.parkedKeys(shares), []);
      equal((await outbox.status(1)).dead, 1);
    },
  },
  {
    name: "OB-7: a row that is given up twice is given up once",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(store, [stage.row("a", mine)]);
      const leases = await stage.lease(store);
      const rows = await outbox.read(shares, [], 10);
      const buried = await Promise.all([1, 2].map(() => outbox.bury(leases, rows, "x", "first")));
      deepEqual(
        buried.toSorted((a, b) => a - b),
        [0, 1],
      );
      deepEqual(await deadTexts(store), ["a"]);
    },
  },
  {
    name: "OB-7: the first of a key parks it, and later ones follow; those of other keys do not",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(store, [
        stage.row("a", mine),
        stage.row("b", mine),
        stage.row("other", { ...mine, key: "l" }),
        stage.row("elsewhere", { lane: 4, key: "k" }),
      ]);
      const leases = await stage.lease(store);
      const [first, ...rest] = await outbox.read(shares, [], 10);
      equal(await outbox.bury(leases, rest, "early", "follows"), 0);
      equal(await outbox.bury(leases, [first!], "bad", "first"), 1);
      deepEqual(await outbox.parkedKeys(shares), [mine]);
      deepEqual(await outbox.parkedKeys([4]), []);
      equal(await outbox.bury(leases, rest, "follows it", "follows"), 1);
      deepEqual(await deadTexts(store), ["a", "b"]);
      deepEqual(textsOf(await outbox.read(shares, [], 10)), ["other", "elsewhere"]);
    },
  },
  {
    name: "OB-7: what is redriven comes back at the end of its lane, in its order, under its ids, and is parked no more",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(
        store,
        ["a", "b", "c"].map((text) => stage.row(text, mine)),
      );
      const leases = await stage.lease(store);
      const rows = await outbox.read(shares, [], 10);
      await outbox.refused(leases, rows[0]!);
      await outbox.bury(leases, rows.slice(0, 1), "bad", "first");
      await outbox.bury(leases, rows.slice(1), "follows", "follows");
      await stage.write(store, [stage.row("d", { ...mine, key: "other" })]);
      equal(await outbox.redrive({ key: "k" }), 3);
      const again = await outbox.read(shares, [], 10);
      deepEqual(textsOf(again), ["d", "a", "b", "c"]);
      deepEqual(
        again.slice(1).map(({ id, refusals }) => [id, refusals]),
        rows.map(({ id }) => [id, 0]),
      );
      deepEqual(await outbox.dead(10), []);
      deepEqual(await outbox.parkedKeys(shares), []);
      equal(await outbox.redrive({ key: "k" }), 0);
    },
  },
  {
    name: "OB-7: one that has no key is redriven by its id, alone",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      await stage.write(store, [stage.row("a"), stage.row("b")]);
      const leases = await stage.lease(store);
      const rows = await outbox.read(shares, [], 10);
      equal(await outbox.bury(leases, rows, "bad", "none"), 2);
      equal(await outbox.redrive({ id: rows[1]!.id }), 1);
      deepEqual(textsOf(await outbox.read(shares, [], 10)), ["b"]);
      deepEqual(await deadTexts(store), ["a"]);
      equal(await outbox.redrive({ id: "nobody's" }), 0);
    },
  },
  {
    name: "OB-7: many of a key are redriven together",
    async play(stage) {
      const store = await stage.open();
      const { outbox } = store;
      const texts = Array.from({ length: 700 }, (_, index) => `${index}`);
      await stage.write(
        store,
        texts.map((text) => stage.row(text, mine)),
      );
      const leases = await stage.lease(store);
      const rows = await outbox.read([3], [], 1_000);
      equal(await outbox.bury(leases, rows, "bad", "first"), 700);
      equal(await outbox.redrive({ key: "k" }), 700);
      deepEqual(textsOf(await outbox.read([3], [], 1_000)), texts);
    },
  },
  {
    name: "OB-7: what follows while its key is redriven follows it back, or is not buried, and nothing is lost",
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const { outbox } = one;
      const leases = await stage.lease(one);
      for (let round = 0; round < 8; round++) {
        const key = `key-${round}`;
        const place = { lane: 3, key };
        await stage.write(
          one,
          ["a", "b", "c"].map((text) => stage.row(text, place)),
        );
        const rows = (await outbox.read([3], [], 100)).filter((row) => row.key === key);
        equal(await outbox.bury(leases, rows.slice(0, 1), "bad", "first"), 1);
        await Promise.all([
          outbox.bury(leases, rows.slice(1), "follows", "follows"),
          two.outbox.redrive({ key }),
        ]);
        const dead = (await outbox.dead(100)).filter((row) => row.key === key);
        const pending = (await outbox.read([3], [], 100)).filter((row) => row.key === key);
        equal(dead.length, 0, `round ${round}: something followed a key that was redriven`);
        deepEqual(textsOf(pending).toSorted(), ["a", "b", "c"]);
      }
    },
  },
];
