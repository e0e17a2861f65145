import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { isTrunklineError } from "../../base/error.ts";
import { refusal, shares, textsOf, type Case } from "./stage.ts";

const concurrent: Case["when"] = ({ capabilities }) => capabilities.concurrent;

const committing: readonly Case[] = [
  {
    name: "what was written in a transaction is there when that is committed",
    async play(stage) {
      const store = await stage.open();
      await stage.ownTable(store);
      await store.transaction(async (tx) => {
        await stage.stand.execute(tx.native, "INSERT INTO suite_effect (id) VALUES (1)");
        await store.outbox.insert(tx, [stage.row("a"), stage.row("b")]);
      });
      deepEqual(textsOf(await store.outbox.read(shares, [], 10)), ["a", "b"]);
      deepEqual(await stage.effects(store), [1]);
    },
  },
  {
    name: "a transaction gives what its work gives",
    async play(stage) {
      const store = await stage.open();
      equal(await store.transaction(() => Promise.resolve("given")), "given");
    },
  },
  {
    name: "a rollback takes what was written away, and what the work threw is thrown, untouched",
    async play(stage) {
      const store = await stage.open();
      await stage.ownTable(store);
      const mine = new RangeError("mine");
      const work = store.transaction(async (tx) => {
        await stage.stand.execute(tx.native, "INSERT INTO suite_effect (id) VALUES (1)");
        await store.outbox.insert(tx, [stage.row("a")]);
        throw mine;
      });
      await rejects(work, (error) => error === mine);
      deepEqual(await store.outbox.read(shares, [], 10), []);
      deepEqual(await stage.effects(store), []);
    },
  },
  {
    name: "what the database says of a statement of the user's is thrown as it is, and nothing is committed",
    async play(stage) {
      const store = await stage.open();
      await stage.ownTable(store);
      const work = store.transaction(async (tx) => {
        await store.outbox.insert(tx, [stage.row("a")]);
        for (const id of [1, 1])
          await stage.stand.execute(tx.native, `INSERT INTO suite_effect (id) VALUES (${id})`);
      });
      await rejects(work, (error) => error instanceof Error && !isTrunklineError(error));
      deepEqual(await store.outbox.read(shares, [], 10), []);
      deepEqual(await stage.effects(store), []);
    },
  },
  {
    name: "a transaction in which a statement has failed is not said to be committed when the database has rolled it back",
    when: ({ dialect }) => dialect === "postgres",
    async play(stage) {
      const store = await stage.open();
      await stage.ownTable(store);
      const work = store.transaction(async (tx) => {
        await stage.stand.execute(tx.native, "INSERT INTO suite_effect (id) VALUES (1)");
        await stage.stand.execute(tx.native, "SELECT wrong").catch(() => "swallowed");
      });
      await rejects(work);
      deepEqual(await stage.effects(store), []);
    },
  },
  {
    name: "just before the commit what was registered for it runs in its order, and what that registers too; afterwards what was registered for then",
    async play(stage) {
      const store = await stage.open();
      const order: string[] = [];
      await store.transaction((tx) => {
        tx.afterCommit(() => void order.push("after"));
        tx.beforeCommit(async () => {
          order.push("before 1");
          tx.beforeCommit(() => Promise.resolve(void order.push("before 3")));
          await store.outbox.insert(tx, [stage.row("written last")]);
        });
        tx.beforeCommit(() => Promise.resolve(void order.push("before 2")));
        return Promise.resolve(void order.push("work"));
      });
      deepEqual(order, ["work", "before 1", "before 2", "before 3", "after"]);
      deepEqual(textsOf(await store.outbox.read(shares, [], 10)), ["written last"]);
    },
  },
  {
    name: "after a rollback nothing runs that was registered for the commit",
    async play(stage) {
      const store = await stage.open();
      const order: string[] = [];
      const work = store.transaction((tx) => {
        tx.beforeCommit(() => Promise.resolve(void order.push("before")));
        tx.afterCommit(() => void order.push("after"));
        return Promise.reject(new Error("no"));
      });
      await rejects(work, /no/);
      const failing = store.transaction((tx) => {
        tx.beforeCommit(() => Promise.reject(new Error("not so")));
        tx.afterCommit(() => void order.push("after"));
        return Promise.resolve();
      });
      await rejects(failing, /not so/);
      deepEqual(order, []);
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
      throws(() => tx.beforeCommit(() => Promise.resolve()), /over/);
    },
  },
  {
    name: "many transactions of one process at once are all committed",
    async play(stage) {
      const store = await stage.open();
      const texts = Array.from({ length: 30 }, (_, index) => `${index}`);
      await Promise.all(texts.map((text) => stage.write(store, [stage.row(text, { lane: 7 })])));
      const rows = await store.outbox.read(shares, [], 100);
      deepEqual(textsOf(rows).toSorted(), texts.toSorted());
    },
  },
  {
    name: "two that wait for each other: one is told that it may be run again, and nothing of it is there",
    when: concurrent,
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const crossed = (
        store: typeof one,
        lanes: readonly [number, number],
        mine: PromiseWithResolvers<void>,
        other: Promise<void>,
      ) =>
        store.transaction(async (tx) => {
          await store.outbox.lock(tx, [lanes[0]]);
          mine.resolve();
          await other;
          await store.outbox.lock(tx, [lanes[1]]);
          await store.outbox.insert(tx, [stage.row("crossed", { lane: lanes[1] })]);
        });
      const outcomes = await Promise.allSettled([
        crossed(one, [1, 2], first, second.promise),
        crossed(two, [2, 1], second, first.promise),
      ]);
      const failed = outcomes.filter((each) => each.status === "rejected");
      equal(failed.length, 1);
      const error: unknown = failed[0]!.reason;
      ok(isTrunklineError(error));
      deepEqual([error.code, error.executed, error.gate], ["UNAVAILABLE", "no", "conflict"]);
      equal((await one.outbox.read(shares, [], 10)).length, 1);
    },
  },
];

const adopting: readonly Case[] = [
  {
    name: "a transaction that the store has begun is known by what the client calls it",
    async play(stage) {
      const store = await stage.open();
      await store.transaction((tx) => {
        equal(store.adopt(tx.native), tx);
        return Promise.resolve();
      });
    },
  },
  {
    name: "what is written in the user's own transaction is committed with it",
    async play(stage) {
      const { own } = stage.stand;
      if (own === undefined) return;
      const store = await stage.open();
      await own(async (native) => {
        const tx = store.adopt(native);
        equal(tx.managed, false);
        throws(() => tx.beforeCommit(() => Promise.resolve()));
        await store.outbox.lock(tx, [3]);
        await store.outbox.insert(tx, [stage.row("a", { lane: 3 })]);
        equal(await store.inbox.mark(tx, { consumer: "c", message: "m" }), undefined);
      });
      deepEqual(textsOf(await store.outbox.read(shares, [], 10)), ["a"]);
      ok(await store.inbox.find({ consumer: "c", message: "m" }));
    },
  },
  {
    name: "what is written in the user's own transaction is gone when he rolls it back",
    async play(stage) {
      const { own } = stage.stand;
      if (own === undefined) return;
      const store = await stage.open();
      const work = own(async (native) => {
        const tx = store.adopt(native);
        await store.outbox.lock(tx, [3]);
        await store.outbox.insert(tx, [stage.row("a", { lane: 3 })]);
        await store.inbox.mark(tx, { consumer: "c", message: "m" });
        throw new Error("not this time");
      });
      await rejects(work, /not this time/);
      deepEqual(await store.outbox.read(shares, [], 10), []);
      equal(await store.inbox.find({ consumer: "c", message: "m" }), undefined);
    },
  },
  {
    name: "OB-1: what is no transaction of the client is refused",
    async play(stage) {
      const store = await stage.open();
      for (const wrong of [undefined, null, {}, "tx", 1])
        throws(
          () => store.adopt(wrong),
          (error) => isTrunklineError(error) && error.code === "INVALID_ARGUMENT",
        );
    },
  },
];

const migrating: readonly Case[] = [
  {
    name: "without its tables a store says how to make them",
    empty: true,
    async play(stage) {
      const store = await stage.open();
      for (const act of [
        () => store.outbox.oldestMs(),
        () => store.outbox.keep("relay", 1_000, []),
        () => stage.write(store, [stage.row("a")]),
      ]) {
        const { code, executed, advice } = await refusal(act());
        deepEqual([code, executed], ["INVALID_ARGUMENT", "no"]);
        match(advice ?? "", /trunkline store migrate/);
      }
    },
  },
  {
    name: "migrations are run once, in their order, and are known afterwards",
    empty: true,
    async play(stage) {
      const store = await stage.open();
      const before = await store.migrations();
      ok(before.length >= 3);
      ok(
        before.every(({ ranAt, sql }) => ranAt === undefined && /^(CREATE|ALTER) TABLE/m.test(sql)),
      );
      const names = before.map(({ name }) => name);
      deepEqual(names, names.toSorted());
      deepEqual(
        (await store.migrate()).map(({ name }) => name),
        names,
      );
      deepEqual(await store.migrate(), []);
      ok((await store.migrations()).every(({ ranAt }) => ranAt! > 1_600_000_000_000));
    },
  },
  {
    name: "processes that migrate side by side do it once",
    empty: true,
    async play(stage) {
      const stores = [await stage.open(), await stage.open(), await stage.open()];
      const ran = await Promise.all(stores.map((store) => store.migrate()));
      const known = await stores[0]!.migrations();
      equal(ran.flat().length, known.length);
      equal((await stores[1]!.outbox.keep("relay", 1_000, [])).leases.length, 32);
    },
  },
];

const hinting: readonly Case[] = [
  {
    name: "OB-9: a hint reaches whoever listens in another process, and no longer when he has closed",
    when: ({ capabilities }) => capabilities.hints,
    async play(stage) {
      const [one, two] = [await stage.open(), await stage.open()];
      let heard = Promise.withResolvers<void>();
      let count = 0;
      const listening = await two.listen(() => {
        count++;
        heard.resolve();
      });
      one.hint();
      await heard.promise;
      heard = Promise.withResolvers();
      one.hint();
      one.hint();
      await heard.promise;
      await listening.close();
      const before = count;
      one.hint();
      await stage.meanwhile();
      equal(count, before);
    },
  },
  {
    name: "who listens where nothing is told hears nothing, and may all the same",
    when: ({ capabilities }) => !capabilities.hints,
    async play(stage) {
      const store = await stage.open();
      const listening = await store.listen(() => {});
      store.hint();
      await listening.close();
    },
  },
];

export const transactionCases: readonly Case[] = [
  ...committing,
  ...adopting,
  ...migrating,
  ...hinting,
];
