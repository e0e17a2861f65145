import { deepEqual, equal, match, ok } from "node:assert/strict";

import type { Context } from "../../base/handler.ts";
import { contract, upload } from "../../contract/index.ts";
import { serve } from "../serve.ts";
import type { Case } from "./case.ts";
import { any, number, slow, text, throwing } from "./schemas.ts";
import { fails, outOfTime } from "./stage.ts";
import { Supplier } from "./supplier.ts";
import { Taker } from "./taker.ts";

const Depot = contract(
  "depot",
  { version: "1.0.0" },
  {
    sum: upload({ in: number, out: number }),
    hasty: upload({ in: number, out: number, deadline: "250ms" }),
    pauses: upload({ in: number, out: number, idle: "250ms" }),
  },
);

/** All of them served alike. */
function alike(work: (items: AsyncIterable<number>, context: Context) => Promise<number>) {
  return { sum: work, hasty: work, pauses: work };
}

export const uploadEndCases: readonly Case[] = [
  {
    name: "an answer that comes before all items were sent ends the upload and stops its source",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const taker = new Taker();
      const { client, serving } = await stage.pair(
        Depot,
        alike((items) => taker.take(items, 3)),
      );
      const endless = new Supplier();
      equal(await client.sum(endless.items()), 3);
      await stage.until(() => endless.ends.length > 0, "the generator has ended");
      deepEqual(endless.ends, ["ended"]);
      const stuck = new Supplier();
      taker.taken.length = 0;
      equal(await client.sum(stuck.waiting(3)), 3);
      await stage.until(() => stuck.ends.length > 1, "who waits for an item is told");
      await stage.settle();
      deepEqual(stuck.ends, ["opened", "returned"]);
      await stage.until(() => serving.inFlight === 0, "nothing is under way");
    },
  },
  {
    name: "items that have ended by themselves are not returned as well",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const taker = new Taker();
      const { client } = await stage.pair(
        Depot,
        alike((items) => taker.take(items)),
      );
      const supplier = new Supplier();
      equal(await client.sum(supplier.counting(3)), 3);
      await stage.settle();
      deepEqual(supplier.ends, ["complete"]);
    },
  },
  {
    name: "a handler may answer without reading anything",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const { client } = await stage.pair(
        Depot,
        alike(async () => 7),
      );
      const supplier = new Supplier();
      deepEqual(
        await Promise.all([
          client.sum(supplier.items()),
          client.sum([]),
          client.sum([1, 2, 3]),
          client.sum(Array.from({ length: 2_000 }, (_, i) => i)),
        ]),
        [7, 7, 7, 7],
      );
      await stage.settle();
      ok(supplier.ends.length === 0 || supplier.ends[0] === "ended");
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "a handler that leaves its loop stops the source quietly, and may take its time with the answer",
    when: ({ kinds, cancel }) => kinds.includes("upload") && cancel,
    play: async (stage) => {
      const taker = new Taker();
      const gate = Promise.withResolvers<void>();
      const { client } = await stage.pair(
        Depot,
        alike(async (items) => {
          const sum = await taker.take(items, 3);
          await gate.promise;
          deepEqual(await (items as AsyncGenerator).next(), { done: true, value: undefined });
          return sum;
        }),
      );
      const supplier = new Supplier();
      const summed = client.sum(supplier.items());
      await stage.until(() => supplier.ends.length > 0, "the source has ended");
      deepEqual([supplier.ends, taker.ends], [["ended"], ["left"]]);
      gate.resolve();
      equal(await summed, 3);
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "when what gives the items fails, its exception is the cause, and the handler knows that items are missing",
    when: ({ kinds, cancel }) => kinds.includes("upload") && cancel,
    play: async (stage) => {
      const takers: Taker[] = [];
      const { client } = await stage.pair(
        Depot,
        alike((items) => {
          const taker = new Taker();
          takers.push(taker);
          return taker.take(items);
        }),
      );
      const broken = new Error("the disk broke");
      const failing: (() => Iterable<number> | AsyncIterable<number>)[] = [
        async function* () {
          yield 1;
          throw broken;
        },
        function* () {
          yield 1;
          throw broken;
        },
        () => ({
          [Symbol.asyncIterator]: () => {
            throw broken;
          },
        }),
        () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(broken) }) }),
      ];
      for (const items of failing) {
        const error = await fails(client.sum(items()), "CANCELLED", "maybe");
        equal(error.cause, broken);
        equal(error.operation, "depot.sum");
      }
      // A failure of another call is what failed the items, not what became of this one.
      const other = await stage.connect(Depot, { connectWait: 20 }, "nobody");
      const nested = async function* (): AsyncGenerator<number> {
        yield await other.sum([]);
      };
      const error = await fails(client.sum(nested()), "CANCELLED", "maybe");
      equal((error.cause as { code?: string }).code, "UNAVAILABLE");
      await stage.until(
        () => takers.length === 5 && takers.every(({ ends }) => ends.length > 0),
        "every handler is told",
      );
      deepEqual(
        takers.map(({ ends }) => ends),
        takers.map(() => ["CANCELLED"]),
      );
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "an upload that is cut short never looks complete: given up, timed out, disconnected, or its client closed",
    when: ({ kinds, cancel }) => kinds.includes("upload") && cancel,
    play: async (stage) => {
      const takers: Taker[] = [];
      const contexts: Context[] = [];
      const handlers = alike((items, context) => {
        const taker = new Taker();
        takers.push(taker);
        contexts.push(context);
        return taker.take(items);
      });
      const { client } = await stage.pair(Depot, handlers);
      const closing = await stage.connect(Depot);
      const cut = await stage.serve(serve(Depot, handlers), {}, "cut");
      const far = await stage.connect(Depot, {}, "cut");
      const controller = new AbortController();
      const supplier = new Supplier();
      const items = (): AsyncIterable<number> => {
        supplier.given = 0;
        return supplier.waiting(3);
      };
      const ways: (() => Promise<unknown>)[] = [
        async () => {
          const { signal } = controller;
          const asked = client.sum(items(), { signal });
          await stage.until(() => takers[0]?.taken.length === 3, "three items were read");
          controller.abort(new Error("enough"));
          equal((await fails(asked, "CANCELLED", "maybe")).cause, controller.signal.reason);
        },
        async () => fails(client.sum(items(), { total: 400 }), "DEADLINE_EXCEEDED", "maybe"),
        async () => {
          const asked = closing.sum(items());
          await stage.until(() => takers[2]?.taken.length === 3, "three items were read");
          const failed = fails(asked, "CANCELLED", "maybe");
          await (closing as unknown as AsyncDisposable)[Symbol.asyncDispose]();
          await failed;
        },
        async () => {
          const asked = far.sum(items());
          await stage.until(() => takers[3]?.taken.length === 3, "three items were read");
          const failed = fails(asked, "UNAVAILABLE", "maybe");
          equal(await cut.stop(), 1);
          await failed;
        },
      ];
      for (const [index, cutShort] of ways.entries()) {
        supplier.ends.length = 0;
        await cutShort();
        await stage.until(() => takers[index]!.ends.length > 0, "the handler is told");
        await stage.until(() => supplier.ends.length > 1, "the source is told");
        await stage.settle();
        deepEqual([takers[index]!.taken, takers[index]!.ends], [[0, 1, 2], ["CANCELLED"]]);
        deepEqual(supplier.ends, ["opened", "returned"]);
        ok(contexts[index]!.signal.aborted);
      }
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "who reads on after the answer is not told that the items were complete",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const taker = new Taker();
      let reading: Promise<unknown> | undefined;
      const gate = Promise.withResolvers<void>();
      const { client } = await stage.pair(
        Depot,
        alike(async (items) => {
          reading = gate.promise.then(() => taker.take(items));
          return 0;
        }),
      );
      equal(await client.sum([1, 2, 3]), 0);
      gate.resolve();
      await fails(reading!, "CANCELLED", "yes");
      deepEqual(taker.ends, ["CANCELLED"]);
    },
  },
  {
    name: "the deadline of an upload is for being accepted; how long it takes then is not bounded by it",
    when: ({ kinds, deadline, cancel }) => kinds.includes("upload") && deadline && cancel,
    play: async (stage) => {
      const patient = slow<number>(() => stage.sleep(400));
      const Late = contract(
        "depot",
        { version: "1.0.0" },
        { hasty: upload({ head: patient, in: number, out: number, deadline: "250ms" }) },
      );
      let begun = 0;
      let deadline: number | undefined;
      const { client } = await stage.pair(
        Depot,
        alike(async (items, context) => {
          deadline = context.deadline.at;
          await stage.sleep(300); // it is accepted all the same: a handler may have to prepare
          let sum = 0;
          for await (const item of items) sum += item;
          await stage.sleep(50);
          return sum;
        }),
      );
      const slowly = async function* (): AsyncGenerator<number> {
        for (let i = 0; i < 4; i++) {
          await stage.sleep(20);
          yield i;
        }
      };
      equal(await client.hasty(slowly()), 6);
      equal(deadline, Infinity);
      await stage.serve(serve(Late, { hasty: () => ++begun }), {}, "late");
      const late = await stage.connect(Late, { checkSent: false }, "late");
      const supplier = new Supplier();
      const error = await fails(
        late.hasty(supplier.waiting(1), { head: 1 }),
        "DEADLINE_EXCEEDED",
        "maybe",
      );
      match(error.advice!, /^not safe to repeat: "hasty" is not idempotent/);
      await stage.sleep(300);
      deepEqual([begun, supplier.ends], [0, []]);
      equal(await late.hasty([], { head: 1, deadline: "5s" }), 1);
    },
  },
  {
    name: "idle and total of an upload are asked for: idle is how long the server is waited for, not the items",
    when: ({ kinds, deadline, cancel }) => kinds.includes("upload") && deadline && cancel,
    play: async (stage) => {
      const contexts: Context[] = [];
      let pauseMs = 0;
      const { client } = await stage.pair(
        Depot,
        alike(async (items, context) => {
          contexts.push(context);
          let sum = 0;
          for await (const item of items) sum += item;
          await stage.sleep(pauseMs);
          context.signal.throwIfAborted();
          return sum;
        }),
      );
      const slowly = async function* (): AsyncGenerator<number> {
        yield 1;
        await stage.sleep(350);
        yield 2;
      };
      equal(await client.pauses(slowly()), 3);
      pauseMs = 500;
      await outOfTime(stage, client.pauses([1]));
      equal(await client.pauses([1], { idle: "5s" }), 1);
      const begun = stage.env.now();
      await outOfTime(stage, client.sum([1], { total: 300 }));
      ok(stage.env.now() - begun >= 300);
      const { deadline } = contexts.at(-1)!;
      await stage.until(() => deadline.remaining(stage.env.now()) <= 0, "it holds for the handler");
      pauseMs = 0;
      equal(await client.sum([1], { total: "5s" }), 1);
    },
  },
  {
    name: "a schema of items whose own code throws, at once or later, fails its upload alone",
    when: ({ kinds, cancel }) => kinds.includes("upload") && cancel,
    play: async (stage) => {
      const late = slow<number>(async (item) => {
        if (item === 2) throw new Error("hunter2, later");
      });
      const odds = [throwing<number>("hunter2, at once", (item) => item === 2), late];
      for (const [index, odd] of odds.entries()) {
        const Odd = contract(
          "odd",
          { version: "1.0.0" },
          { sum: upload({ in: odd, out: number }), fine: upload({ in: number, out: number }) },
        );
        const taker = new Taker();
        const take = (items: AsyncIterable<number>): Promise<number> => taker.take(items);
        await stage.serve(serve(Odd, { sum: take, fine: take }), {}, `odd ${index}`);
        const careful = await stage.connect(Odd, {}, `odd ${index}`);
        const own = await fails(careful.sum([1, 2, 3]), "INTERNAL", "maybe");
        match(own.reason, /the item at index 1 could not be checked: its schema threw/);
        match(String(own.cause), /hunter2/);
        const trusting = await stage.connect(Odd, { checkSent: false }, `odd ${index}`);
        const reported = await fails(trusting.sum([1, 2, 3]), "INTERNAL", "yes");
        deepEqual([reported.id, stage.incidents.length], [stage.incidents[index]?.id, index + 1]);
        ok(!reported.message.includes("hunter2"));
        taker.taken.length = 0;
        equal(await careful.fine([4]), 4);
      }
    },
  },
  {
    name: "what a handler makes of failed items is its own: another failure is an incident, a declared one is declared",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const Own = contract(
        "own",
        { version: "1.0.0" },
        { put: upload({ head: text, in: number, errors: { TORN: undefined } }) },
      );
      await stage.serve(
        serve(Own, {
          async put(items, { head, errors }) {
            try {
              for await (const _ of items);
            } catch (cause) {
              if (head === "declared") throw errors.TORN();
              if (head === "kept") kept = cause;
              else throw head === "other" ? new Error("hunter2", { cause }) : kept;
            }
          },
        }),
      );
      let kept: unknown;
      const Loose = contract(
        "own",
        { version: "1.0.0" },
        { put: upload({ head: text, in: any<unknown>(), errors: { TORN: undefined } }) },
      );
      const client = await stage.connect(Loose);
      const wrong = ["no number"];
      await fails(client.put(wrong, { head: "declared" }), "TORN", "yes");
      await fails(client.put(wrong, { head: "other" }), "INTERNAL", "yes");
      await client.put(wrong, { head: "kept" });
      // Of another request: it says nothing about the items of this one.
      await fails(client.put(wrong, { head: "stolen" }), "INTERNAL", "yes");
      equal(stage.incidents.length, 2);
    },
  },
];
