import { deepEqual, equal, ok } from "node:assert/strict";

import { systemError, TrunklineError } from "../../base/error.ts";
import type { Sink } from "../protocol.ts";
import type { Case } from "./case.ts";
import { Reading } from "./reading.ts";
import { fails } from "./stage.ts";

export const streamCases: readonly Case[] = [
  {
    name: "items arrive in order, without gap or double, and then the end, once",
    play: async (stage) => {
      const { count } = stage.operations("suite", 1, { count: { kind: "stream" } });
      stage.services.produce(count, (input, _incoming, sink) =>
        puts(sink, numbers(input as number)),
      );
      const { caller, server } = await stage.pair();
      for (const length of [0, 1, 7, 8, 9, 3_000]) {
        const reading = new Reading(caller, count, length, stage.attempt());
        deepEqual(await reading.all(), numbers(length));
        deepEqual(reading.settled, [undefined]);
        deepEqual(await reading.stream.next(), { done: true, value: undefined });
      }
      await stage.until(() => server.inFlight === 0, "all have ended");
    },
  },
  {
    name: "bytes are items too",
    play: async (stage) => {
      const terms = { kind: "stream", out: "raw" } as const;
      const { blocks } = stage.operations("suite", 1, { blocks: terms });
      const block = Buffer.alloc(65_536, 7);
      stage.services.produce(blocks, (_input, _incoming, sink) =>
        puts(
          sink,
          Array.from({ length: 100 }, () => block),
        ),
      );
      const { caller } = await stage.pair();
      const items = await new Reading(caller, blocks, 0, stage.attempt()).all();
      equal(items.length, 100);
      for (const item of items) ok(block.equals(item as Buffer));
    },
  },
  {
    name: "many streams and calls share a connection without mixing",
    play: async (stage) => {
      const { count, echo } = stage.operations("suite", 1, {
        count: { kind: "stream" },
        echo: { kind: "call" },
      });
      stage.services.produce(count, (input, _incoming, sink) =>
        puts(
          sink,
          numbers(100).map((i) => `${String(input)}:${i}`),
        ),
      );
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair();
      const streams = numbers(50).map((i) => new Reading(caller, count, i, stage.attempt()).all());
      const calls = numbers(50).map((i) => caller.call(echo, i, stage.attempt()));
      deepEqual(await Promise.all(calls), numbers(50));
      for (const [index, items] of (await Promise.all(streams)).entries()) {
        deepEqual(
          items,
          numbers(100).map((i) => `${index}:${i}`),
        );
      }
    },
  },
  {
    name: "several items may be asked for at once, and come in the order in which they were asked for",
    play: async (stage) => {
      const { count } = stage.operations("suite", 1, { count: { kind: "stream" } });
      stage.services.produce(count, (_input, _incoming, sink) => puts(sink, numbers(20)));
      const { caller } = await stage.pair();
      const { stream } = new Reading(caller, count, 0, stage.attempt());
      const results = await Promise.all(numbers(25).map(() => stream.next()));
      deepEqual(
        results.map(({ done, value }) => (done === true ? "end" : value)),
        [...numbers(20), "end", "end", "end", "end", "end"],
      );
    },
  },
  {
    name: "a failure is told after the items that came before it, once, and then the stream is over",
    play: async (stage) => {
      const { fail } = stage.operations("suite", 1, { fail: { kind: "stream", errors: ["GONE"] } });
      stage.services.produce(fail, async (_input, _incoming, sink) => {
        await puts(sink, numbers(5));
        throw new TrunklineError("GONE", "no more", { executed: "yes", declared: true, data: 5 });
      });
      const { caller } = await stage.pair();
      const reading = new Reading(caller, fail, 0, stage.attempt());
      deepEqual(await reading.take(1), [0]);
      await stage.settle();
      deepEqual(await reading.take(4), [1, 2, 3, 4]);
      const error = await fails(reading.stream.next(), "GONE", "yes");
      deepEqual([error.declared, error.data], [true, 5]);
      deepEqual(await reading.stream.next(), { done: true, value: undefined });
      deepEqual(reading.settled, ["GONE"]);
    },
  },
  {
    name: "a refused stream fails with what the server said, before any item",
    play: async (stage) => {
      const { refuse } = stage.operations("suite", 1, { refuse: { kind: "stream" } });
      stage.services.produce(refuse, async () => {
        throw systemError("UNAUTHENTICATED", "who are you?", { executed: "no" });
      });
      const { caller } = await stage.pair();
      const reading = new Reading(caller, refuse, 0, stage.attempt());
      await fails(reading.stream.next(), "UNAUTHENTICATED", "no");
    },
  },
  {
    name: "an item that cannot be written, or is too large, ends the stream at its producer",
    play: async (stage) => {
      const { odd } = stage.operations("suite", 1, { odd: { kind: "stream" } });
      const ended: unknown[] = [];
      stage.services.produce(odd, async (input, _incoming, sink) => {
        try {
          await puts(sink, [1, input === "large" ? "x".repeat(20_000) : 7n, 3]);
        } catch (error) {
          ended.push((error as TrunklineError).code);
          throw error;
        }
      });
      const { caller } = await stage.pair({ itemBytesMax: 10_000 });
      const unwritable = new Reading(caller, odd, 0, stage.attempt());
      deepEqual(await unwritable.take(1), [1]);
      await fails(unwritable.stream.next(), "INTERNAL", "yes");
      equal(stage.services.incidents.length, 1);
      const large = new Reading(caller, odd, "large", stage.attempt());
      deepEqual(await large.take(1), [1]);
      await fails(large.stream.next(), "RESOURCE_EXHAUSTED", "yes");
      equal(stage.services.incidents.length, 1);
      deepEqual(ended, ["INTERNAL", "RESOURCE_EXHAUSTED"]);
    },
  },
  {
    name: "what accept makes of an item is what the reader gets, also when it takes its time, in order",
    play: async (stage) => {
      const { count } = stage.operations("suite", 1, { count: { kind: "stream" } });
      stage.services.produce(count, (_input, _incoming, sink) => puts(sink, numbers(20)));
      const { caller } = await stage.pair();
      const accept = async (item: unknown): Promise<unknown> => {
        for (let turns = 20 - (item as number); turns > 0; turns--) await stage.turn();
        return `item ${String(item)}`;
      };
      const reading = new Reading(caller, count, 0, stage.attempt(), { accept });
      const expected = numbers(20).map((i) => `item ${i}`);
      deepEqual(await reading.all(), expected);
      const together = new Reading(caller, count, 0, stage.attempt(), { accept });
      const results = await Promise.all(numbers(20).map(() => together.stream.next()));
      deepEqual(
        results.map(({ value }) => value),
        expected,
      );
    },
  },
];

export function numbers(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

/** Puts the items into the sink as it asks for them, and stops when nobody takes them any more. */
export async function puts(sink: Sink, items: Iterable<unknown>): Promise<void> {
  for (const item of items) {
    while (!sink.ready && !sink.closed) await sink.whenReady();
    if (sink.closed) return;
    sink.put(item);
  }
}
