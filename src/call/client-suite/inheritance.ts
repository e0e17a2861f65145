import { deepEqual, equal, notEqual, ok } from "node:assert/strict";

import type { TrunklineError } from "../../base/error.ts";
import { parseTraceparent } from "../../base/trace.ts";
import { currentTrace, detached } from "../served-context.ts";
import type { Case } from "./case.ts";
import { aborted, failureOf, fails, outOfTime } from "./stage.ts";
import { Chain, Front } from "./chain.ts";

export const inheritanceCases: readonly Case[] = [
  {
    name: "a call made by a handler is part of its caller's trace, and does not take its headers along",
    play: async (stage) => {
      const chain = await Chain.build(stage);
      const traces: (string | undefined)[] = [];
      const { client } = await stage.pair(Front, {
        ask: async (_input, context) => {
          chain.look(context);
          traces.push(currentTrace()?.traceId);
          await stage.turn();
          const answer = await chain.back.work("now", { headers: { own: "yes" } });
          traces.push(currentTrace()?.traceId);
          return answer;
        },
        watch: () => [],
        tell: () => {},
      });
      equal(await client.ask("a", { headers: { tenant: "acme" } }), "worked");
      const [front, back] = chain.seen;
      equal(back?.traceId, front?.traceId);
      notEqual(back?.spanId, front?.spanId);
      deepEqual(traces, [front?.traceId, front?.traceId]);
      deepEqual([front?.headers, back?.headers], [{ tenant: "acme" }, { own: "yes" }]);
      equal(parseTraceparent(back!.context.trace.traceparent)?.traceId, front?.traceId);
      equal(currentTrace(), undefined);
      await client.ask("b");
      notEqual(chain.seen[2]?.traceId, front?.traceId);
    },
  },
  {
    name: "a lane goes along through every hop, until a call names another one",
    play: async (stage) => {
      const chain = await Chain.build(stage);
      const { client } = await stage.pair(Front, {
        ask: async (input, context) => {
          chain.look(context);
          return chain.back.work("now", input === "other" ? { lane: "green" } : {});
        },
        watch: () => [],
        tell: () => {},
      });
      await client.ask("own", { lane: "blue" });
      await client.ask("other", { lane: "blue" });
      await client.ask("none");
      deepEqual(
        chain.seen.map(({ context }) => context.lane),
        ["blue", "blue", "blue", "green", undefined, undefined],
      );
      await fails(client.ask("bad", { lane: "not a lane" }), "INVALID_ARGUMENT", "no");
    },
  },
  {
    name: "a call made by a handler has no more time than its caller, and its own wish when that is less",
    when: ({ deadline }) => deadline,
    play: async (stage) => {
      const chain = await Chain.build(stage);
      const { client } = await stage.pair(Front, {
        ask: async (input) => {
          if (input === "short") return chain.back.work("now", { deadline: "1s" });
          return chain.back.work("now", { deadline: "1h" });
        },
        watch: () => [],
        tell: () => {},
      });
      await client.ask("long", { deadline: "5s" });
      await client.ask("short", { deadline: "5s" });
      const [long, short] = chain.seen;
      ok(long!.leftMs > 1_000 && long!.leftMs <= 5_001, `${long!.leftMs} ms`);
      ok(short!.leftMs > 0 && short!.leftMs <= 1_001, `${short!.leftMs} ms`);
    },
  },
  {
    name: "giving up a call gives up the calls and streams that its handler has made",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const chain = await Chain.build(stage);
      const outcomes: string[] = [];
      const outcome = async (work: Promise<unknown>): Promise<void> => {
        const { code, executed } = await fails(work, "CANCELLED", "maybe");
        outcomes.push(`${code} ${executed}`);
      };
      const { client } = await stage.pair(Front, {
        ask: async () => {
          const items = chain.back.follow();
          await items.next();
          await Promise.all([outcome(chain.back.work("wait")), outcome(items.next())]);
          return "too late";
        },
        watch: () => [],
        tell: () => {},
      });
      const controller = new AbortController();
      const asked = client.ask("a", { signal: controller.signal });
      await stage.until(() => chain.seen.length === 2, "both have begun");
      controller.abort(new Error("enough"));
      await fails(asked, "CANCELLED", "maybe");
      await stage.until(() => outcomes.length === 2, "both were given up");
      for (const { context } of chain.seen) {
        await stage.until(() => context.signal.aborted, "the signal of each is aborted");
      }
    },
  },
  {
    name: "the end of a caller's time ends the calls that its handler has made",
    when: ({ cancel, deadline }) => cancel && deadline,
    play: async (stage) => {
      const chain = await Chain.build(stage);
      const inner = Promise.withResolvers<TrunklineError>();
      const { client } = await stage.pair(Front, {
        ask: async () => {
          const work = chain.back.work("wait", { deadline: "1h" });
          inner.resolve(failureOf(work));
          return work;
        },
        watch: () => [],
        tell: () => {},
      });
      await outOfTime(stage, client.ask("a", { deadline: 300 }));
      // Their own time is over, or word comes from the caller that its is: whichever is first.
      const { code, executed } = await inner.promise;
      ok(code === "DEADLINE_EXCEEDED" || code === "CANCELLED", code);
      equal(executed, "maybe");
      await stage.until(() => chain.seen[0]!.context.signal.aborted, "the signal is aborted");
    },
  },
  {
    name: "when a handler has settled nothing is inherited from it any more",
    play: async (stage) => {
      const chain = await Chain.build(stage);
      const settled = Promise.withResolvers<void>();
      const later = Promise.withResolvers<unknown>();
      const { client } = await stage.pair(Front, {
        ask: (input, context) => {
          chain.look(context);
          const afterwards = async (): Promise<unknown> => {
            await settled.promise;
            return chain.back.work("now");
          };
          later.resolve(afterwards());
          return input;
        },
        watch: () => [],
        tell: () => {},
      });
      await client.ask("a", { deadline: 2_000 });
      settled.resolve();
      equal(await later.promise, "worked");
      const [front, back] = chain.seen;
      ok(back!.leftMs > 2_000, `${back!.leftMs} ms: the default of a client`);
      notEqual(back?.traceId, front?.traceId);
    },
  },
  {
    name: "detached work outlives the call: neither time, trace nor cancellation reach it",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const chain = await Chain.build(stage);
      const work = Promise.withResolvers<unknown>();
      const { client } = await stage.pair(Front, {
        ask: async (_input, context) => {
          chain.look(context);
          detached(() => {
            equal(currentTrace(), undefined);
            work.resolve(chain.back.work("now"));
          });
          return aborted(context.signal);
        },
        watch: () => [],
        tell: () => {},
      });
      await outOfTime(stage, client.ask("a", { deadline: 300 }));
      equal(await work.promise, "worked");
      const [front, back] = chain.seen;
      ok(back!.leftMs > 300);
      notEqual(back?.traceId, front?.traceId);
    },
  },
  {
    name: "calls made within a stream have their own time, and are part of its trace",
    when: ({ kinds }) => kinds.includes("stream"),
    play: async (stage) => {
      const chain = await Chain.build(stage);
      const { client } = await stage.pair(Front, {
        ask: (input) => input,
        async *watch(_input, context) {
          chain.look(context);
          for (let i = 0; i < 2; i++) {
            yield await chain.back.work("now");
            equal(currentTrace()?.traceId, context.trace.traceId);
          }
        },
        tell: () => {},
      });
      const items = client.watch("a", { deadline: 2_000 });
      for (let i = 0; i < 2; i++) equal((await items.next()).value, "worked");
      equal((await items.next()).done, true);
      const [front, ...backs] = chain.seen;
      equal(front!.leftMs, Infinity);
      for (const back of backs) {
        ok(back.leftMs > 2_000, `${back.leftMs} ms`);
        equal(back.traceId, front?.traceId);
      }
    },
  },
];
