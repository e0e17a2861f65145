import { deepEqual, equal, match, ok } from "node:assert/strict";

import type { Context } from "../../base/handler.ts";
import { contract, upload } from "../../contract/index.ts";
import { serve } from "../serve.ts";
import type { Case } from "./case.ts";
import { any, Counting, number, text } from "./schemas.ts";
import { fails } from "./stage.ts";
import { Supplier } from "./supplier.ts";
import { Taker } from "./taker.ts";

const Depot = contract(
  "depot",
  { version: "1.0.0" },
  {
    store: upload({ head: text, in: number, out: number, errors: { FULL: number } }),
    sum: upload({ in: number, out: number }),
    touch: upload({ head: text }),
  },
);

/** The most items that may be on their way or waiting on one upload. */
const itemsAheadMax = 1_024;

function sumOf(items: AsyncIterable<number>): Promise<number> {
  return new Taker().take(items);
}

const handlers = { store: sumOf, sum: sumOf, touch: () => {} };

export const uploadCases: readonly Case[] = [
  {
    name: "an upload sends its head, then its items in their order, and gives one answer",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const heads: unknown[] = [];
      const taker = new Taker();
      const { client } = await stage.pair(Depot, {
        ...handlers,
        store: (items, context) => {
          heads.push(context.head);
          equal(context.operation.kind, "upload");
          return taker.take(items);
        },
        touch: (_items, { head }) => void heads.push(head),
      });
      equal(await client.store([3, 1, 2], { head: "a", headers: { tenant: "acme" } }), 6);
      deepEqual([taker.taken, taker.ends], [[3, 1, 2], ["complete"]]);
      equal(await client.touch([], { head: "only" }), undefined);
      deepEqual(heads, ["a", "only"]);
      equal(await client.sum([]), 0);
      equal(await client.sum(new Supplier().items(1_000)), 499_500);
    },
  },
  {
    name: "whatever can be iterated gives an upload's items; what cannot is refused before anything is sent",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      let begun = 0;
      const { client } = await stage.pair(Depot, {
        ...handlers,
        sum: (items) => {
          begun++;
          return sumOf(items);
        },
      });
      const left = [1, 2];
      const given: Iterable<Iterable<number> | AsyncIterable<number>> = [
        [1, 2],
        new Set([1, 2]),
        (function* () {
          yield* [1, 2];
        })(),
        (async function* () {
          yield* [1, 2];
        })(),
        {
          [Symbol.asyncIterator]: () => ({
            next: async () => ({ done: left.length === 0, value: left.shift()! }),
          }),
        },
      ];
      for (const items of given) equal(await client.sum(items), 3);
      equal(begun, 5);
      for (const items of [undefined, null, 7, "12", {}, { [Symbol.iterator]: 1 }]) {
        const error = await fails(client.sum(items as never), "INVALID_ARGUMENT", "no");
        match(error.reason, /the items cannot be iterated/);
      }
      await stage.settle();
      equal(begun, 5);
    },
  },
  {
    name: "failures of an upload are values where they are wanted, declared ones typed",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const { client } = await stage.pair(Depot, {
        ...handlers,
        async store(items, { head, errors }) {
          const sum = await sumOf(items);
          if (head === "small") throw errors.FULL(sum);
          return sum;
        },
      });
      deepEqual(await client.store.result([1, 2], { head: "large" }), { ok: true, value: 3 });
      const full = await client.store.result([1, 2], { head: "small" });
      ok(!full.ok && full.error.code === "FULL");
      deepEqual([full.error.data, full.error.executed], [3, "yes"]);
      const wrong = await client.store.result([1], { head: 7 as never });
      ok(!wrong.ok && wrong.error.code === "INVALID_ARGUMENT");
      equal(wrong.error.operation, "depot.store");
    },
  },
  {
    name: "transforms and defaults of a head and of items run once in all, at the receiver",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const [head, item] = [new Counting(), new Counting()];
      const Counted = contract(
        "counted",
        { version: "1.0.0" },
        { sum: upload({ head: head.schema, in: item.schema, out: number }) },
      );
      await stage.serve(
        serve(Counted, { sum: async (items, context) => context.head * (await sumOf(items)) }),
        { checkSent: false },
      );
      const client = await stage.connect(Counted, { checkSent: false });
      equal(await client.sum([1, 2], { head: 9 }), 50);
      deepEqual([head.runs, item.runs], [1, 2]);
      const careful = await stage.connect(Counted);
      equal(await careful.sum([1, 2], { head: 9 }), 50);
      deepEqual([head.runs, item.runs], [3, 6]);
    },
  },
  {
    name: "items are asked for as the handler takes them, from one process into the other",
    when: ({ kinds, credit, ahead }) => kinds.includes("upload") && credit && ahead === "items",
    play: async (stage) => {
      const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      let taken = 0;
      const { client } = await stage.pair(Depot, {
        ...handlers,
        async sum(items) {
          await gates[0]!.promise;
          for await (const item of items) {
            equal(item, taken++);
            if (taken === 1_000) await gates[1]!.promise;
          }
          return taken;
        },
      });
      const supplier = new Supplier();
      const summed = client.sum(supplier.items(5_000));
      for (const [index, gate] of gates.entries()) {
        await stage.until(() => supplier.given > taken && taken === index * 1_000, "it waits");
        for (let before = -1; before !== supplier.given;) {
          before = supplier.given;
          await stage.settle();
        }
        const ahead = supplier.given - taken;
        ok(ahead <= itemsAheadMax, `${ahead} items ahead after ${taken}`);
        gate.resolve();
      }
      equal(await summed, 5_000);
      deepEqual(supplier.ends, ["complete", "ended"]);
    },
  },
  {
    name: "items are not opened for a request that fails before it is accepted",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      let begun = 0;
      const { client } = await stage.pair(
        Depot,
        {
          ...handlers,
          store: () => ++begun,
        },
        {
          aroundHandler: [
            (next) => (items, context) => {
              if (context.head === "refused") throw context.refuse("PERMISSION_DENIED", "not you");
              return next(items, context);
            },
          ],
        },
      );
      await stage.serve(serve(Depot, handlers), { authorize: () => false }, "closed");
      const closed = await stage.connect(Depot, {}, "closed");
      const trusting = await stage.connect(Depot, { checkSent: false });
      const absent = await stage.connect(Depot, { connectWait: 20 }, "nobody");
      const supplier = new Supplier();
      const items = supplier.waiting(1);
      const wrong = 7 as unknown as string;
      const signal = AbortSignal.abort();
      await fails(client.store(items, { head: wrong }), "INVALID_ARGUMENT", "no");
      await fails(trusting.store(items, { head: wrong }), "INVALID_ARGUMENT", "no");
      await fails(client.store(items, { head: "refused" }), "PERMISSION_DENIED", "no");
      await fails(absent.store(items, { head: "a" }), "UNAVAILABLE", "no");
      const few = new Supplier();
      await fails(closed.store(few.items(1), { head: "a" }), "PERMISSION_DENIED", "no");
      equal(few.given, 0);
      await fails(client.store(items, { head: "a", signal }), "CANCELLED", "no");
      await fails(client.store(items, { head: "a", deadline: 0 }), "DEADLINE_EXCEEDED", "no");
      await fails(client.store(items, { head: "a", headers: { A: "" } }), "INVALID_ARGUMENT", "no");
      await stage.settle();
      deepEqual([supplier.ends, supplier.given, begun], [[], 0, 0]);
    },
  },
  {
    name: "items that can be read once only are not read by two requests: the second would take the rest for the whole",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      let ran = 0;
      const { client } = await stage.pair(Depot, {
        ...handlers,
        sum: async (items) => {
          ran++;
          await sumOf(items);
          throw new Error("it broke");
        },
      });
      const once = new Supplier().items(3);
      await fails(client.sum(once), "INTERNAL", "yes");
      const error = await fails(client.sum(once), "INVALID_ARGUMENT", "no");
      match(error.reason, /the items were read before/);
      const shared = [1, 2, 3][Symbol.iterator]() as Iterable<number>;
      const results = await Promise.all([client.sum.result(shared), client.sum.result(shared)]);
      const codes = results.map((result) => (result.ok ? "OK" : result.error.code));
      deepEqual(codes.toSorted(), ["INTERNAL", "INVALID_ARGUMENT"]);
      const often = [1, 2, 3];
      for (let i = 0; i < 2; i++) await fails(client.sum(often), "INTERNAL", "yes");
      equal(stage.incidents.length, ran - 1);
    },
  },
  {
    name: "a head that is wrong runs no handler, and it is told that it is the head",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const { client } = await stage.pair(Depot, handlers);
      const trusting = await stage.connect(Depot, { checkSent: false });
      for (const each of [client, trusting]) {
        const error = await fails(each.touch([], { head: 7 as never }), "INVALID_ARGUMENT", "no");
        match(error.reason, /^the head does not match the contract: expected text/);
      }
      const bare = client.touch as unknown as (items: unknown) => Promise<unknown>;
      await fails(bare([]), "INVALID_ARGUMENT", "no");
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "an item that the client itself refuses ends the upload and says which one it was",
    when: ({ kinds, cancel }) => kinds.includes("upload") && cancel,
    play: async (stage) => {
      const taker = new Taker();
      const { client } = await stage.pair(Depot, {
        ...handlers,
        sum: (items) => taker.take(items),
      });
      const ends: string[] = [];
      const items = function* (): Generator<number> {
        try {
          yield 1;
          yield 2;
          yield "three" as unknown as number;
          yield 4;
        } finally {
          ends.push("ended");
        }
      };
      const error = await fails(client.sum(items()), "INVALID_ARGUMENT", "maybe");
      match(error.reason, /^the item at index 2 does not match the contract: expected a number/);
      equal(error.operation, "depot.sum");
      deepEqual(ends, ["ended"]);
      await stage.until(() => taker.ends.length === 1, "the handler is told");
      deepEqual([taker.ends, stage.incidents.length], [["CANCELLED"], 0]);
    },
  },
  {
    name: "an item that the server refuses is told to the handler; what escapes of that is no incident",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const taker = new Taker();
      const { serving } = await stage.pair(Depot, {
        ...handlers,
        sum: (items) => taker.take(items),
        async store(items) {
          await taker.take(items).catch(() => {});
          return taker.sum;
        },
      });
      const client = await stage.connect(Depot, { checkSent: false });
      const items = [1, 2, "three", 4] as unknown as number[];
      const error = await fails(client.sum(items), "INVALID_ARGUMENT", "yes");
      match(error.reason, /^the item at index 2 does not match the contract: expected a number/);
      deepEqual([taker.taken.splice(0), taker.ends], [[1, 2], ["INVALID_ARGUMENT"]]);
      // Who catches it may answer all the same.
      equal(await client.store(items, { head: "a" }), 3);
      equal(stage.incidents.length, 0);
      await stage.until(() => serving.inFlight === 0, "nothing is under way");
    },
  },
  {
    name: "an item that cannot be written, or is too large, ends the upload and says so",
    when: ({ kinds, cancel }) => kinds.includes("upload") && cancel,
    play: async (stage) => {
      const Loose = contract(
        "loose",
        { version: "1.0.0" },
        { put: upload({ in: any<unknown>(), out: number }) },
      );
      const ends: string[] = [];
      const { client } = await stage.pair(Loose, {
        async put(items) {
          try {
            for await (const _ of items);
            ends.push("complete");
          } catch {
            ends.push("failed");
          }
          return 0;
        },
      });
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      await fails(client.put([1, circle]), "INVALID_ARGUMENT", "maybe");
      await fails(client.put([1, "x".repeat(5 * 1024 * 1024)]), "RESOURCE_EXHAUSTED", "maybe");
      await stage.until(() => ends.length === 2, "the handler is told");
      deepEqual([ends, stage.incidents.length], [["failed", "failed"], 0]);
    },
  },
  {
    name: "items are made in the context of who made the call",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const Outer = contract("outer", { version: "1.0.0" }, { go: upload({ out: number }) });
      const inner = await stage.connect(Depot);
      const traces: string[] = [];
      const keep = (_items: unknown, { trace }: Context): void => void traces.push(trace.traceId);
      await stage.serve([
        serve(Depot, { ...handlers, touch: keep }),
        serve(Outer, {
          async go(_items, { trace }) {
            traces.push(trace.traceId);
            const items = async function* (): AsyncGenerator<number> {
              yield 1;
              await stage.settle();
              await inner.touch([], { head: "made while items are made" });
              yield 2;
            };
            return inner.sum(items());
          },
        }),
      ]);
      const outer = await stage.connect(Outer);
      equal(await outer.go([]), 3);
      deepEqual(traces, [traces[0], traces[0]]);
    },
  },
];
