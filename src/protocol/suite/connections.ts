import { deepEqual, equal, ok } from "node:assert/strict";

import { sleep } from "../../base/alarm.ts";
import type { Case } from "./case.ts";
import { Reading } from "./reading.ts";
import { whenCancelled } from "./services.ts";
import { failureOf, fails } from "./stage.ts";
import { numbers } from "./streams.ts";

export const connectionCases: readonly Case[] = [
  {
    name: "nothing is dialled before the first call, and then calls share one connection where that can be",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const { caller, server } = await stage.pair();
      const { shared } = stage.protocol.capabilities;
      await stage.settle();
      deepEqual([caller.state, server.connections], ["idle", 0]);
      await Promise.all(numbers(20).map((i) => caller.call(echo, i, stage.attempt())));
      equal(caller.state, "ready");
      ok(shared ? server.connections === 1 : server.connections <= 20);
    },
  },
  {
    name: "calls wait for a server that is about to come, and are sent in the order in which they were made",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      const begun: unknown[] = [];
      stage.services.answer(echo, (input) => {
        begun.push(input);
        return input;
      });
      const caller = stage.connect({ connectWaitMs: 5_000 });
      const calls = numbers(1_000).map((i) => caller.call(echo, i, stage.attempt()));
      await stage.until(() => caller.state === "waiting", "the first dial has failed");
      await stage.listen();
      deepEqual(await Promise.all(calls), numbers(1_000));
      if (stage.protocol.capabilities.shared) deepEqual(begun, numbers(1_000));
    },
  },
  {
    name: "who has others to go to does not wait where nobody listens, and finds who comes later",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const caller = stage.connect({ connectWaitMs: 600_000, failFast: true });
      const ask = (input: number): Promise<unknown> =>
        caller.call(echo, input, stage.attempt({ deadlineMs: 600_000 }));
      await Promise.all([fails(ask(1), "UNAVAILABLE", "no"), fails(ask(2), "UNAVAILABLE", "no")]);
      await stage.until(() => caller.state === "waiting", "the last dial has failed");
      await fails(ask(3), "UNAVAILABLE", "no");
      await stage.listen();
      await stage.until(() => caller.state === "idle", "it may be dialled again");
      equal(await ask(4), 4);
    },
  },
  {
    name: "connections that are too old are succeeded, and neither calls nor streams notice",
    play: async (stage) => {
      const { echo, count } = stage.operations("suite", 1, {
        echo: { kind: "call" },
        count: { kind: "stream" },
      });
      stage.services.answer(echo, (input) => input);
      stage.services.produce(count, async (_input, _incoming, sink) => {
        for (let item = 0; item < 100 && !sink.closed; item++) {
          await sleep(stage.env, 5);
          while (!sink.ready && !sink.closed) await sink.whenReady();
          sink.put(item);
        }
      });
      const { caller } = await stage.pair(
        {},
        { maxAgeMs: 20, keepaliveMs: 20, lifetimeMs: 60_000 },
      );
      const options = {
        idleMs: Infinity,
        accept: (item: unknown) => item,
        settled: () => undefined,
      };
      const items: unknown[] = [];
      const reading = (async () => {
        if (!stage.protocol.capabilities.kinds.includes("stream")) return;
        const stream = caller.stream(count, null, stage.attempt({ deadlineMs: 600_000 }), options);
        for await (const item of stream) items.push(item);
        deepEqual(items, numbers(100));
      })();
      const succeeded = (): boolean =>
        new Set(stage.services.begun.map(({ peer }) => peer)).size >= 4;
      for (let calls = 0; !succeeded(); calls++) {
        ok(calls < 5_000, "no connection is succeeded");
        const attempt = stage.attempt({ deadlineMs: 600_000 });
        equal(await caller.call(echo, calls, attempt), calls);
        await sleep(stage.env, 1);
      }
      await reading;
    },
  },
  {
    name: "no more requests wait for a connection than may be under way",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const caller = stage.connect({ outstandingMax: 10, connectWaitMs: 5_000 });
      const calls = numbers(10).map((i) => caller.call(echo, i, stage.attempt()));
      await fails(caller.call(echo, 10, stage.attempt()), "RESOURCE_EXHAUSTED", "no");
      await stage.listen();
      deepEqual(await Promise.all(calls), numbers(10));
    },
  },
  {
    name: "what waits for a connection can be given up, and then never leaves",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const caller = stage.connect({ connectWaitMs: 5_000 });
      const attempt = stage.attempt();
      const given = fails(caller.call(echo, "given up", attempt), "CANCELLED", "no");
      const hasty = failureOf(caller.call(echo, "hasty", stage.attempt({ deadlineMs: 20 })));
      const patient = caller.call(echo, "patient", stage.attempt());
      await stage.settle();
      attempt.cancel("caller");
      await given;
      const { executed } = await hasty;
      equal(executed, "no");
      await stage.listen();
      equal(await patient, "patient");
      equal(stage.services.begun.length, 1);
    },
  },
  {
    name: "with the connection everything under way is lost at once, and perhaps it ran",
    play: async (stage) => {
      const { wait, items } = stage.operations("suite", 1, {
        wait: { kind: "call" },
        items: { kind: "stream" },
      });
      const cancelled: string[] = [];
      stage.services.answer(wait, async (_input, incoming) => {
        cancelled.push(await whenCancelled(incoming));
      });
      stage.services.produce(items, async (_input, incoming, sink) => {
        sink.put("first");
        cancelled.push(await whenCancelled(incoming));
      });
      const { caller, server } = await stage.pair();
      const calls = numbers(20).map(() => caller.call(wait, 0, stage.attempt()));
      const reading = new Reading(caller, items, 0, stage.attempt());
      deepEqual(await reading.take(1), ["first"]);
      await stage.until(() => stage.services.begun.length === 21, "all have begun");
      const before = stage.env.now();
      const lost = [...calls, reading.stream.next()].map((each) =>
        fails(each, "UNAVAILABLE", "maybe"),
      );
      equal(await server.drain(0), 21);
      await Promise.all(lost);
      ok(stage.env.now() - before < 5_000, "long before any deadline");
      await stage.until(() => cancelled.length === 21, "every handler was told");
    },
  },
  {
    name: "after a loss the next call dials again",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const caller = stage.connect();
      for (let life = 0; life < 4; life++) {
        const server = await stage.listen();
        equal(await caller.call(echo, life, stage.attempt()), life);
        await server.drain(0);
      }
    },
  },
  {
    name: "a caller that is closed takes nothing more and leaves nothing",
    play: async (stage) => {
      const { wait, note, items } = stage.operations("suite", 1, {
        wait: { kind: "call" },
        note: { kind: "notification" },
        items: { kind: "stream" },
      });
      stage.services.answer(wait, (_input, incoming) => whenCancelled(incoming));
      const { caller, server } = await stage.pair();
      const call = caller.call(wait, 0, stage.attempt());
      await stage.until(() => stage.services.begun.length === 1, "it has begun");
      const closed = caller.close();
      await fails(call, "CANCELLED", "maybe");
      await fails(caller.call(wait, 0, stage.attempt()), "CANCELLED", "no");
      await fails(caller.notify(note, 0, stage.attempt()), "CANCELLED", "no");
      const stream = async (): Promise<unknown> =>
        new Reading(caller, items, 0, stage.attempt()).take(1);
      await fails(stream(), "CANCELLED", "no");
      await closed;
      await caller.close();
      await stage.until(() => server.connections === 0 && server.inFlight === 0, "all is gone");
    },
  },
  {
    name: "a caller that is closed with time to spare lets what is under way end",
    play: async (stage) => {
      const { slow } = stage.operations("suite", 1, { slow: { kind: "call" } });
      stage.services.answer(slow, async (input) => {
        await sleep(stage.env, input as number);
        return "done";
      });
      const { caller, server } = await stage.pair();
      const quick = caller.call(slow, 20, stage.attempt());
      const endless = fails(caller.call(slow, 600, stage.attempt()), "CANCELLED", "maybe");
      await stage.until(() => stage.services.begun.length === 2, "both have begun");
      const closed = caller.close(150);
      await fails(caller.call(slow, 0, stage.attempt()), "CANCELLED", "no");
      equal(await quick, "done");
      await endless;
      await closed;
      await stage.until(() => server.connections === 0, "the connection is gone");
      await stage.until(() => server.inFlight === 0, "the handlers have ended");
    },
  },
  {
    name: "closing while a connection is awaited cancels what waits, which never left",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      const caller = stage.connect({ connectWaitMs: 5_000 });
      const call = caller.call(echo, 0, stage.attempt());
      await stage.until(() => caller.state === "waiting", "the first dial has failed");
      const failed = fails(call, "CANCELLED", "no");
      await caller.close();
      await failed;
      equal(stage.env.alarms, 0);
    },
  },
  {
    name: "closing before anything was called is no more than that",
    play: async (stage) => {
      const { caller, server } = await stage.pair();
      await caller.close();
      deepEqual([caller.state, server.connections], ["closed", 0]);
    },
  },
];
