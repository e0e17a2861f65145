import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { Case } from "./stage.ts";

const key = { consumer: "billing", message: "m-1" };

export const inboxCases: readonly Case[] = [
  {
    name: "IN-1: a message is new to a consumer once, and each consumer and message is another",
    async play(stage) {
      const { inbox, transaction } = bound(await stage.open());
      equal(await transaction((tx) => inbox.mark(tx, key)), undefined);
      const known = await transaction((tx) => inbox.mark(tx, key));
      ok(known !== undefined && known.processedAt > 1_600_000_000_000);
      equal(known.reply, undefined);
      deepEqual(await inbox.find(key), known);
      for (const other of [
        { ...key, consumer: "shipping" },
        { ...key, message: "m-2" },
        { ...key, message: "M-1" },
        { ...key, message: "m-1 " },
      ])
        equal(await transaction((tx) => inbox.mark(tx, other)), undefined);
      equal(await inbox.find({ consumer: "billing", message: "m-3" }), undefined);
    },
  },
  {
    name: "IN-1: whoever marks what another transaction is about to mark waits, and then knows it",
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const order: string[] = [];
      const marked = Promise.withResolvers<void>();
      const first = one.transaction(async (tx) => {
        await one.inbox.mark(tx, key);
        marked.resolve();
        await stage.meanwhile();
        await one.inbox.answer(tx, key, Buffer.from("done"));
        order.push("first");
      });
      await marked.promise;
      const second = two.transaction(async (tx) => {
        const known = await two.inbox.mark(tx, key);
        order.push("second");
        return known;
      });
      const [, known] = await Promise.all([first, second]);
      deepEqual(order, ["first", "second"]);
      equal(Buffer.from(known!.reply!).toString(), "done");
    },
  },
  {
    name: "IN-2: a rollback takes the mark away, and who has waited finds it new",
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const marked = Promise.withResolvers<void>();
      const first = one.transaction(async (tx) => {
        await one.inbox.mark(tx, key);
        marked.resolve();
        await stage.meanwhile();
        throw new Error("rolled back");
      });
      await marked.promise;
      const second = two.transaction((tx) => two.inbox.mark(tx, key));
      await rejects(first, /rolled back/);
      equal(await second, undefined);
    },
  },
  {
    name: "IN-3: a reply is kept with the mark, whatever its bytes are",
    async play(stage) {
      const { inbox, transaction } = bound(await stage.open());
      const replies = [Buffer.alloc(0), Buffer.of(0, 1, 255), Buffer.alloc(300_000, "é")];
      for (const [index, reply] of replies.entries()) {
        const own = { ...key, message: `m-${index}` };
        await transaction(async (tx) => {
          await inbox.mark(tx, own);
          await inbox.answer(tx, own, reply);
        });
        const known = await transaction((tx) => inbox.mark(tx, own));
        ok(Buffer.from(known!.reply!).equals(reply));
      }
    },
  },
  {
    name: "IN-4: what is old enough is purged, as much as is asked for at once, and is new again",
    async play(stage) {
      const store = await stage.open();
      const { inbox, transaction } = bound(store);
      for (const message of ["a", "b", "c"]) {
        await transaction((tx) => inbox.mark(tx, { ...key, message }));
        await inbox.started({ ...key, message });
      }
      equal(await inbox.purge(3_600_000, 100), 0);
      const purged: number[] = [];
      while (purged.reduce((sum, each) => sum + each, 0) < 6) {
        const some = await inbox.purge(0, 2);
        if (some > 0) purged.push(some);
      }
      ok(purged.every((some) => some <= 2));
      equal(await transaction((tx) => inbox.mark(tx, { ...key, message: "a" })), undefined);
      deepEqual(await inbox.started({ ...key, message: "a" }), { started: 1, finished: 0 });
    },
  },
  {
    name: "IN-5: attempts are counted outside of the transaction of the handler",
    async play(stage) {
      const { inbox, transaction } = bound(await stage.open());
      deepEqual(await inbox.started(key), { started: 1, finished: 0 });
      const handler = transaction(async (tx) => {
        await inbox.mark(tx, key);
        throw new Error("the handler fails");
      });
      await rejects(handler, /fails/);
      await inbox.finished(key, false);
      deepEqual(await inbox.started(key), { started: 2, finished: 1 });
      deepEqual(await inbox.started(key), { started: 3, finished: 1 });
      await inbox.finished(key, true);
      deepEqual(await inbox.started(key), { started: 1, finished: 0 });
      deepEqual(await inbox.started({ ...key, consumer: "other" }), { started: 1, finished: 0 });
    },
  },
  {
    name: "IN-5: attempts that begin at once are all counted",
    async play(stage) {
      const stores = [await stage.open(), await stage.open()];
      const counts = await Promise.all(
        Array.from({ length: 10 }, (_, index) => stores[index % 2]!.inbox.started(key)),
      );
      deepEqual(
        counts.map(({ started }) => started).toSorted((a, b) => a - b),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      );
    },
  },
  {
    name: "IN-6: of each consumer and key it is known what follows, what is missing, and what came earlier",
    async play(stage) {
      const { inbox, transaction } = bound(await stage.open());
      const follow = (consumer: string, of: string, sequence: number) =>
        transaction((tx) => inbox.follow(tx, consumer, of, sequence));
      equal(await follow("c", "k", 7), "next");
      equal(await follow("c", "k", 8), "next");
      equal(await follow("c", "k", 11), "gap");
      equal(await follow("c", "k", 9), "earlier");
      equal(await follow("c", "k", 12), "next");
      equal(await follow("c", "other", 3), "next");
      equal(await follow("d", "k", 5), "next");
    },
  },
  {
    name: "IN-6: a rollback takes the sequence away with all else",
    async play(stage) {
      const { inbox, transaction } = bound(await stage.open());
      await transaction((tx) => inbox.follow(tx, "c", "k", 1));
      const failed = transaction(async (tx) => {
        await inbox.follow(tx, "c", "k", 2);
        throw new Error("rolled back");
      });
      await rejects(failed, /rolled back/);
      equal(await transaction((tx) => inbox.follow(tx, "c", "k", 2)), "next");
    },
  },
  {
    name: "how many marks each consumer has is told",
    async play(stage) {
      const { inbox, transaction } = bound(await stage.open());
      for (const [consumer, message] of [
        ["b", "1"],
        ["a", "1"],
        ["b", "2"],
      ] as const)
        await transaction((tx) => inbox.mark(tx, { consumer, message }));
      const status = await inbox.status();
      deepEqual(
        status.map(({ consumer, marks }) => [consumer, marks]),
        [
          ["a", 1],
          ["b", 2],
        ],
      );
      ok(status.every(({ oldestMs }) => oldestMs >= 0));
    },
  },
];

/** Its methods without the store. */
function bound<
  S extends { readonly inbox: unknown; readonly transaction: (work: never) => unknown },
>(store: S): { readonly inbox: S["inbox"]; readonly transaction: S["transaction"] } {
  return { inbox: store.inbox, transaction: store.transaction.bind(store) as S["transaction"] };
}
