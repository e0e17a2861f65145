import { deepEqual, equal } from "node:assert/strict";

import { systemError } from "../../base/error.ts";
import type { Case } from "./case.ts";
import { fails } from "./stage.ts";

export const notificationCases: readonly Case[] = [
  {
    name: "a notification runs, and its sender waits for nothing",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      const seen: unknown[] = [];
      const end = Promise.withResolvers<void>();
      stage.services.answer(note, async (input) => {
        seen.push(input);
        await end.promise;
      });
      const { caller, server } = await stage.pair();
      equal(await caller.notify(note, { n: 1 }, stage.attempt()), undefined);
      await stage.until(() => seen.length === 1, "it has begun");
      deepEqual([seen, server.inFlight], [[{ n: 1 }], 1]);
      end.resolve();
      await stage.until(() => server.inFlight === 0, "it has ended");
    },
  },
  {
    name: "what becomes of a notification is not told: neither a failure nor a refusal disturbs what follows",
    play: async (stage) => {
      const served = stage.operations("suite", 1, {
        fails: { kind: "notification" },
        echo: { kind: "call" },
      });
      const { unknown } = stage.operations("strange", 1, { unknown: { kind: "notification" } });
      stage.services.answer(served.fails, () => {
        throw systemError("INTERNAL", "nobody hears this", { executed: "yes" });
      });
      stage.services.answer(served.echo, (input) => input);
      const { caller } = await stage.pair();
      await caller.notify(served.fails, 0, stage.attempt());
      await caller.notify(unknown, 0, stage.attempt());
      equal(await caller.call(served.echo, 1, stage.attempt()), 1);
    },
  },
  {
    name: "a notification that cannot leave in time fails, and never ran",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      const caller = stage.connect({ connectWaitMs: 30 });
      await fails(caller.notify(note, 0, stage.attempt()), "UNAVAILABLE", "no");
      await fails(caller.notify(note, 7n, stage.attempt()), "INVALID_ARGUMENT", "no");
    },
  },
  {
    name: "a notification outlives the connection that brought it",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      const end = Promise.withResolvers<void>();
      stage.services.answer(note, () => end.promise);
      const { caller, server } = await stage.pair();
      await caller.notify(note, 0, stage.attempt());
      await stage.until(() => stage.services.begun.length === 1, "it has begun");
      await caller.close();
      await stage.until(() => server.connections === 0, "the connection is gone");
      deepEqual([server.inFlight, stage.services.begun[0]!.cancelled], [1, undefined]);
      end.resolve();
      await stage.until(() => server.inFlight === 0, "it has ended");
    },
  },
];
