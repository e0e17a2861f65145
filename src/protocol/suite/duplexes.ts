import { deepEqual, equal, ok } from "node:assert/strict";

import { sleep } from "../../base/alarm.ts";
import { systemError, TrunklineError } from "../../base/error.ts";
import type { Sink, Source } from "../protocol.ts";
import type { Case } from "./case.ts";
import { Reading } from "./reading.ts";
import { whenCancelled } from "./services.ts";
import { failureOf, fails } from "./stage.ts";
import { numbers, puts } from "./streams.ts";
import { all, as, giving } from "./uploads.ts";

/** So many items may be on their way or waiting in one direction. */
const itemsAheadMax = 1_024;

export const duplexCases: readonly Case[] = [
  {
    name: "items go both ways at once, in order, without gap or double",
    play: async (stage) => {
      const { double } = stage.operations("suite", 1, { double: { kind: "duplex", head: "json" } });
      stage.services.converse(double, async (head, items, _incoming, sink) => {
        await puts(sink, [head]);
        for await (const item of items.open(as)) await puts(sink, [2 * (item as number)]);
      });
      const { caller, server } = await stage.pair();
      for (const length of [0, 1, 8, 9, 3_000]) {
        const reading = new Reading(caller, double, "head", stage.attempt(), {
          source: giving(numbers(length)),
        });
        deepEqual(await reading.all(), ["head", ...numbers(length).map((i) => 2 * i)]);
        deepEqual(reading.settled, [undefined]);
      }
      await stage.until(() => server.inFlight === 0, "all have ended");
    },
  },
  {
    name: "the two sides talk in turns, each waiting for the other",
    play: async (stage) => {
      const { talk } = stage.operations("suite", 1, { talk: { kind: "duplex", head: "json" } });
      stage.services.converse(talk, async (_head, items, _incoming, sink) => {
        for await (const item of items.open(as)) await puts(sink, [`${String(item)}?`]);
      });
      const { caller } = await stage.pair();
      const said: ((item: unknown) => Promise<void>)[] = [];
      const opened = Promise.withResolvers<Sink>();
      const over = Promise.withResolvers<void>();
      const source: Source = (sink) => {
        opened.resolve(sink);
        return over.promise;
      };
      const reading = new Reading(caller, talk, null, stage.attempt(), { source });
      said.push(async (item) => puts(await opened.promise, [item]));
      for (const i of numbers(50)) {
        await said[0]!(i);
        deepEqual(await reading.take(1), [`${i}?`]);
      }
      over.resolve();
      deepEqual(await reading.all(), []);
    },
  },
  {
    name: "the end of the caller's items does not end those of the server",
    play: async (stage) => {
      const { later } = stage.operations("suite", 1, { later: { kind: "duplex", head: "json" } });
      stage.services.converse(later, async (_head, items, _incoming, sink) => {
        const seen = await all(items);
        await puts(sink, [...seen, ...numbers(100)]);
      });
      const { caller } = await stage.pair();
      const reading = new Reading(caller, later, null, stage.attempt(), { source: giving(["a"]) });
      deepEqual(await reading.all(), ["a", ...numbers(100)]);
    },
  },
  {
    name: "the end of the server's items ends the duplex: the source stops quietly",
    play: async (stage) => {
      const { brief } = stage.operations("suite", 1, { brief: { kind: "duplex", head: "json" } });
      stage.services.converse(brief, async (_head, items, _incoming, sink) => {
        await puts(sink, [(await items.open(as).next()).value]);
      });
      const { caller, server } = await stage.pair();
      const stopped = Promise.withResolvers<void>();
      const source: Source = async (sink) => {
        for (let i = 0; !sink.closed; i++) {
          if (sink.ready) sink.put(i);
          else await sink.whenReady();
        }
        stopped.resolve();
      };
      const reading = new Reading(caller, brief, null, stage.attempt(), { source });
      deepEqual(await reading.all(), [0]);
      await stopped.promise;
      await stage.until(() => server.inFlight === 0, "the handler has ended");
    },
  },
  {
    name: "in both directions the items that run ahead of their reader are bounded",
    when: ({ credit, ahead }) => credit && ahead === "items",
    play: async (stage) => {
      const { flood } = stage.operations("suite", 1, { flood: { kind: "duplex", head: "json" } });
      const counts = { given: 0, taken: 0, produced: 0 };
      const steps = Promise.withResolvers<void>();
      stage.services.converse(flood, async (_head, items, incoming, sink) => {
        const reader = async (): Promise<void> => {
          const iterator = items.open(as);
          for (; counts.taken < 500; counts.taken++) await iterator.next();
          await steps.promise;
          await iterator.return!();
        };
        const producer = async (): Promise<void> => {
          while (incoming.cancelled === undefined && counts.produced < 5_000) {
            if (sink.ready) sink.put(counts.produced++);
            else await sink.whenReady();
          }
        };
        await Promise.all([reader(), producer()]);
      });
      const { caller } = await stage.pair();
      const source: Source = async (sink) => {
        while (!sink.closed) {
          if (sink.ready) sink.put(counts.given++);
          else await sink.whenReady();
        }
      };
      const reading = new Reading(caller, flood, null, stage.attempt(), { source });
      await reading.take(500);
      await stage.until(() => counts.taken === 500, "the server has read");
      await stage.settle();
      ok(counts.given - counts.taken <= itemsAheadMax, `${counts.given} given`);
      ok(counts.produced - 500 <= itemsAheadMax, `${counts.produced} produced`);
      steps.resolve();
      equal((await reading.all()).length, 4_500);
    },
  },
  {
    name: "leaving the loop ends both directions",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { endless } = stage.operations("suite", 1, {
        endless: { kind: "duplex", head: "json" },
      });
      const cancelled = Promise.withResolvers<string>();
      const ended = Promise.withResolvers<unknown>();
      stage.services.converse(endless, async (_head, items, incoming, sink) => {
        void whenCancelled(incoming).then(cancelled.resolve);
        ended.resolve(failureOf(all(items)));
        while (!sink.closed) {
          if (sink.ready) sink.put(1);
          else await sink.whenReady();
        }
      });
      const { caller, server } = await stage.pair();
      const stopped = Promise.withResolvers<void>();
      const source: Source = async (sink) => {
        while (!sink.closed) {
          if (sink.ready) sink.put(1);
          else await sink.whenReady();
        }
        stopped.resolve();
      };
      const reading = new Reading(caller, endless, null, stage.attempt(), { source });
      await reading.take(20);
      await reading.stream.return!();
      equal(await cancelled.promise, "caller");
      equal(((await ended.promise) as TrunklineError).code, "CANCELLED");
      await stopped.promise;
      deepEqual(reading.settled, [undefined]);
      await stage.until(() => server.inFlight === 0, "the handler has ended");
    },
  },
  {
    name: "a source that fails fails the reader with it, after the items that came before",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { talk } = stage.operations("suite", 1, { talk: { kind: "duplex", head: "json" } });
      stage.services.converse(talk, async (_head, items, _incoming, sink) => {
        for await (const item of items.open(as)) await puts(sink, [item]);
      });
      const { caller, server } = await stage.pair();
      const heard = Promise.withResolvers<void>();
      const source: Source = async (sink) => {
        await puts(sink, [1]);
        await heard.promise;
        throw new Error("lost the thread");
      };
      const reading = new Reading(caller, talk, null, stage.attempt(), { source });
      deepEqual(await reading.take(1), [1]);
      heard.resolve();
      const error = await fails(reading.stream.next(), "CANCELLED", "maybe");
      equal((error.cause as Error).message, "lost the thread");
      deepEqual(reading.settled, ["CANCELLED"]);
      await stage.until(() => server.inFlight === 0, "the handler has ended");
    },
  },
  {
    name: "a failure of the handler is told after its items, and stops the source",
    play: async (stage) => {
      const { fail } = stage.operations("suite", 1, {
        fail: { kind: "duplex", head: "json", errors: ["GONE"] },
      });
      stage.services.converse(fail, async (how, items, _incoming, sink) => {
        if (how === "refuse") throw systemError("PERMISSION_DENIED", "no", { executed: "no" });
        await items.open(as).next();
        await puts(sink, numbers(3));
        throw new TrunklineError("GONE", "no more", { executed: "yes", declared: true, data: 5 });
      });
      const { caller } = await stage.pair();
      const source: Source = async (sink) => {
        while (!sink.closed) {
          if (sink.ready) sink.put(1);
          else await sink.whenReady();
        }
      };
      const reading = new Reading(caller, fail, "late", stage.attempt(), { source });
      deepEqual(await reading.take(3), [0, 1, 2]);
      await fails(reading.stream.next(), "GONE", "yes");
      const refused = new Reading(caller, fail, "refuse", stage.attempt(), { source });
      await fails(refused.stream.next(), "PERMISSION_DENIED", "no");
    },
  },
  {
    name: "credit from the server is acceptance: the deadline bounds nothing after it",
    play: async (stage) => {
      const { quiet } = stage.operations("suite", 1, { quiet: { kind: "duplex", head: "json" } });
      stage.services.converse(quiet, async (how, items, incoming, sink) => {
        if (how === "never") {
          await whenCancelled(incoming);
          return;
        }
        await puts(sink, await all(items));
      });
      const { caller } = await stage.pair();
      const never = new Reading(caller, quiet, "never", stage.attempt({ deadlineMs: 250 }), {
        source: giving([]),
      });
      await fails(never.stream.next(), "DEADLINE_EXCEEDED", "maybe");
      const attempt = stage.attempt({ deadlineMs: 250 });
      const source: Source = async (sink) => {
        await stage.until(() => stage.env.now() > attempt.deadlineAt + 60, "the deadline is over");
        await puts(sink, [7]);
      };
      deepEqual(await new Reading(caller, quiet, "", attempt, { source }).all(), [7]);
    },
  },
  {
    name: "idle bounds the wait for an item of the server, though the server goes on taking ours",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { deaf } = stage.operations("suite", 1, { deaf: { kind: "duplex", head: "json" } });
      const cancelled = Promise.withResolvers<string>();
      stage.services.converse(deaf, async (_head, items, incoming, sink) => {
        void whenCancelled(incoming).then(cancelled.resolve);
        await puts(sink, ["hello"]);
        await all(items);
      });
      const { caller } = await stage.pair();
      const source: Source = async (sink) => {
        while (!sink.closed) {
          if (sink.ready) sink.put(1);
          await sleep(stage.env, 5);
        }
      };
      const reading = new Reading(caller, deaf, null, stage.attempt(), { source, idleMs: 250 });
      const before = stage.env.now();
      deepEqual(await reading.take(1), ["hello"]);
      await fails(reading.stream.next(), "DEADLINE_EXCEEDED", "maybe");
      ok(stage.env.now() - before >= 250);
      equal(await cancelled.promise, "caller");
    },
  },
];
