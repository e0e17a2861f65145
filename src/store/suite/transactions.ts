import { deepEqual, equal, rejects } from "node:assert/strict";
import { refusal, shares, textsOf, type Case } from "./stage.ts";

export const transactionCases: readonly Case[] = [
  {
    name: "what was written in a transaction is there when that is committed",
    async play(stage) {
      const store = await stage.open();
      await stage.write(store, [stage.row("a"), stage.row("b")]);
      deepEqual(textsOf(await store.outbox.read(shares, [], 10)), ["a", "b"]);
    },
  },
  {
    name: "a rollback takes what was written away, and what the work threw is thrown, untouched",
    async play(stage) {
      const store = await stage.open();
      const mine = new RangeError("mine");
      const work = store.transaction(async (tx) => {
        await store.outbox.insert(tx, [stage.row("a")]);
        throw mine;
      });
      await rejects(work, (error) => error === mine);
      deepEqual(await store.outbox.read(shares, [], 10), []);
    },
  },
  {
    name: "a transaction that is over takes nothing more, though its client calls it as before",
    async play(stage) {
      const store = await stage.open();
      const tx = await store.transaction((own) => Promise.resolve(own));
      const { code, executed } = await refusal(store.outbox.insert(tx, [stage.row("late")]));
      equal(code, "INVALID_ARGUMENT");
      equal(executed, "no");
    },
  },
];
