import { deepEqual, equal, match, ok } from "node:assert/strict";

import type { Context } from "../../base/handler.ts";
import { contract, duplex } from "../../contract/index.ts";
import { serve } from "../serve.ts";
import type { Case } from "./case.ts";
import { any, number, text } from "./schemas.ts";
import { failureOf, fails, take, type Stage, outOfTime } from "./stage.ts";
import { Supplier } from "./supplier.ts";
import { Taker } from "./taker.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    chat: duplex({ head: text, in: number, out: number, errors: { FULL: number } }),
    double: duplex({ in: number, out: number }),
  },
);

async function* doubled(items: AsyncIterable<number>): AsyncGenerator<number> {
  for await (const item of items) yield 2 * item;
}

const handlers = { chat: doubled, double: doubled };

/** The most items that may be on their way or waiting in one direction. */
const itemsAheadMax = 1_024;

/** Waits until nothing grows any more. */
async function stands(stage: Stage, count: () => number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count();
    await stage.settle();
  }
}

export const duplexCases: readonly Case[] = [
  {
    name: "a duplex is a conversation: each side answers what it has just heard",
    when: ({ kinds }) => kinds.includes("duplex"),
    play: async (stage) => {
      const heads: unknown[] = [];
      const { client } = await stage.pair(Desk, {
        ...handlers,
        async *chat(items, context) {
          heads.push(context.head);
          equal(context.operation.kind, "duplex");
          for await (const item of items) yield item + 1;
        },
      });
      let heard = Promise.withResolvers<number>();
      const said = async function* (): AsyncGenerator<number> {
        for (let next = 0; next < 20; next = await heard.promise) {
          heard = Promise.withResolvers();
          yield next;
        }
      };
      const answers: number[] = [];
      for await (const answer of client.chat(said(), { head: "a" })) {
        answers.push(answer);
        heard.resolve(answer);
      }
      deepEqual(
        answers,
        Array.from({ length: 20 }, (_, i) => i + 1),
      );
      deepEqual(heads, ["a"]);
    },
  },
  {
    name: "a duplex begins when its first item is asked for, and its items are not opened before",
    when: ({ kinds }) => kinds.includes("duplex"),
    play: async (stage) => {
      let begun = 0;
      const { client } = await stage.pair(Desk, {
        ...handlers,
        double: (items) => {
          begun++;
          return doubled(items);
        },
      });
      const supplier = new Supplier();
      const items = client.double(supplier.waiting(2));
      const never = client.double(supplier.waiting(2));
      await stage.settle();
      deepEqual([begun, supplier.ends], [0, []]);
      equal((await items.next()).value, 0);
      await items.return();
      deepEqual(await never.return(), { done: true, value: undefined });
      await stage.until(() => supplier.ends.length === 2, "the source is told");
      deepEqual([begun, supplier.ends], [1, ["opened", "returned"]]);
    },
  },
  {
    name: "each direction has its own end: the caller's items may end first, and no item need be read",
    when: ({ kinds }) => kinds.includes("duplex"),
    play: async (stage) => {
      const { client, serving } = await stage.pair(Desk, {
        async *chat(items, { head }) {
          const taker = new Taker();
          if (head === "sum") yield await taker.take(items);
          for (let i = 0; i < 300; i++) yield i;
        },
        double: () => [],
      });
      const supplier = new Supplier();
      const summed = await take(client.chat(supplier.items(400), { head: "sum" }));
      deepEqual([summed.length, summed[0], summed[300]], [301, 79_800, 299]);
      deepEqual(supplier.ends, ["complete", "ended"]);
      const endless = new Supplier();
      equal((await take(client.chat(endless.items(), { head: "ignored" }))).length, 300);
      deepEqual(await take(client.double(new Supplier().items())), []);
      await stage.until(() => endless.ends.length > 0, "the source has ended");
      deepEqual(endless.ends, ["ended"]);
      await stage.until(() => serving.inFlight === 0, "nothing is under way");
    },
  },
  {
    name: "each direction has its own credit: who is slow slows down only who sends to it",
    when: ({ kinds, credit, ahead }) => kinds.includes("duplex") && credit && ahead === "items",
    play: async (stage) => {
      const given = new Supplier();
      const gate = Promise.withResolvers<void>();
      let taken = 0;
      const { client } = await stage.pair(Desk, {
        ...handlers,
        async *double(items) {
          const taking = (async (): Promise<void> => {
            await gate.promise;
            for await (const _ of items) taken++;
          })();
          yield* given.items(5_000);
          await taking;
        },
      });
      const sent = new Supplier();
      const items = client.double(sent.items(5_000));
      equal((await items.next()).value, 0);
      await stands(stage, () => given.given + sent.given);
      ok(sent.given > 0 && sent.given <= itemsAheadMax, `${sent.given} sent, none taken`);
      ok(given.given > 1 && given.given <= itemsAheadMax + 2, `${given.given} given, one taken`);
      for (let i = 1; i < 5_000; i++) equal((await items.next()).value, i);
      ok(sent.given <= itemsAheadMax, `${sent.given} sent, none taken`);
      gate.resolve();
      equal((await items.next()).done, true);
      deepEqual([taken, sent.ends], [5_000, ["complete", "ended"]]);
    },
  },
  {
    name: "leaving the loop ends both directions: the source is closed, and the handler is told",
    when: ({ kinds, cancel }) => kinds.includes("duplex") && cancel,
    play: async (stage) => {
      const taker = new Taker();
      const contexts: Context[] = [];
      const { client, serving } = await stage.pair(Desk, {
        ...handlers,
        async *double(items, context) {
          contexts.push(context);
          yield 1;
          await taker.take(items);
          yield 2;
        },
      });
      const supplier = new Supplier();
      deepEqual(await take(client.double(supplier.waiting(3)), 1), [1]);
      await stage.until(() => taker.ends.length > 0 && supplier.ends.length > 1, "both are told");
      await stage.settle();
      deepEqual([taker.ends, supplier.ends], [["CANCELLED"], ["opened", "returned"]]);
      ok(contexts[0]!.signal.aborted);
      await stage.until(() => serving.inFlight === 0, "nothing is under way");
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "a duplex that is cut short looks complete to nobody",
    when: ({ kinds, cancel }) => kinds.includes("duplex") && cancel,
    play: async (stage) => {
      const takers: Taker[] = [];
      const listening = {
        ...handlers,
        async *double(items: AsyncIterable<number>): AsyncGenerator<number> {
          const taker = new Taker();
          takers.push(taker);
          yield 1;
          await taker.take(items);
        },
      };
      const { client } = await stage.pair(Desk, listening);
      const closing = await stage.connect(Desk);
      const cut = await stage.serve(serve(Desk, listening), {}, "cut");
      const far = await stage.connect(Desk, {}, "cut");
      const controller = new AbortController();
      const { signal } = controller;
      const rows = [
        [client.double(new Supplier().waiting(1), { signal }), "CANCELLED"],
        [client.double(new Supplier().waiting(1), { total: 500 }), "DEADLINE_EXCEEDED"],
        [closing.double(new Supplier().waiting(1)), "CANCELLED"],
        [far.double(new Supplier().waiting(1)), "UNAVAILABLE"],
      ] as const;
      const failures: Promise<unknown>[] = [];
      for (const [items, code] of rows) {
        equal((await items.next()).value, 1);
        failures.push(fails(items.next(), code, "maybe"));
      }
      await stage.until(() => takers.every(({ taken }) => taken.length === 1), "all have begun");
      controller.abort();
      await (closing as unknown as AsyncDisposable)[Symbol.asyncDispose]();
      equal(await cut.stop(), 1);
      await Promise.all(failures);
      await stage.until(() => takers.every(({ ends }) => ends.length > 0), "all are told");
      deepEqual(
        takers.map(({ ends }) => ends),
        rows.map(() => ["CANCELLED"]),
      );
      for (const [items] of rows) equal((await items.next()).done, true);
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "when what gives a duplex's items fails, the reader gets its exception as the cause",
    when: ({ kinds, cancel }) => kinds.includes("duplex") && cancel,
    play: async (stage) => {
      const { client, serving } = await stage.pair(Desk, handlers);
      const broken = new Error("the disk broke");
      const items = async function* (): AsyncGenerator<number> {
        yield 1;
        await heard.promise;
        throw broken;
      };
      const heard = Promise.withResolvers<void>();
      const reader = client.double(items());
      equal((await reader.next()).value, 2);
      heard.resolve();
      const error = await fails(reader.next(), "CANCELLED", "maybe");
      deepEqual([error.cause, error.operation], [broken, "desk.double"]);
      equal((await reader.next()).done, true);
      const wrong = client.double(["one"] as unknown as number[]);
      const refused = await fails(wrong.next(), "INVALID_ARGUMENT", "maybe");
      match(refused.reason, /^the item at index 0 does not match the contract/);
      for (const none of [undefined, 7, "12"]) {
        const asked = client.double(none as unknown as number[]);
        await fails(asked.next(), "INVALID_ARGUMENT", "no");
      }
      await fails(client.chat([], { head: 7 as never }).next(), "INVALID_ARGUMENT", "no");
      await stage.until(() => serving.inFlight === 0, "nothing is under way");
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "items of a duplex that break the contract are told to who reads them, and are the fault of who sends them",
    when: ({ kinds }) => kinds.includes("duplex"),
    play: async (stage) => {
      const Loose = contract(
        "desk",
        { version: "1.0.0" },
        {
          chat: duplex({ head: text, in: any<unknown>(), out: any<unknown>() }),
          double: duplex({ in: any<unknown>(), out: number }),
        },
      );
      await stage.serve(
        serve(Desk, {
          ...handlers,
          async *chat(items, { head, errors }) {
            yield 1;
            if (head === "declared") throw errors.FULL(5);
            if (head === "wrong") yield "two" as unknown as number;
            yield* doubled(items);
          },
        }),
      );
      const client = await stage.connect(Desk);
      const loose = await stage.connect(Loose);
      const declared = client.chat([1, 2], { head: "declared" });
      equal((await declared.next()).value, 1);
      equal((await fails(declared.next(), "FULL", "yes")).data, 5);
      const own = client.chat([1, 2], { head: "wrong" });
      equal((await own.next()).value, 1);
      await fails(own.next(), "INTERNAL", "yes");
      equal(stage.incidents.length, 1);
      const theirs = loose.chat([1, "two"], { head: "" });
      deepEqual([(await theirs.next()).value, (await theirs.next()).value], [1, 2]);
      const error = await fails(theirs.next(), "INVALID_ARGUMENT", "yes");
      match(error.reason, /^the item at index 1 does not match the contract: expected a number/);
      equal(stage.incidents.length, 1);
      await stage.serve(
        { contract: Loose, handlers: { chat: () => ["x"], double: () => [] } },
        {},
        "loose",
      );
      const careful = await stage.connect(Desk, {}, "loose");
      const misled = new Supplier();
      await fails(careful.chat(misled.items(), { head: "" }).next(), "INTERNAL", "maybe");
    },
  },
  {
    name: "the deadline of a duplex is for being accepted; idle and total are asked for",
    when: ({ kinds, deadline, cancel }) => kinds.includes("duplex") && deadline && cancel,
    play: async (stage) => {
      const contexts: Context[] = [];
      let pauseMs = 300;
      const { client } = await stage.pair(Desk, {
        ...handlers,
        async *double(items, context) {
          contexts.push(context);
          for await (const item of items) {
            await stage.sleep(pauseMs);
            context.signal.throwIfAborted();
            yield item;
          }
        },
      });
      // Accepted at once, although the first item comes later.
      deepEqual(await take(client.double([1], { deadline: 250 })), [1]);
      pauseMs = 400;
      equal(contexts[0]!.deadline.at, Infinity);
      deepEqual(await take(client.double([1, 2], { idle: "5s", total: "10s" })), [1, 2]);
      await outOfTime(stage, take(client.double([1, 2], { idle: 200 })));
      const supplier = new Supplier();
      const begun = stage.env.now();
      const late = await failureOf(take(client.double(supplier.items(), { total: 300 })));
      deepEqual([late.code, late.executed], ["DEADLINE_EXCEEDED", "maybe"]);
      ok(stage.env.now() - begun >= 300);
      await stage.until(() => supplier.ends.length > 0, "the source has ended");
      ok(contexts.at(-1)!.deadline.at < Infinity);
    },
  },
];
