import { deepEqual, equal, ok, rejects } from "node:assert/strict";

import { sleep } from "../../base/alarm.ts";
import { systemError, TrunklineError } from "../../base/error.ts";
import type { ItemSource, Sink, Source } from "../protocol.ts";
import type { Case } from "./case.ts";
import { whenCancelled } from "./services.ts";
import { failureOf, fails } from "./stage.ts";
import { numbers, puts } from "./streams.ts";

/** So many items may be on their way or waiting on one request. */
const itemsAheadMax = 1_024;

const unbounded = { idleMs: Infinity } as const;

export const uploadCases: readonly Case[] = [
  {
    name: "an upload brings its head and its items, in order, without gap or double, and gets one answer",
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      stage.services.take(store, async (head, items) => [head, await all(items)]);
      const { caller, server } = await stage.pair();
      for (const length of [0, 1, 7, 8, 9, 3_000]) {
        const answer = await caller.upload(
          store,
          { length },
          giving(numbers(length)),
          stage.attempt(),
          unbounded,
        );
        deepEqual(answer, [{ length }, numbers(length)]);
      }
      await stage.until(() => server.inFlight === 0, "all have ended");
    },
  },
  {
    name: "an upload without a head, and one of bytes",
    play: async (stage) => {
      const { sum } = stage.operations("suite", 1, { sum: { kind: "upload", in: "raw" } });
      stage.services.take(sum, async (head, items) => {
        let bytes = 0;
        for await (const item of items.open(as)) bytes += (item as Buffer).length;
        return [head === undefined, bytes];
      });
      const { caller } = await stage.pair();
      const blocks = Array.from({ length: 100 }, () => Buffer.alloc(65_536, 7));
      const answer = caller.upload(sum, undefined, giving(blocks), stage.attempt(), unbounded);
      deepEqual(await answer, [true, 6_553_600]);
    },
  },
  {
    name: "the source is not asked before the server reads, and then runs ahead by a bounded number of items",
    when: ({ credit, ahead }) => credit && ahead === "items",
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      const reads = Promise.withResolvers<void>();
      const goes = Promise.withResolvers<void>();
      let read = 0;
      stage.services.take(store, async (_head, items) => {
        await reads.promise;
        const iterator = items.open(as);
        for (; read < 100; read++) await iterator.next();
        await goes.promise;
        for await (const _item of iterator) read++;
        return read;
      });
      const { caller } = await stage.pair();
      let given = 0;
      let asked = false;
      const source: Source = (sink) => {
        asked = true;
        return puts(
          sink,
          counting(5_000, () => given++),
        );
      };
      const answer = caller.upload(store, null, source, stage.attempt(), unbounded);
      await stage.settle();
      equal(asked, false);
      reads.resolve();
      await stage.until(() => read === 100, "a hundred items are read");
      await stage.settle();
      if (stage.protocol.capabilities.ahead === "items")
        ok(given - read <= itemsAheadMax, `${given - read} items ahead`);
      goes.resolve();
      equal(await answer, 5_000);
      equal(given, 5_000);
    },
  },
  {
    name: "an early answer arrives, stops the source quietly, and drops the items that were not read",
    play: async (stage) => {
      const { first } = stage.operations("suite", 1, { first: { kind: "upload", head: "json" } });
      stage.services.take(first, async (_head, items) => (await items.open(as).next()).value);
      const { caller, server } = await stage.pair();
      const stopped = Promise.withResolvers<boolean>();
      const source: Source = async (sink) => {
        for (let i = 0; !sink.closed; i++) {
          if (sink.ready) sink.put(i);
          else await sink.whenReady();
        }
        stopped.resolve(sink.closed);
      };
      equal(await caller.upload(first, null, source, stage.attempt(), unbounded), 0);
      equal(await stopped.promise, true);
      await stage.until(() => server.inFlight === 0, "the request has ended");
      // The connection goes on.
      equal(await caller.upload(first, null, giving([5, 6]), stage.attempt(), unbounded), 5);
    },
  },
  {
    name: "a handler that answers without reading gets its answer through, and the source is never asked",
    play: async (stage) => {
      const { ping } = stage.operations("suite", 1, { ping: { kind: "upload", head: "json" } });
      stage.services.take(ping, () => "pong");
      const { caller } = await stage.pair();
      let asked = false;
      const source: Source = async () => void (asked = true);
      equal(await caller.upload(ping, null, source, stage.attempt(), unbounded), "pong");
      await stage.settle();
      equal(asked, false);
    },
  },
  {
    name: "failures of an upload are those of a call: declared, refused, unexpected",
    play: async (stage) => {
      const { fail } = stage.operations("suite", 1, {
        fail: { kind: "upload", head: "json", errors: ["FULL"] },
      });
      stage.services.take(fail, async (how, items) => {
        await all(items);
        if (how === "declared")
          throw new TrunklineError("FULL", "no room", { executed: "yes", declared: true, data: 7 });
        if (how === "refused")
          throw systemError("PERMISSION_DENIED", "not you", { executed: "no" });
        throw new Error("a bug");
      });
      const { caller } = await stage.pair();
      const upload = (how: string): Promise<unknown> =>
        caller.upload(fail, how, giving([1, 2]), stage.attempt(), unbounded);
      equal((await fails(upload("declared"), "FULL", "yes")).data, 7);
      await fails(upload("refused"), "PERMISSION_DENIED", "no");
      await fails(upload("bug"), "INTERNAL", "yes");
    },
  },
  {
    name: "a caller that gives up makes the handler's items fail: they never look complete",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      const ended = Promise.withResolvers<unknown>();
      const cancelled = Promise.withResolvers<string>();
      stage.services.take(store, async (_head, items, incoming) => {
        void whenCancelled(incoming).then(cancelled.resolve);
        const reading = all(items);
        ended.resolve(failureOf(reading));
        return reading;
      });
      const { caller, server } = await stage.pair();
      const attempt = stage.attempt();
      const stopped = Promise.withResolvers<void>();
      const source: Source = async (sink) => {
        sink.put(1);
        attempt.cancel("caller", new Error("enough"));
        while (!sink.closed) await stage.turn();
        stopped.resolve();
      };
      const error = await fails(
        caller.upload(store, null, source, attempt, unbounded),
        "CANCELLED",
        "maybe",
      );
      equal((error.cause as Error).message, "enough");
      equal(((await ended.promise) as TrunklineError).code, "CANCELLED");
      equal(await cancelled.promise, "caller");
      await stopped.promise;
      await stage.until(() => server.inFlight === 0, "the handler has ended");
    },
  },
  {
    name: "a source that fails gives the upload up: the caller is told why, the handler that it is cut short",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      const ended = Promise.withResolvers<unknown>();
      stage.services.take(store, (_head, items) => {
        const reading = all(items);
        ended.resolve(failureOf(reading));
        return reading;
      });
      const { caller } = await stage.pair();
      const source: Source = async (sink) => {
        sink.put(1);
        throw new Error("the file is gone");
      };
      const upload = caller.upload(store, null, source, stage.attempt(), unbounded);
      const error = await fails(upload, "CANCELLED", "maybe");
      equal((error.cause as Error).message, "the file is gone");
      equal(((await ended.promise) as TrunklineError).code, "CANCELLED");
    },
  },
  {
    name: "a connection that is lost makes the handler's items fail, and the caller knows nothing for certain",
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      const began = Promise.withResolvers<void>();
      const over = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<unknown>();
      stage.services.take(store, (_head, items) => {
        const reading = all(items, began.resolve);
        ended.resolve(failureOf(reading));
        return reading;
      });
      const { caller, server } = await stage.pair();
      const source: Source = async (sink) => {
        sink.put(1);
        await over.promise;
      };
      const upload = fails(
        caller.upload(store, null, source, stage.attempt(), unbounded),
        "UNAVAILABLE",
        "maybe",
      );
      await began.promise;
      await server.drain(0);
      await upload;
      equal(((await ended.promise) as TrunklineError).code, "CANCELLED");
      over.resolve();
    },
  },
  {
    name: "an item that the reader does not accept is what it is told, and no further one comes",
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      stage.services.take(store, async (_head, items) => {
        const iterator = items.open((item) => {
          if (item !== 2) return item;
          throw systemError("INVALID_ARGUMENT", "two is no item", { executed: "yes" });
        });
        const seen: unknown[] = [];
        await rejects(async () => {
          for await (const item of iterator) seen.push(item);
        }, /two is no item/);
        deepEqual(await iterator.next(), { done: true, value: undefined });
        return seen;
      });
      const { caller } = await stage.pair();
      const upload = caller.upload(store, null, giving(numbers(1_000)), stage.attempt(), unbounded);
      deepEqual(await upload, [0, 1]);
    },
  },
  {
    name: "the deadline of an upload bounds the time until it is accepted, and nothing after it",
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      stage.services.take(store, async (how, items, incoming) => {
        if (how === "never") return whenCancelled(incoming);
        const seen = await all(items);
        await sleep(stage.env, 300);
        return seen;
      });
      const { caller } = await stage.pair();
      const upload = (how: string, deadlineMs: number): Promise<unknown> =>
        caller.upload(store, how, giving([1]), stage.attempt({ deadlineMs }), unbounded);
      await fails(upload("never", 250), "DEADLINE_EXCEEDED", "maybe");
      deepEqual(await upload("slow", 250), [1]);
    },
  },
  {
    name: "a total bounds the whole upload, and idle the wait for the peer alone",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      stage.services.take(store, async (how, items, incoming) => {
        const seen = await all(items);
        if (how === "silent") await whenCancelled(incoming);
        return seen;
      });
      const { caller } = await stage.pair();
      const endless: Source = async (sink) => {
        while (!sink.closed) {
          if (sink.ready) sink.put(1);
          await sleep(stage.env, 10);
        }
      };
      const bounded = stage.attempt({ totalMs: 100 });
      await fails(
        caller.upload(store, "", endless, bounded, unbounded),
        "DEADLINE_EXCEEDED",
        "maybe",
      );
      const idle = { idleMs: 250 };
      const silent = caller.upload(store, "silent", giving([1]), stage.attempt(), idle);
      await fails(silent, "DEADLINE_EXCEEDED", "maybe");
      // It is the source that takes its time: the peer is not idle.
      const slow: Source = async (sink) => {
        await puts(sink, [1]);
        await sleep(stage.env, 300);
        await puts(sink, [2]);
      };
      deepEqual(await caller.upload(store, "", slow, stage.attempt(), idle), [1, 2]);
    },
  },
  {
    name: "an item that cannot be written, or is too large, ends the upload at its source",
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      stage.services.take(store, (_head, items) => all(items));
      const { caller } = await stage.pair({ itemBytesMax: 1_000 }, { itemBytesMax: 1_000 });
      const upload = (item: unknown): Promise<unknown> =>
        caller.upload(store, null, giving([1, item]), stage.attempt(), unbounded);
      await fails(upload(1n), "INVALID_ARGUMENT", "maybe");
      await fails(upload("x".repeat(1_001)), "RESOURCE_EXHAUSTED", "maybe");
      deepEqual(await upload(2), [1, 2]);
    },
  },
  {
    name: "a head that cannot be written, or is too large, never leaves",
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      stage.services.take(store, (_head, items) => all(items));
      const { caller } = await stage.pair({}, { itemBytesMax: 1_000 });
      const upload = (head: unknown): Promise<unknown> =>
        caller.upload(store, head, giving([]), stage.attempt(), unbounded);
      await fails(upload(1n), "INVALID_ARGUMENT", "no");
      await fails(upload("x".repeat(1_001)), "RESOURCE_EXHAUSTED", "no");
      equal(stage.services.begun.length, 0);
    },
  },
  {
    name: "a drain lets an upload end",
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, { store: { kind: "upload", head: "json" } });
      const began = Promise.withResolvers<void>();
      stage.services.take(store, (_head, items) => all(items, began.resolve));
      const { caller, server } = await stage.pair();
      const goes = Promise.withResolvers<void>();
      const source: Source = async (sink) => {
        await puts(sink, [1]);
        await goes.promise;
        await puts(sink, numbers(500));
      };
      const upload = caller.upload(store, null, source, stage.attempt(), unbounded);
      await began.promise;
      const drained = server.drain(5_000);
      await stage.settle();
      goes.resolve();
      deepEqual(await upload, [1, ...numbers(500)]);
      equal(await drained, 0);
    },
  },
  {
    name: "an upload that a draining server refuses goes to its successor with all its items",
    play: async (stage) => {
      const { store, hold } = stage.operations("suite", 1, {
        store: { kind: "upload", head: "json" },
        hold: { kind: "call" },
      });
      const held = Promise.withResolvers<void>();
      stage.services.answer(hold, () => held.promise);
      stage.services.take(store, (_head, items) => all(items));
      const { caller, server } = await stage.pair();
      const holding = caller.call(hold, null, stage.attempt());
      await stage.until(() => server.inFlight === 1, "one is under way");
      const crossing = numbers(20).map((i) =>
        caller.upload(store, null, giving(numbers(i)), stage.attempt(), unbounded),
      );
      const drained = server.drain(5_000);
      await stage.succeed();
      deepEqual(
        await Promise.all(crossing),
        numbers(20).map((i) => numbers(i)),
      );
      held.resolve();
      await holding;
      equal(await drained, 0);
    },
  },
];

/** Every item, as it came. */
export async function all(items: ItemSource, began: () => void = () => {}): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const item of items.open(as)) {
    seen.push(item);
    began();
  }
  return seen;
}

export function as(item: unknown): unknown {
  return item;
}

/** A source of these items. */
export function giving(items: readonly unknown[]): Source {
  return (sink: Sink) => puts(sink, items);
}

function* counting(length: number, each: () => void): Generator<number> {
  for (let i = 0; i < length; i++) {
    each();
    yield i;
  }
}
