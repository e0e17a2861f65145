import { deepEqual, equal, ok } from "node:assert/strict";
import { getEventListeners } from "node:events";

import { Deadline } from "../../base/deadline.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Context } from "../../base/handler.ts";
import { call, contract, notification, stream } from "../../contract/index.ts";
import { serve } from "../serve.ts";
import type { Case } from "./case.ts";
import { any, number, text } from "./schemas.ts";
import { aborted, fails, type Stage, outOfTime } from "./stage.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    ask: call({ in: text, out: text }),
    hasty: call({ in: text, out: text, deadline: "220ms" }),
    items: stream({ out: number }),
    tell: notification({ in: text }),
  },
);

/** Waits in each handler until it is not wanted any more, and keeps the contexts. */
async function waiting(stage: Stage): Promise<{
  readonly contexts: Context[];
  readonly client: Awaited<ReturnType<typeof stage.connect<typeof Desk>>>;
}> {
  const contexts: Context[] = [];
  const wait = (input: string, context: Context): Promise<string> | string => {
    contexts.push(context);
    return input === "now" ? "answer" : aborted(context.signal);
  };
  const { client } = await stage.pair(Desk, {
    ask: wait,
    hasty: wait,
    async *items(_input, context) {
      contexts.push(context);
      yield 1;
      await aborted(context.signal);
    },
    tell: (_input, context) => void contexts.push(context),
  });
  return { contexts, client };
}

export const givingUpCases: readonly Case[] = [
  {
    name: "aborting a signal fails the call at once with its reason, and aborts the handler's signal",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { contexts, client } = await waiting(stage);
      const controller = new AbortController();
      const asked = client.ask("a", { signal: controller.signal });
      await stage.until(() => contexts.length === 1, "it has begun");
      const reason = new Error("the user went away");
      controller.abort(reason);
      const error = await fails(asked, "CANCELLED", "maybe");
      equal(error.cause, reason);
      const { signal } = contexts[0]!;
      await stage.until(() => signal.aborted, "the handler's signal is aborted");
      ok(isTrunklineError(signal.reason) && signal.reason.code === "CANCELLED");
    },
  },
  {
    name: "a signal that is aborted already lets nothing leave",
    play: async (stage) => {
      const { contexts, client } = await waiting(stage);
      const signal = AbortSignal.abort(new Error("too late"));
      const failures = [
        await fails(client.ask("a", { signal }), "CANCELLED", "no"),
        await fails(client.tell("a", { signal }), "CANCELLED", "no"),
        ...(stage.streams
          ? [await fails(client.items(undefined, { signal }).next(), "CANCELLED", "no")]
          : []),
      ];
      for (const { cause } of failures) equal((cause as Error).message, "too late");
      equal(await client.ask("now"), "answer");
      equal(contexts.length, 1);
    },
  },
  {
    name: "no call leaves a listener on its signal, however it ends",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const { contexts, client } = await waiting(stage);
      const controller = new AbortController();
      const { signal } = controller;
      const count = (): number => getEventListeners(signal, "abort").length;
      await client.ask("now", { signal });
      await client.tell("now", { signal });
      await outOfTime(stage, client.ask("a", { signal, deadline: 200 }));
      await fails(client.ask(7 as unknown as string, { signal }), "INVALID_ARGUMENT", "no");
      await fails(client.ask("a", { signal, headers: { A: "b" } }), "INVALID_ARGUMENT", "no");
      await fails(client.ask("a", { signal, deadline: "soon" as "1s" }), "INVALID_ARGUMENT", "no");
      const left = client.items(undefined, { signal });
      await left.next();
      equal(count(), 1);
      await left.return();
      equal(count(), 0);
      const unread = client.items(undefined, { signal });
      await unread.return();
      const items = client.items(undefined, { signal });
      await items.next();
      const before = contexts.length;
      const asked = client.ask("a", { signal });
      await stage.until(() => contexts.length > before, "it has begun");
      controller.abort();
      await fails(asked, "CANCELLED", "maybe");
      await fails(items.next(), "CANCELLED", "maybe");
      equal(count(), 0);
    },
  },
  {
    name: "the deadline of a call is its own, else that of its operation, else that of its client",
    play: async (stage) => {
      const { contexts, client } = await waiting(stage);
      const quick = await stage.connect(Desk, { deadline: 270 });
      // Both have their connection before time counts.
      for (const each of [client, quick]) await each.ask("now", { deadline: "5s" });
      contexts.length = 0;
      const rows: [Promise<unknown>, number][] = [
        [client.ask("a", { deadline: 200 }), 200],
        [client.ask("a", { deadline: Deadline.after(250, stage.env.now()) }), 250],
        [client.hasty("a"), 220],
        [quick.ask("a"), 270],
        [quick.hasty("a", { deadline: "300ms" }), 300],
      ];
      const begun = stage.env.now();
      for (const [asked] of rows) asked.catch(() => {}); // it may fail before its turn to be looked at
      for (const [asked, ms] of rows) {
        await outOfTime(stage, asked);
        ok(stage.env.now() - begun >= ms, `not before ${ms} ms`);
      }
      if (!stage.queued) equal(contexts.length, rows.length);
    },
  },
  {
    name: "the handler's signal aborts with its deadline, and says why",
    when: ({ deadline }) => deadline,
    play: async (stage) => {
      const { contexts, client } = await waiting(stage);
      await client.ask("now"); // there is a connection before time counts
      await outOfTime(stage, client.ask("a", { deadline: 300 }));
      const { signal, deadline } = contexts[1]!;
      await stage.until(() => signal.aborted, "the signal is aborted");
      ok(isTrunklineError(signal.reason));
      ok(deadline.remaining(stage.env.now()) <= 300);
    },
  },
  {
    name: "time that is over before a call is made lets nothing leave, and no call may wait for ever by mistake",
    play: async (stage) => {
      const { contexts, client } = await waiting(stage);
      await fails(client.ask("a", { deadline: 0 }), "DEADLINE_EXCEEDED", "no");
      if (stage.streams)
        await fails(client.items(undefined, { deadline: 0 }).next(), "DEADLINE_EXCEEDED", "no");
      const past = new Deadline(stage.env.now() - 1);
      await fails(client.tell("a", { deadline: past }), "DEADLINE_EXCEEDED", "no");
      for (const deadline of [-1, NaN, "5", "1 s"] as number[]) {
        await fails(client.ask("a", { deadline }), "INVALID_ARGUMENT", "no");
      }
      equal(contexts.length, 0);
    },
  },
  {
    name: "a request whose time is over when it is its turn is not begun",
    when: ({ deadline, cancel }) => deadline && cancel,
    play: async (stage) => {
      // One after the other, because they have the same key; the second is over its deadline when the first has ended.
      const Keyed = contract(
        "keyed",
        { version: "1.0.0" },
        { ask: call({ in: any<{ key: string; name: string }>(), key: "key" }) },
      );
      const ran: string[] = [];
      const end = Promise.withResolvers<void>();
      await stage.serve(
        serve(Keyed, {
          ask: async ({ name }) => {
            ran.push(name);
            await end.promise;
          },
        }),
      );
      const client = await stage.connect(Keyed);
      const first = client.ask({ key: "k", name: "first" });
      await stage.until(() => ran.length === 1, "the first has begun");
      const second = client.ask({ key: "k", name: "second" }, { deadline: 40 });
      await outOfTime(stage, second);
      const third = client.ask({ key: "k", name: "third" });
      const controller = new AbortController();
      const given = client.ask({ key: "k", name: "given up" }, { signal: controller.signal });
      await stage.settle();
      controller.abort();
      await fails(given, "CANCELLED", "maybe");
      // What was given up is known there when what was asked later is answered.
      const other = client.ask({ key: "other", name: "other" });
      await stage.until(() => ran.includes("other"), "the other has begun");
      end.resolve();
      await Promise.all([first, third, other]);
      await client.ask({ key: "k", name: "last" });
      deepEqual(ran, ["first", "other", "third", "last"]);
    },
  },
  {
    name: "a handler that heeds nothing holds no alarm once its caller has gone",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const end = Promise.withResolvers<string>();
      let asked = 0;
      const { client, serving } = await stage.pair(Desk, {
        ask: (_input, { signal }) => {
          asked++;
          equal(signal.aborted, false);
          return end.promise;
        },
        hasty: (input) => input,
        items: () => [],
        tell: () => {},
      });
      await client.hasty("a");
      const before = stage.env.alarms;
      const controller = new AbortController();
      const given = client.ask("a", { signal: controller.signal, deadline: "1h" });
      await stage.until(() => asked === 1, "it is asked");
      controller.abort();
      await fails(given, "CANCELLED", "maybe");
      await stage.until(() => stage.env.alarms <= before, "its deadline is no alarm any more");
      equal(serving.inFlight, 1);
      end.resolve("too late");
    },
  },
  {
    name: "who does not look at the signal is answered all the same, and costs no alarm",
    play: async (stage) => {
      const { client } = await waiting(stage);
      const before = stage.env.alarms;
      for (let i = 0; i < 20; i++) equal(await client.ask("now"), "answer");
      // The two ends of one connection watch over each other, the server over its event loop.
      ok(stage.env.alarms <= before + 3);
    },
  },
];
