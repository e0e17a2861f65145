import { deepEqual, equal, ok } from "node:assert/strict";

import type { Case } from "./case.ts";
import { Reading } from "./reading.ts";
import { whenCancelled } from "./services.ts";
import { fails, type Stage } from "./stage.ts";
import { numbers, puts } from "./streams.ts";

/** Far more than any case needs, in milliseconds. */
const longMs = 30_000;

export const drainingCases: readonly Case[] = [
  {
    name: "a server that drains answers what is under way, and leaves when its callers have their answers",
    play: async (stage) => {
      const { slow, items } = stage.operations("suite", 1, {
        slow: { kind: "call" },
        items: { kind: "stream" },
      });
      const end = Promise.withResolvers<void>();
      stage.services.answer(slow, async (input) => {
        await end.promise;
        return input;
      });
      stage.services.produce(items, async (_input, _incoming, sink) => {
        await puts(sink, numbers(500));
        await end.promise;
        await puts(sink, ["last"]);
      });
      const { caller, server } = await stage.pair();
      const calls = numbers(20).map((i) => caller.call(slow, i, stage.attempt()));
      const reading = new Reading(caller, items, 0, stage.attempt());
      const read = reading.all();
      await stage.until(() => stage.services.begun.length === 21, "all have begun");
      const drained = server.drain(longMs);
      await stage.settle();
      end.resolve();
      deepEqual(await Promise.all(calls), numbers(20));
      deepEqual(await read, [...numbers(500), "last"]);
      equal(await drained, 0);
      deepEqual([server.connections, server.inFlight], [0, 0]);
    },
  },
  {
    name: "callers that are idle keep a server that drains no longer than it takes to tell them",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const server = await stage.listen();
      const callers = numbers(10).map(() => stage.connect());
      await Promise.all(callers.map((caller) => caller.call(echo, 0, stage.attempt())));
      const before = stage.env.now();
      equal(await server.drain(longMs), 0);
      ok(stage.env.now() - before < longMs);
    },
  },
  {
    name: "calls made while a server leaves move to its successor: none fails and each runs once",
    play: async (stage) => {
      const { echo, slow } = stage.operations("suite", 1, {
        echo: { kind: "call" },
        slow: { kind: "call" },
      });
      const ran = new Map<unknown, number>();
      const run = (input: unknown): unknown => {
        ran.set(input, (ran.get(input) ?? 0) + 1);
        return input;
      };
      const end = Promise.withResolvers<void>();
      stage.services.answer(echo, run);
      stage.services.answer(slow, async (input) => {
        await end.promise;
        return run(input);
      });
      const { caller, server } = await stage.pair();
      const slows = numbers(5).map((i) => caller.call(slow, `slow ${i}`, stage.attempt()));
      await stage.until(() => stage.services.begun.length === 5, "all have begun");
      // These are on their way when the server begins to leave; it refuses them.
      const crossing = numbers(100).map((i) => caller.call(echo, i, stage.attempt()));
      const drained = server.drain(longMs);
      const successor = stage.succeed();
      const later = numbers(100).map((i) => caller.call(echo, 100 + i, stage.attempt()));
      deepEqual(await Promise.all([...crossing, ...later]), numbers(200));
      end.resolve();
      deepEqual(
        await Promise.all(slows),
        numbers(5).map((i) => `slow ${i}`),
      );
      equal(await drained, 0);
      equal(await caller.call(echo, "after", stage.attempt()), "after");
      if (stage.protocol.capabilities.shared) equal((await successor).connections, 1);
      else await successor;
      deepEqual([...ran.values()], [...ran.values()].fill(1));
      equal(ran.size, 206);
    },
  },
  {
    name: "what is not done in time is cut: its callers hear maybe, and its handlers that nobody waits",
    play: async (stage) => {
      const { wait } = stage.operations("suite", 1, { wait: { kind: "call" } });
      const cancelled: string[] = [];
      stage.services.answer(wait, async (_input, incoming) => {
        cancelled.push(await whenCancelled(incoming));
      });
      const { caller, server } = await stage.pair();
      const calls = numbers(7).map(() => caller.call(wait, 0, stage.attempt()));
      await stage.until(() => stage.services.begun.length === 7, "all have begun");
      const before = stage.env.now();
      const failed = calls.map((call) => fails(call, "UNAVAILABLE", "maybe"));
      const drained = server.drain(50);
      await Promise.all(failed);
      equal(await drained, 7);
      ok(stage.env.now() - before >= 50);
      await stage.until(() => cancelled.length === 7, "every handler was told");
    },
  },
  {
    name: "a notification under way is waited for too, and told when the time is over",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      const cancelled: string[] = [];
      stage.services.answer(note, async (_input, incoming) => {
        cancelled.push(await whenCancelled(incoming));
      });
      const { caller, server } = await stage.pair();
      await caller.notify(note, 0, stage.attempt());
      await stage.until(() => stage.services.begun.length === 1, "it has begun");
      equal(await server.drain(30), 1);
      await stage.until(() => cancelled.length === 1, "its handler was told");
      equal(server.inFlight, 0);
    },
  },
  {
    name: "a second drain without time ends the first one",
    play: async (stage) => {
      const { wait } = stage.operations("suite", 1, { wait: { kind: "call" } });
      stage.services.answer(wait, (_input, incoming) => whenCancelled(incoming));
      const { caller, server } = await stage.pair();
      const call = caller.call(wait, 0, stage.attempt());
      await stage.until(() => stage.services.begun.length === 1, "it has begun");
      const first = server.drain(longMs);
      await stage.settle();
      const failed = fails(call, "UNAVAILABLE", "maybe");
      equal(await server.drain(0), 1);
      equal(await first, 1);
      await failed;
    },
  },
  {
    name: "a handler that heeds nothing keeps nobody from leaving",
    play: async (stage) => {
      const { deaf } = stage.operations("suite", 1, { deaf: { kind: "call" } });
      const end = Promise.withResolvers<void>();
      stage.services.answer(deaf, () => end.promise);
      const { caller, server } = await stage.pair();
      const failed = fails(caller.call(deaf, 0, stage.attempt()), "UNAVAILABLE", "maybe");
      await stage.until(() => stage.services.begun.length === 1, "it has begun");
      equal(await server.drain(20), 1);
      await failed;
      await listensAgain(stage);
      end.resolve();
    },
  },
];

/** The address is free again. */
async function listensAgain(stage: Stage): Promise<void> {
  const { echo } = stage.operations("again", 1, { echo: { kind: "call" } });
  stage.services.answer(echo, (input) => input);
  const server = await stage.listen();
  equal(await stage.connect().call(echo, "new", stage.attempt()), "new");
  await server.drain(0);
}
