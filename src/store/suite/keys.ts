import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { KnownKey } from "../key-rows.ts";
import type { Case } from "./stage.ts";

export const keyCases: readonly Case[] = [
  {
    name: "a key is new once, and then it is known what it was used with",
    async play(stage) {
      const { keys } = await stage.open();
      await keys.alive("me", 60_000);
      equal(await keys.claim("k", "input", "me"), undefined);
      deepEqual(await keys.claim("k", "other", "you"), {
        input: "input",
        ending: undefined,
        bytes: undefined,
        orphaned: false,
      });
      equal(await keys.claim("K", "input", "me"), undefined);
      equal(await keys.claim("k ", "input", "me"), undefined);
    },
  },
  {
    name: "of many that claim a key at once one gets it",
    async play(stage) {
      const stores = [await stage.open(), await stage.open()];
      await stores[0]!.keys.alive("me", 60_000);
      const claims = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          stores[index % 2]!.keys.claim("k", `${index}`, "me"),
        ),
      );
      equal(claims.filter((known) => known === undefined).length, 1);
      const winner = claims.indexOf(undefined);
      ok(claims.every((known) => known === undefined || known.input === `${winner}`));
    },
  },
  {
    name: "work whose process is not heard of any more is orphaned when its lease is over, and not before",
    async play(stage) {
      const { keys } = await stage.open();
      await keys.alive("me", 300);
      await keys.claim("k", "input", "me");
      equal((await keys.claim("k", "input", "you"))!.orphaned, false);
      while (!(await keys.claim("k", "input", "you"))!.orphaned);
      await keys.alive("me", 60_000);
      equal((await keys.claim("k", "input", "you"))!.orphaned, false);
    },
  },
  {
    name: "how work has ended is kept with its key, and it is never orphaned then",
    async play(stage) {
      const { keys } = await stage.open();
      const bytes = Buffer.of(0, 255, 1);
      await keys.claim("k", "input", "unheard-of");
      await keys.keep("k", '{"💥":"\\u0000"}', bytes);
      const known = await keys.claim("k", "input", "me");
      deepEqual(
        { ...known, bytes: Buffer.from(known!.bytes!) },
        { input: "input", ending: '{"💥":"\\u0000"}', bytes, orphaned: false },
      );
      await keys.claim("l", "input", "me");
      await keys.keep("l", "ended", undefined);
      equal((await keys.claim("l", "input", "me"))!.bytes, undefined);
    },
  },
  {
    name: "a key that is claimed in a transaction is kept with it, and free again when that is rolled back",
    async play(stage) {
      const store = await stage.open();
      const { keys } = store;
      const failed = store.transaction(async (tx) => {
        equal(await keys.claimIn(tx, "k", "input"), undefined);
        await keys.keep("k", "ended", undefined, tx);
        throw new Error("rolled back");
      });
      await rejects(failed, /rolled back/);
      await store.transaction(async (tx) => {
        equal(await keys.claimIn(tx, "k", "input"), undefined);
        await keys.keep("k", "ended", Buffer.from("bytes"), tx);
      });
      const known = knownOf(await store.transaction((tx) => keys.claimIn(tx, "k", "other")));
      deepEqual([known.input, known.ending, known.orphaned], ["input", "ended", false]);
      equal(Buffer.from(known.bytes!).toString(), "bytes");
    },
  },
  {
    name: "whoever claims a key in a transaction never waits for another transaction that has it",
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const claimed = Promise.withResolvers<void>();
      const asked = Promise.withResolvers<void>();
      const first = one.transaction(async (tx) => {
        await one.keys.claimIn(tx, "k", "input");
        await one.keys.keep("k", "ended", undefined, tx);
        claimed.resolve();
        if (stage.capabilities.concurrent) await asked.promise;
      });
      await claimed.promise;
      // Where there is one transaction at a time the first one is over when the second begins.
      const second = await two.transaction((tx) => two.keys.claimIn(tx, "k", "input"));
      if (stage.capabilities.concurrent) equal(second, "busy");
      else equal(knownOf(second).ending, "ended");
      equal(await two.transaction((tx) => two.keys.claimIn(tx, "other", "input")), undefined);
      asked.resolve();
      await first;
      const known = await two.transaction((tx) => two.keys.claimIn(tx, "k", "input"));
      equal(knownOf(known).ending, "ended");
    },
  },
  {
    name: "… nor for one that is rolled back later: then the key is free",
    when: ({ capabilities }) => capabilities.concurrent,
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const claimed = Promise.withResolvers<void>();
      const asked = Promise.withResolvers<void>();
      const first = one.transaction(async (tx) => {
        await one.keys.claimIn(tx, "k", "input");
        claimed.resolve();
        await asked.promise;
        throw new Error("rolled back");
      });
      await claimed.promise;
      equal(await two.transaction((tx) => two.keys.claimIn(tx, "k", "input")), "busy");
      asked.resolve();
      await rejects(first, /rolled back/);
      equal(await two.transaction((tx) => two.keys.claimIn(tx, "k", "input")), undefined);
    },
  },
  {
    name: "a key whose work never ran is forgotten; one whose work has ended is not",
    async play(stage) {
      const { keys } = await stage.open();
      await keys.alive("me", 60_000);
      await keys.claim("k", "input", "me");
      await keys.forget("k");
      equal(await keys.claim("k", "input", "me"), undefined);
      await keys.keep("k", "ended", undefined);
      await keys.forget("k");
      equal((await keys.claim("k", "input", "me"))?.ending, "ended");
    },
  },
  {
    name: "old keys are purged when their work has ended or its process is gone, and never while it runs",
    async play(stage) {
      const { keys } = await stage.open();
      await keys.alive("me", 60_000);
      await keys.claim("running", "input", "me");
      for (const key of ["ended 1", "ended 2"]) {
        await keys.claim(key, "input", "me");
        await keys.keep(key, "ended", undefined);
      }
      await keys.claim("orphaned", "input", "unheard-of");
      equal(await keys.purge(3_600_000, 100), 0);
      let purged = 0;
      while (purged < 3) {
        const some = await keys.purge(0, 2);
        ok(some <= 2);
        purged += some;
      }
      await stage.meanwhile();
      equal(await keys.purge(0, 100), 0);
      ok(await keys.claim("running", "input", "me"));
      equal(await keys.claim("ended 1", "input", "me"), undefined);
      equal(await keys.claim("orphaned", "input", "me"), undefined);
    },
  },
];

function knownOf(claim: KnownKey | "busy" | undefined): KnownKey {
  ok(typeof claim === "object", claim === "busy" ? "the key is busy" : "the key is new");
  return claim;
}
