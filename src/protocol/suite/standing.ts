import { deepEqual, equal, match } from "node:assert/strict";

import { systemError } from "../../base/error.ts";
import { outcomeOf } from "../../resilience/outcome.ts";
import type { Attempt } from "../attempt.ts";
import type { Case } from "./case.ts";
import { failureOf, fails, type Stage } from "./stage.ts";

type Standing = Partial<Pick<Attempt, "lane" | "tries" | "once" | "onlyBoot">>;

/** An attempt that is not a usual one. */
function standing(stage: Stage, terms: Standing): Attempt {
  return Object.assign(stage.attempt(), terms);
}

/** Which lane a request goes in, whether it is a repetition, whom it means, and when a refused one may come again. */
export const standingCases: readonly Case[] = [
  {
    name: "the handler hears the lane of a request, and how often it was tried before",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (_input, { lane, tries, once }) => ({ lane, tries, once }));
      const { caller } = await stage.pair();
      const heard = (terms: Standing): Promise<unknown> =>
        caller.call(echo, null, standing(stage, terms));
      deepEqual(await heard({}), { tries: 0, once: false });
      deepEqual(await heard({ lane: "canary-2.b_C" }), {
        lane: "canary-2.b_C",
        tries: 0,
        once: false,
      });
      deepEqual(await heard({ lane: "l".repeat(64), tries: 2 }), {
        lane: "l".repeat(64),
        tries: 2,
        once: true,
      });
      deepEqual(await heard({ tries: 1_000 }), { tries: 255, once: true });
    },
  },
  {
    name: "a first try that belongs to a repetition says so: what is called for it must not be repeated",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (_input, { tries, once }) => ({ tries, once }));
      const { caller } = await stage.pair();
      deepEqual(await caller.call(echo, null, standing(stage, { once: true })), {
        tries: 0,
        once: true,
      });
    },
  },
  {
    name: "the lane of a stream reaches its handler too",
    when: ({ kinds }) => kinds.includes("stream"),
    play: async (stage) => {
      const { names } = stage.operations("suite", 1, { names: { kind: "stream" } });
      stage.services.produce(names, async (_input, { lane, tries }, sink) => {
        await sink.whenReady();
        sink.put([lane, tries]);
      });
      const { caller } = await stage.pair();
      const options = {
        idleMs: Infinity,
        accept: (item: unknown) => item,
        settled: () => undefined,
      };
      const attempt = standing(stage, { lane: "blue", tries: 1 });
      const came: unknown[] = [];
      for await (const item of caller.stream(names, null, attempt, options)) came.push(item);
      deepEqual(came, [["blue", 1]]);
    },
  },
  {
    name: "a lane that is the name of none is refused before anything runs",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair();
      for (const lane of ["two words", "l".repeat(65)]) {
        const attempt = standing(stage, { lane });
        const error = await fails(caller.call(echo, null, attempt), "INVALID_ARGUMENT", "no");
        match(error.reason, /lane|metadata is malformed/);
      }
      equal(stage.services.begun.length, 0);
    },
  },
  {
    name: "what only one process may run, that one runs and any other refuses, for good",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair({ bootId: "boot-7" });
      equal(await caller.call(echo, "a", standing(stage, { onlyBoot: "boot-7" })), "a");
      const work = caller.call(echo, "b", standing(stage, { onlyBoot: "boot-6" }));
      const error = await fails(work, "UNAVAILABLE", "no");
      equal(error.retryAfterMs, "never");
      equal(stage.services.begun.length, 1);
    },
  },
  {
    name: "a refusal says which gate of the server it was, and after how many milliseconds to come again",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => {
        throw systemError("RESOURCE_EXHAUSTED", "enough to do", {
          executed: "no",
          gate: "admission",
          retryAfterMs: input as number | "never",
        });
      });
      const { caller } = await stage.pair();
      for (const retryAfterMs of [0, 250, 1_500, "never"]) {
        const work = caller.call(echo, retryAfterMs, stage.attempt());
        const error = await fails(work, "RESOURCE_EXHAUSTED", "no");
        deepEqual([error.gate, error.retryAfterMs], ["admission", retryAfterMs]);
        match(error.message, /refused by: admission of the server/);
        equal(outcomeOf(error), "overload");
      }
    },
  },
  {
    name: "a refusal for want of room counts as overload of the server, not as a fault of the caller",
    play: async (stage) => {
      const { hold } = stage.operations("suite", 1, { hold: { kind: "call" } });
      let release = (): void => {};
      stage.services.answer(hold, () => new Promise<void>((resolve) => (release = resolve)));
      const { caller } = await stage.pair({ inFlightMax: 1 });
      const first = caller.call(hold, null, stage.attempt());
      await stage.until(() => stage.services.begun.length === 1, "the first one began");
      const error = await failureOf(caller.call(hold, null, stage.attempt()));
      deepEqual([error.code, error.executed], ["RESOURCE_EXHAUSTED", "no"]);
      equal(outcomeOf(error), "overload");
      release();
      await first;
    },
  },
];
