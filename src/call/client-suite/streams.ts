import { deepEqual, equal, ok, rejects } from "node:assert/strict";

import type { Case } from "./case.ts";
import { Feed, Producer } from "./producer.ts";
import { failureOf, fails, take } from "./stage.ts";

/** The most items that may be on their way or waiting on one stream. */
const itemsAheadMax = 1_024;

export const streamCases: readonly Case[] = [
  {
    name: "a stream begins when its first item is asked for, and not before",
    play: async (stage) => {
      const producer = new Producer();
      const { client } = await stage.pair(Feed, producer);
      const items = client.read("a");
      const never = client.read("b");
      await stage.settle();
      equal(producer.contexts.length, 0);
      equal((await items.next()).value, 0);
      equal(producer.contexts.length, 1);
      await items.return();
      deepEqual(await never.return(), { done: true, value: undefined });
      deepEqual(await never.next(), { done: true, value: undefined });
      await producer.ended(stage);
      equal(producer.contexts.length, 1);
    },
  },
  {
    name: "leaving the loop stops the producer, by break, by an exception, and by disposing",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const ways: ((items: ReturnType<typeof client.read>) => Promise<void>)[] = [
        async (items) => {
          for await (const item of items) if (item === 3) break;
        },
        async (items) => {
          const reading = async (): Promise<void> => {
            for await (const item of items) if (item === 3) throw new Error("enough");
          };
          await rejects(reading(), /enough/);
        },
        async (items) => {
          await using disposed = items;
          await disposed.next();
        },
        async (items) => {
          await items.next();
          await items.return();
        },
      ];
      let producer = new Producer();
      const { client } = await stage.pair(Feed, {
        read: (input, context) => producer.read(input, context),
      });
      for (const leave of ways) {
        producer = new Producer();
        await leave(client.read("a"));
        await producer.ended(stage);
        deepEqual(producer.ends, ["ended"]);
        const { signal } = producer.contexts[0]!;
        ok(signal.aborted || producer.given > 0);
      }
    },
  },
  {
    name: "a producer that waits for something else is told by its signal, and by return",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const producer = new Producer();
      const { client } = await stage.pair(Feed, producer);
      const controller = new AbortController();
      const items = client.read("silent", { signal: controller.signal });
      const waiting = items.next();
      await stage.until(() => producer.contexts.length === 1, "it has begun");
      controller.abort();
      await fails(waiting, "CANCELLED", "maybe");
      await producer.ended(stage);
      ok(producer.contexts[0]!.signal.aborted);
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "a slow reader slows its producer down, from one process into the other",
    when: ({ credit, ahead }) => credit && ahead === "items",
    play: async (stage) => {
      const producer = new Producer();
      const { client } = await stage.pair(Feed, producer);
      const items = client.read("a");
      let taken = 0;
      for (const count of [1, 9, 90, 900]) {
        for (; taken < count; taken++) equal((await items.next()).value, taken);
        for (let before = -1; before !== producer.given;) {
          before = producer.given;
          await stage.settle();
        }
        const ahead = producer.given - taken;
        // One more may have been made and not sent.
        ok(ahead <= itemsAheadMax + 1, `${ahead} items ahead after ${taken}`);
      }
      await items.return();
      await producer.ended(stage);
    },
  },
  {
    name: "a handler may give any iterable, at once or later; what is none is an incident",
    play: async (stage) => {
      const given: Record<string, () => unknown> = {
        array: () => [1, 2],
        set: async () => new Set([1, 2]),
        generator: function* () {
          yield 1;
          yield 2;
        },
        iterator: () => ({
          [Symbol.asyncIterator]: () => {
            const items = [1, 2];
            return {
              next: async () => ({ done: items.length === 0, value: items.shift() }),
            };
          },
        }),
        nothing: () => undefined,
        text: () => "12",
        number: () => 12,
      };
      const { client } = await stage.pair(Feed, {
        read: (input) => given[input]!() as Iterable<number>,
      });
      for (const input of ["array", "set", "generator", "iterator"]) {
        deepEqual(await take(client.read(input)), [1, 2], input);
      }
      for (const input of ["nothing", "text", "number"]) {
        await fails(take(client.read(input)), "INTERNAL", "yes");
      }
      equal(stage.incidents.length, 3);
    },
  },
  {
    name: "several items may be asked for at once, also before the stream has begun",
    play: async (stage) => {
      const { client } = await stage.pair(Feed, { read: () => [0, 1, 2] });
      const items = client.read("a");
      const results = await Promise.all([
        items.next(),
        items.next(),
        items.next(),
        items.next(),
        items.next(),
      ]);
      deepEqual(
        results.map(({ value }) => value),
        [0, 1, 2, undefined, undefined],
      );
      // A failure is told once, to the first who asked.
      const absent = await stage.connect(Feed, { connectWait: 20 }, "nobody");
      for (const failing of [absent.read("a"), client.read(7 as unknown as string)]) {
        const [first, second] = [failing.next(), failing.next()];
        await failureOf(first);
        equal((await second).done, true);
        equal((await failing.next()).done, true);
      }
    },
  },
];
