import { deepEqual, equal, match, ok } from "node:assert/strict";

import { alarmAt } from "../../base/alarm.ts";
import type { Case } from "./case.ts";
import { whenCancelled } from "./services.ts";
import { failureOf, fails } from "./stage.ts";

export const givingUpCases: readonly Case[] = [
  {
    name: "a deadline that is over before the call never leaves",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, () => 1);
      const { caller } = await stage.pair();
      for (const deadlineMs of [0, 0.001]) {
        const attempt = stage.attempt({ deadlineMs });
        alarmAt(stage.env, stage.env.now() + 1, () => {});
        await stage.until(() => stage.env.now() >= attempt.deadlineAt, "the deadline is over");
        await fails(caller.call(echo, 0, attempt), "DEADLINE_EXCEEDED", "no");
      }
      await stage.until(() => stage.env.alarms === 0, "the alarm rang");
      equal(stage.services.begun.length, 0);
    },
  },
  {
    name: "what was given up before it was sent never leaves",
    play: async (stage) => {
      const { echo, note } = stage.operations("suite", 1, {
        echo: { kind: "call" },
        note: { kind: "notification" },
      });
      stage.services.answer(echo, () => 1);
      stage.services.answer(note, () => 1);
      const { caller } = await stage.pair();
      const given = (): ReturnType<typeof stage.attempt> => {
        const attempt = stage.attempt();
        attempt.cancel("caller", new Error("enough"));
        return attempt;
      };
      const error = await fails(caller.call(echo, 0, given()), "CANCELLED", "no");
      equal((error.cause as Error).message, "enough");
      await fails(caller.notify(note, 0, given()), "CANCELLED", "no");
      await caller.call(echo, 0, stage.attempt());
      equal(stage.services.begun.length, 1);
    },
  },
  {
    name: "a call that is over its deadline fails at once, and what the handler still does nobody knows",
    play: async (stage) => {
      const { wait } = stage.operations("suite", 1, { wait: { kind: "call" } });
      const end = Promise.withResolvers<void>();
      stage.services.answer(wait, () => end.promise);
      const { caller } = await stage.pair();
      const before = stage.env.now();
      const error = await fails(
        caller.call(wait, 0, stage.attempt({ deadlineMs: 250 })),
        "DEADLINE_EXCEEDED",
        "maybe",
      );
      ok(stage.env.now() - before >= 250);
      equal(error.code, "DEADLINE_EXCEEDED");
      // The late answer disturbs nobody.
      end.resolve();
      equal(await caller.call(wait, 0, stage.attempt()), undefined);
    },
  },
  {
    name: "the end of the deadline reaches the handler",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { wait } = stage.operations("suite", 1, { wait: { kind: "call" } });
      const cancelled = Promise.withResolvers<string>();
      stage.services.answer(wait, async (_input, incoming) => {
        cancelled.resolve(await whenCancelled(incoming));
      });
      const { caller, server } = await stage.pair();
      const call = caller.call(wait, 0, stage.attempt({ deadlineMs: 250 }));
      await fails(call, "DEADLINE_EXCEEDED", "maybe");
      // The server may look at the clock itself, or be told.
      match(await cancelled.promise, /^(caller|deadline)$/);
      await stage.until(() => server.inFlight === 0, "the handler has ended");
    },
  },
  {
    name: "giving up a call fails it at once and reaches the handler",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { wait, echo } = stage.operations("suite", 1, {
        wait: { kind: "call" },
        echo: { kind: "call" },
      });
      const cancelled = Promise.withResolvers<string>();
      stage.services.answer(echo, (input) => input);
      stage.services.answer(wait, async (_input, incoming) => {
        cancelled.resolve(await whenCancelled(incoming));
        return "too late";
      });
      const { caller } = await stage.pair();
      const attempt = stage.attempt();
      const call = caller.call(wait, 0, attempt);
      await stage.until(() => stage.services.begun.length === 1, "it has begun");
      attempt.cancel("caller", new Error("enough"));
      attempt.cancel("caller", new Error("again"));
      const error = await fails(call, "CANCELLED", "maybe");
      equal((error.cause as Error).message, "enough");
      equal(await cancelled.promise, "caller");
      equal(await caller.call(echo, "next", stage.attempt()), "next");
    },
  },
  {
    name: "giving up after the answer changes nothing",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair();
      const attempt = stage.attempt();
      equal(await caller.call(echo, 1, attempt), 1);
      attempt.cancel("caller");
      await stage.settle();
      equal(stage.services.begun[0]!.cancelled, undefined);
      equal(await caller.call(echo, 2, stage.attempt()), 2);
    },
  },
  {
    name: "a deadline inherited from other work says so when that is over",
    play: async (stage) => {
      const { wait } = stage.operations("suite", 1, { wait: { kind: "call" } });
      const end = Promise.withResolvers<void>();
      stage.services.answer(wait, () => end.promise);
      const { caller } = await stage.pair();
      const attempt = stage.attempt();
      const call = caller.call(wait, 0, attempt);
      await stage.until(() => stage.services.begun.length === 1, "it has begun");
      attempt.cancel("deadline");
      await fails(call, "DEADLINE_EXCEEDED", "maybe");
      end.resolve();
    },
  },
  {
    name: "a thousand calls that are given up leave nothing behind",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { wait } = stage.operations("suite", 1, { wait: { kind: "call" } });
      stage.services.answer(wait, (_input, incoming) => whenCancelled(incoming));
      const { caller, server } = await stage.pair();
      const alarms = (): number => stage.env.alarms;
      const attempt = stage.attempt();
      const first = caller.call(wait, 0, attempt);
      await stage.until(() => stage.services.begun.length === 1, "there is a connection");
      attempt.cancel("caller");
      await fails(first, "CANCELLED", "maybe");
      await stage.until(() => server.inFlight === 0, "its handler has ended");
      const before = alarms();
      const attempts = Array.from({ length: 1_000 }, () => stage.attempt({ deadlineMs: 60_000 }));
      const calls = attempts.map((each) => caller.call(wait, 0, each));
      for (const each of attempts) each.cancel("caller");
      // Those that waited for a connection of their own had not left.
      const { shared } = stage.protocol.capabilities;
      for (const error of await Promise.all(calls.map(failureOf)))
        deepEqual([error.code, error.executed], ["CANCELLED", shared ? "maybe" : error.executed]);
      await stage.until(() => server.inFlight === 0, "all handlers have ended");
      await stage.until(() => alarms() <= before, "no alarm stays");
    },
  },
];
