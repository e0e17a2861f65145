import { deepEqual, equal, ok } from "node:assert/strict";

import { Deadline } from "../../base/deadline.ts";
import type { Context, Interceptor } from "../../base/handler.ts";
import { call, contract, duplex, notification, stream, upload } from "../../contract/index.ts";
import type { Case } from "./case.ts";
import { number, text } from "./schemas.ts";
import { aborted, fails, take, outOfTime } from "./stage.ts";
import { Taker } from "./taker.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    ask: call({ in: text, out: text, errors: { NO: undefined } }),
    items: stream({ in: text, out: number }),
    tell: notification({ in: text }),
  },
);

/** Writes down who passes, on the way in and on the way out. */
function passing(names: string[], name: string): Interceptor {
  return (next) => async (input, context) => {
    names.push(`> ${name}`);
    try {
      return await next(input, context);
    } finally {
      names.push(`< ${name}`);
    }
  };
}

const handlers = {
  ask: (input: string, { headers }: Context) => `${input} ${headers["tenant"] ?? "nobody"}`,
  *items(_input: string) {
    yield 1;
    yield 2;
  },
  tell: () => {},
};

export const interceptorCases: readonly Case[] = [
  {
    name: "interceptors stand around the call, around each try and around the handler, the first of a list outermost",
    play: async (stage) => {
      const names: string[] = [];
      const { client } = await stage.pair(
        Desk,
        {
          ...handlers,
          ask: (input) => {
            names.push("handler");
            return input;
          },
        },
        { aroundHandler: [passing(names, "handler 1"), passing(names, "handler 2")] },
        {
          aroundCall: [passing(names, "call 1"), passing(names, "call 2")],
          aroundAttempt: [passing(names, "attempt")],
        },
      );
      equal(await client.ask("a"), "a");
      const way = ["call 1", "call 2", "attempt", "handler 1", "handler 2"];
      deepEqual(names, [
        ...way.map((name) => `> ${name}`),
        "handler",
        ...way.toReversed().map((name) => `< ${name}`),
      ]);
    },
  },
  {
    name: "interceptors are composed once, not for each call",
    play: async (stage) => {
      let composed = 0;
      const counting: Interceptor = (next) => {
        composed++;
        return next;
      };
      const { client } = await stage.pair(
        Desk,
        handlers,
        { aroundHandler: [counting] },
        { aroundCall: [counting] },
      );
      const before = composed;
      for (let i = 0; i < 5; i++) await client.ask("a");
      if (stage.streams) await take(client.items("a"));
      equal(composed, before);
    },
  },
  {
    name: "a client's interceptor may change input, headers, deadline and key, and the answer",
    play: async (stage) => {
      const seen: Context[] = [];
      const change: Interceptor = (next) => async (input, context) => {
        const headers = { ...context.headers, tenant: "acme" };
        const deadline = new Deadline(stage.env.now() + 1_000);
        const passed = { ...context, headers, deadline, idempotencyKey: "k" };
        return `${String(await next(`${String(input)}!`, passed))}?`;
      };
      const { client } = await stage.pair(
        Desk,
        {
          ...handlers,
          ask: (input, context) => {
            seen.push(context);
            return handlers.ask(input, context);
          },
        },
        {},
        { aroundCall: [change] },
      );
      equal(await client.ask("a", { headers: { other: "b" } }), "a! acme?");
      const [context] = seen;
      deepEqual({ ...context!.headers }, { other: "b", tenant: "acme" });
      equal(context!.idempotencyKey, "k");
      ok(context!.deadline.remaining(stage.env.now()) <= 1_001);
    },
  },
  {
    name: "an interceptor around the handler may pass on a copy of the context, which is whole",
    play: async (stage) => {
      const seen: Context[] = [];
      const named =
        (name: string): Interceptor =>
        (next) =>
        (input, context) => {
          seen.push(context);
          return next(input, { ...context, headers: { ...context.headers, [name]: "yes" } });
        };
      const { client } = await stage.pair(
        Desk,
        {
          ...handlers,
          ask: (input, context) => {
            seen.push(context);
            if (input === "refuse") throw context.refuse("PERMISSION_DENIED", "not you");
            if (input === "no") throw context.errors.NO();
            return input;
          },
        },
        { aroundHandler: [named("first"), named("second")] },
      );
      equal(
        await client.ask("a", { headers: { own: "yes" }, idempotencyKey: "k", deadline: "5s" }),
        "a",
      );
      deepEqual(
        seen.map(({ headers }) => Object.keys(headers)),
        [["own"], ["own", "first"], ["own", "first", "second"]],
      );
      for (const context of seen) {
        equal(context.signal, seen[0]!.signal);
        equal(context.idempotencyKey, "k");
        equal(context.operation.name, "desk.ask");
        ok(context.peer.address.length > 0);
        ok(context.deadline.remaining(stage.env.now()) <= 5_001);
      }
      await fails(client.ask("refuse"), "PERMISSION_DENIED", "no");
      await fails(client.ask("no"), "NO", "yes");
    },
  },
  {
    name: "an interceptor cannot give a call more time than it has",
    when: ({ deadline }) => deadline,
    play: async (stage) => {
      const generous: Interceptor = (next) => (input, context) =>
        next(input, { ...context, deadline: Deadline.never });
      const { client } = await stage.pair(
        Desk,
        { ...handlers, ask: (_input, { signal }) => aborted(signal) },
        {},
        { aroundCall: [generous] },
      );
      await outOfTime(stage, client.ask("a", { deadline: 250 }));
    },
  },
  {
    name: "what an interceptor answers by itself reaches no handler",
    play: async (stage) => {
      let ran = 0;
      const cached: Interceptor = (next) => async (input, context) =>
        input === "known" ? "cached" : next(input, context);
      const { client } = await stage.pair(
        Desk,
        {
          ...handlers,
          ask: (input) => {
            ran++;
            return input;
          },
        },
        { aroundHandler: [cached] },
        { aroundCall: [cached] },
      );
      const plain = await stage.connect(Desk);
      deepEqual(
        [await client.ask("known"), await plain.ask("known"), ran],
        ["cached", "cached", 0],
      );
      equal(await plain.ask("other"), "other");
      equal(ran, 1);
    },
  },
  {
    name: "an interceptor around the handler may refuse, and says whether anything was done",
    play: async (stage) => {
      let ran = 0;
      const guard: Interceptor = (next) => async (input, context) => {
        if (context.headers["authorization"] === undefined)
          throw context.refuse("UNAUTHENTICATED", "who are you?");
        return next(input, context);
      };
      const { client } = await stage.pair(
        Desk,
        {
          ...handlers,
          ask: (input) => {
            ran++;
            return input;
          },
        },
        { aroundHandler: [guard] },
      );
      await fails(client.ask("a"), "UNAUTHENTICATED", "no");
      if (stage.streams) await fails(take(client.items("a")), "UNAUTHENTICATED", "no");
      equal(ran, 0);
      const headers = { authorization: "me" };
      equal(await client.ask("a", { headers }), "a");
      if (stage.streams) deepEqual(await take(client.items("a", { headers })), [1, 2]);
    },
  },
  {
    name: "an interceptor sees the failures of what it stands around, and may try again",
    play: async (stage) => {
      let tries = 0;
      const codes: string[] = [];
      const again: Interceptor = (next) => async (input, context) => {
        try {
          return await next(input, context);
        } catch (error) {
          codes.push((error as { code: string }).code);
          return next(input, context);
        }
      };
      const { client } = await stage.pair(
        Desk,
        {
          ...handlers,
          ask: (input, { errors }) => {
            if (++tries === 1) throw errors.NO();
            return input;
          },
        },
        {},
        { aroundAttempt: [again] },
      );
      equal(await client.ask("a"), "a");
      deepEqual([tries, codes], [2, ["NO"]]);
    },
  },
  {
    name: "streams pass interceptors as their iterables, which may be wrapped",
    when: ({ kinds }) => kinds.includes("stream"),
    play: async (stage) => {
      const ends: string[] = [];
      const tenfold =
        (name: string): Interceptor =>
        (next) =>
        async (input, context) => {
          const items = (await next(input, context)) as AsyncIterable<number> | Iterable<number>;
          if (context.operation.kind !== "stream") return items;
          const wrap = async function* (): AsyncGenerator<number> {
            try {
              for await (const item of items) yield item * 10;
            } finally {
              ends.push(name);
            }
          };
          return wrap();
        };
      const { client } = await stage.pair(
        Desk,
        handlers,
        { aroundHandler: [tenfold("handler")] },
        { aroundCall: [tenfold("call")] },
      );
      deepEqual(await take(client.items("a")), [100, 200]);
      deepEqual(await take(client.items("a"), 1), [100]);
      equal(await client.ask("a"), "a nobody");
      await stage.until(() => ends.length === 4, "all wraps have ended");
      deepEqual(ends.toSorted(), ["call", "call", "handler", "handler"]);
    },
  },
  {
    name: "uploads and duplexes pass interceptors as their items, their head beside them, and both may be exchanged",
    when: ({ kinds }) => kinds.includes("upload") && kinds.includes("duplex"),
    play: async (stage) => {
      const Both = contract(
        "both",
        { version: "1.0.0" },
        {
          put: upload({ head: text, in: number, out: number }),
          swap: duplex({ head: text, in: number, out: number }),
          ask: call({ in: text }),
        },
      );
      const heads: unknown[] = [];
      const ends: string[] = [];
      const tenfold =
        (name: string): Interceptor =>
        (next) =>
        (input, context) => {
          heads.push(context.head);
          if (context.operation.kind === "call") return next(input, context);
          const wrap = async function* (): AsyncGenerator<number> {
            try {
              for await (const item of input as AsyncIterable<number>) yield item * 10;
            } finally {
              ends.push(name);
            }
          };
          return next(wrap(), { ...context, head: `${String(context.head)} ${name}` });
        };
      const { client } = await stage.pair(
        Both,
        {
          put: async (items, { head }) => {
            heads.push(head);
            return new Taker().take(items, 2);
          },
          async *swap(items, { head }) {
            heads.push(head);
            yield* items;
          },
          ask: () => {},
        },
        { aroundHandler: [tenfold("handler")] },
        { aroundCall: [tenfold("call")], aroundAttempt: [tenfold("attempt")] },
      );
      equal(await client.put([1, 2, 3], { head: "a" }), 3_000);
      const passed = ["a", "a call", "a call attempt", "a call attempt handler"];
      deepEqual(heads.splice(0), passed);
      deepEqual(await take(client.swap([1, 2], { head: "a" })), [1_000, 2_000]);
      deepEqual(heads.splice(0), passed);
      await stage.until(() => ends.length === 6, "all wraps have ended");
      await client.ask("a");
      deepEqual(heads, [undefined, undefined, undefined]);
    },
  },
  {
    name: "a stream that an interceptor makes by itself leaves nothing behind on the signal",
    play: async (stage) => {
      const own: Interceptor = () => async () => [7, 8];
      const client = await stage.connect(Desk, { aroundCall: [own] });
      const { signal } = new AbortController();
      const listeners = new Set<unknown>();
      const watched = new Proxy(signal, {
        get: (target, name) => {
          if (name === "addEventListener")
            return (_: string, listen: unknown) => listeners.add(listen);
          if (name === "removeEventListener")
            return (_: string, listen: unknown) => listeners.delete(listen);
          return Reflect.get(target, name, target) as unknown;
        },
      });
      deepEqual(await take(client.items("a", { signal: watched })), [7, 8]);
      equal(listeners.size, 0);
      deepEqual(await take(client.items("a", { signal: watched }), 1), [7]);
      equal(listeners.size, 0);
    },
  },
  {
    name: "giving up reaches an interceptor by its signal",
    play: async (stage) => {
      const reasons: unknown[] = [];
      const waits: Interceptor = () => async (_input, context) => {
        try {
          return await aborted(context.signal);
        } catch (error) {
          reasons.push(error);
          throw context.refuse("CANCELLED", "given up");
        }
      };
      const client = await stage.connect(Desk, { aroundCall: [waits] });
      const controller = new AbortController();
      const asked = client.ask("a", { signal: controller.signal });
      await stage.settle();
      const reason = new Error("enough");
      controller.abort(reason);
      await fails(asked, "CANCELLED", "no");
      deepEqual(reasons, [reason]);
    },
  },
  {
    name: "an exception of a client's interceptor is told with its cause; a wrong context is refused",
    play: async (stage) => {
      const { client } = await stage.pair(
        Desk,
        handlers,
        {},
        {
          aroundCall: [
            (next) => (input, context) => {
              if (input === "throw") throw new Error("an interceptor broke");
              return next(input, input === "wrong" ? ({} as Context) : context);
            },
          ],
        },
      );
      const thrown = await fails(client.ask("throw"), "INTERNAL", "maybe");
      equal((thrown.cause as Error).message, "an interceptor broke");
      const wrong = await fails(client.ask("wrong"), "INTERNAL", "no");
      ok(wrong.advice?.includes("pass on `context`"));
      equal(await client.ask("right"), "right nobody");
    },
  },
];
