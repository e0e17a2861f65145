import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";

import { sleep } from "../../base/alarm.ts";
import { systemError } from "../../base/error.ts";
import type { Case } from "./case.ts";
import { Reading } from "./reading.ts";
import { whenCancelled } from "./services.ts";
import { fails } from "./stage.ts";
import { numbers, puts } from "./streams.ts";

export const streamEndCases: readonly Case[] = [
  {
    name: "leaving reaches the producer, and what was on its way is dropped",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { count } = stage.operations("suite", 1, { count: { kind: "stream" } });
      const cancelled = Promise.withResolvers<string>();
      stage.services.produce(count, async (_input, incoming, sink) => {
        const reason = whenCancelled(incoming);
        await puts(sink, numbers(8));
        cancelled.resolve(await reason);
      });
      const { caller, server } = await stage.pair();
      const reading = new Reading(caller, count, 0, stage.attempt());
      deepEqual(await reading.take(2), [0, 1]);
      deepEqual(await reading.stream.return!(), { done: true, value: undefined });
      deepEqual(await reading.stream.next(), { done: true, value: undefined });
      equal(await cancelled.promise, "caller");
      await stage.until(() => server.inFlight === 0, "the producer has ended");
      deepEqual(reading.settled, [undefined]);
      // Again, and it changes nothing.
      await reading.stream.return!();
      deepEqual(reading.settled, [undefined]);
    },
  },
  {
    name: "leaving releases those who wait for an item",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { silent } = stage.operations("suite", 1, { silent: { kind: "stream" } });
      stage.services.produce(
        silent,
        async (_input, incoming) => void (await whenCancelled(incoming)),
      );
      const { caller } = await stage.pair();
      const { stream } = new Reading(caller, silent, 0, stage.attempt());
      const waiting = [stream.next(), stream.next()];
      await stage.settle();
      await stream.return!();
      for (const result of await Promise.all(waiting)) equal(result.done, true);
    },
  },
  {
    name: "giving up a stream fails it at once, drops what was not read, and reaches the producer",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { count } = stage.operations("suite", 1, { count: { kind: "stream" } });
      const cancelled = Promise.withResolvers<string>();
      stage.services.produce(count, async (_input, incoming, sink) => {
        const reason = whenCancelled(incoming);
        await puts(sink, numbers(8));
        cancelled.resolve(await reason);
      });
      const { caller } = await stage.pair();
      const attempt = stage.attempt();
      const reading = new Reading(caller, count, 0, attempt);
      deepEqual(await reading.take(1), [0]);
      await stage.settle();
      attempt.cancel("caller", new Error("enough"));
      const error = await fails(reading.stream.next(), "CANCELLED", "maybe");
      equal((error.cause as Error).message, "enough");
      equal(await cancelled.promise, "caller");
      deepEqual(await reading.stream.next(), { done: true, value: undefined });
      deepEqual(reading.settled, ["CANCELLED"]);
    },
  },
  {
    name: "the deadline of a stream bounds the time until its first item, and nothing after it",
    play: async (stage) => {
      const { late } = stage.operations("suite", 1, { late: { kind: "stream" } });
      stage.services.produce(late, async (input, incoming, sink) => {
        if (input === "never") {
          await whenCancelled(incoming);
          return;
        }
        sink.put(1);
        await sleep(stage.env, 300);
        sink.put(2);
      });
      const { caller } = await stage.pair();
      const never = new Reading(caller, late, "never", stage.attempt({ deadlineMs: 250 }));
      const error = await fails(never.stream.next(), "DEADLINE_EXCEEDED", "maybe");
      equal(error.executed, "maybe");
      const slow = new Reading(caller, late, 0, stage.attempt({ deadlineMs: 250 }));
      deepEqual(await slow.all(), [1, 2]);
    },
  },
  {
    name: "a total bounds the whole stream, also while items come",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { steady } = stage.operations("suite", 1, { steady: { kind: "stream" } });
      const cancelled = Promise.withResolvers<string>();
      stage.services.produce(steady, async (_input, incoming, sink) => {
        const reason = whenCancelled(incoming);
        while (incoming.cancelled === undefined) {
          if (sink.ready) sink.put(1);
          await sleep(stage.env, 10);
        }
        cancelled.resolve(await reason);
      });
      const { caller } = await stage.pair();
      const before = stage.env.now();
      const reading = new Reading(caller, steady, 0, stage.attempt({ totalMs: 100 }));
      await fails(reading.all(), "DEADLINE_EXCEEDED", "maybe");
      ok(stage.env.now() - before >= 100);
      match(await cancelled.promise, /^(caller|deadline)$/);
    },
  },
  {
    name: "idle bounds the wait for one item, and a reader that takes its time is not the producer's fault",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { pausing } = stage.operations("suite", 1, { pausing: { kind: "stream" } });
      const back = Promise.withResolvers<void>();
      stage.services.produce(pausing, async (input, incoming, sink) => {
        await puts(sink, numbers(3));
        if (input === "stops") await whenCancelled(incoming);
        else {
          await back.promise;
          sink.put(3);
        }
      });
      const { caller } = await stage.pair();
      const idleMs = 250;
      const stops = new Reading(caller, pausing, "stops", stage.attempt(), { idleMs });
      deepEqual(await stops.take(3), [0, 1, 2]);
      await fails(stops.stream.next(), "DEADLINE_EXCEEDED", "maybe");
      // The reader is away for longer than `idle`, and the item comes shortly after: nobody was idle.
      const slow = new Reading(caller, pausing, 0, stage.attempt(), { idleMs });
      deepEqual(await slow.take(3), [0, 1, 2]);
      await sleep(stage.env, idleMs + 50);
      const next = slow.take(1);
      back.resolve();
      deepEqual(await next, [3]);
      deepEqual(await slow.all(), []);
    },
  },
  {
    name: "an item that is not accepted ends the stream on both sides",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { count } = stage.operations("suite", 1, { count: { kind: "stream" } });
      const cancelled = Promise.withResolvers<string>();
      stage.services.produce(count, async (_input, incoming, sink) => {
        const reason = whenCancelled(incoming);
        await puts(sink, numbers(8));
        cancelled.resolve(await reason);
      });
      const { caller } = await stage.pair();
      const accept = (item: unknown): unknown => {
        if (item !== 3) return item;
        throw systemError("INTERNAL", "three is not a number", { executed: "maybe" });
      };
      const reading = new Reading(caller, count, 0, stage.attempt(), { accept });
      deepEqual(await reading.take(3), [0, 1, 2]);
      await rejects(reading.stream.next(), /three is not a number/);
      deepEqual(await reading.stream.next(), { done: true, value: undefined });
      equal(await cancelled.promise, "caller");
      equal(reading.settled.length, 1);
    },
  },
];
