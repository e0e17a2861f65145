import { deepEqual, equal, ok } from "node:assert/strict";

import type { CallEvent } from "../../base/diagnostics.ts";
import type { Context } from "../../base/handler.ts";
import { call, contract, duplex, notification, stream, upload } from "../../contract/index.ts";
import type { Case } from "./case.ts";
import { Ear } from "./ear.ts";
import { number, text } from "./schemas.ts";
import { failureOf, take, type Stage } from "./stage.ts";
import { Taker } from "./taker.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  {
    ask: call({ in: text, out: text, errors: { NO: undefined } }),
    items: stream({ in: text, out: number, errors: { NO: undefined } }),
    tell: notification({ in: text }),
  },
);

const Both = contract(
  "both",
  { version: "1.0.0" },
  { put: upload({ in: number, out: number }), swap: duplex({ in: number, out: number }) },
);

function told(events: readonly CallEvent[]): string[] {
  return events.map(({ side, operation, code }) => `${side} ${operation} ${code}`);
}

export const observingCases: readonly Case[] = [
  {
    name: "every call, notification and stream is told once on each side, in one trace, with what came of it",
    play: (stage) =>
      Ear.listen(async (ear) => {
        const contexts: Context[] = [];
        const { client } = await stage.pair(Desk, {
          ask: (input, context) => {
            contexts.push(context);
            if (input === "no") throw context.errors.NO();
            if (input === "broken") throw new Error("it broke");
            return input;
          },
          *items(input, context) {
            contexts.push(context);
            yield 1;
            if (input === "no") throw context.errors.NO();
          },
          tell: (_input, context) => void contexts.push(context),
        });
        await client.ask("a");
        await failureOf(client.ask("no"));
        await failureOf(client.ask("broken"));
        await client.tell("a");
        if (stage.streams) {
          await take(client.items("a"));
          await failureOf(take(client.items("no")));
        }
        const streams = stage.streams ? 4 : 0;
        await stage.until(
          () => ear.calls.length === 8 && ear.streams.length === streams,
          "all is told",
        );
        deepEqual(told(ear.calls).toSorted(), [
          "client desk.ask INTERNAL",
          "client desk.ask NO",
          "client desk.ask OK",
          "client desk.tell OK",
          "server desk.ask INTERNAL",
          "server desk.ask NO",
          "server desk.ask OK",
          "server desk.tell OK",
        ]);
        const streamed = [
          "client desk.items NO",
          "client desk.items OK",
          "server desk.items NO",
          "server desk.items OK",
        ];
        deepEqual(told(ear.streams).toSorted(), streamed.slice(0, streams));
        for (const { trace } of contexts) {
          const sides = [...ear.calls, ...ear.streams].filter(
            ({ traceparent }) => traceparent === trace.traceparent,
          );
          deepEqual(sides.map(({ side }) => side).toSorted(), ["client", "server"]);
        }
        for (const { durationMs, endpoint } of [...ear.calls, ...ear.streams]) {
          ok(durationMs >= 0 && endpoint.length > 0);
        }
      }),
  },
  {
    name: "a stream that its reader gives up is told as such on the server's side",
    when: ({ cancel }) => cancel,
    play: (stage) =>
      Ear.listen(async (ear) => {
        const { client } = await stage.pair(Desk, {
          ask: (input) => input,
          *items() {
            for (;;) yield 1;
          },
          tell: () => {},
        });
        await take(client.items("a"), 3);
        await stage.until(() => ear.streams.length === 2, "both sides are told");
        deepEqual(told(ear.streams).toSorted(), [
          "client desk.items OK",
          "server desk.items CANCELLED",
        ]);
      }),
  },
  {
    name: "every upload and duplex is told once on each side as what lasts, in one trace, with what came of it",
    when: ({ kinds, cancel }) => kinds.includes("upload") && kinds.includes("duplex") && cancel,
    play: (stage) =>
      Ear.listen(async (ear) => {
        const traces: string[] = [];
        const sum = (items: AsyncIterable<number>, { trace }: Context): Promise<number> => {
          traces.push(trace.traceparent);
          return new Taker().take(items);
        };
        const { client } = await stage.pair(Both, {
          put: sum,
          async *swap(items, context) {
            yield await sum(items, context);
          },
        });
        const trusting = await stage.connect(Both, { checkSent: false });
        const broken = function* (): Generator<number> {
          yield 1;
          throw new Error("the disk broke");
        };
        const wrong = [1, "two"] as unknown as number[];
        await client.put([1, 2]);
        await failureOf(client.put(broken()));
        await failureOf(trusting.put(wrong));
        await take(client.swap([1, 2]));
        await failureOf(take(client.swap(broken())));
        await failureOf(take(trusting.swap(wrong)));
        await stage.until(() => ear.streams.length === 12, "all is told");
        deepEqual(told(ear.streams).toSorted(), [
          "client both.put CANCELLED",
          "client both.put INVALID_ARGUMENT",
          "client both.put OK",
          "client both.swap CANCELLED",
          "client both.swap INVALID_ARGUMENT",
          "client both.swap OK",
          "server both.put CANCELLED",
          "server both.put INVALID_ARGUMENT",
          "server both.put OK",
          "server both.swap CANCELLED",
          "server both.swap INVALID_ARGUMENT",
          "server both.swap OK",
        ]);
        for (const trace of traces)
          equal(ear.streams.filter(({ traceparent }) => traceparent === trace).length, 2);
        deepEqual([ear.calls.length, ear.refusals.length, stage.incidents.length], [0, 0, 0]);
      }),
  },
  {
    name: "what is refused before its handler ran is told with its reason",
    play: (stage) =>
      Ear.listen(async (ear) => {
        const { client } = await stage.pair(
          Desk,
          {
            ask: (_input, context) => {
              throw context.refuse("PERMISSION_DENIED", "not you");
            },
            items: () => [],
            tell: () => {},
          },
          {},
          { checkSent: false },
        );
        await failureOf(client.ask(7 as unknown as string));
        await failureOf(client.ask("a"));
        await stage.until(() => ear.refusals.length === 2, "both are told");
        deepEqual(
          ear.refusals.map(({ operation, code }) => `${operation} ${code}`),
          ["desk.ask INVALID_ARGUMENT", "desk.ask PERMISSION_DENIED"],
        );
        equal(ear.refusals[1]!.reason, "not you");
      }),
  },
  {
    name: "connections are told from their opening to their close, on both sides",
    when: (_capabilities, { queued }) => queued !== true,
    play: (stage) => Ear.listen((ear) => connections(stage, ear)),
  },
  {
    name: "what a handler asks is told as its child, and what nobody served asked is nobody's",
    when: ({ kinds }) => kinds.includes("stream"),
    play: (stage) =>
      Ear.listen(async (ear) => {
        const { client } = await stage.pair(Desk, {
          ask: async (input): Promise<string> => (input === "outer" ? client.ask("inner") : input),
          items: () => [],
          async tell(): Promise<void> {
            await take(client.items("a"));
          },
        });
        await client.ask("outer");
        await client.tell("a");
        await stage.until(() => ear.calls.length === 6 && ear.streams.length === 2, "all is told");
        const of = (events: readonly CallEvent[], side: CallEvent["side"]): CallEvent[] =>
          events.filter((event) => event.side === side);
        // The inner call ends first.
        const [inner, outer, telling] = of(ear.calls, "client");
        const [reading] = of(ear.streams, "client");
        deepEqual([outer!.parent, telling!.parent], [undefined, undefined]);
        equal(inner!.parent, outer!.traceparent);
        equal(reading!.parent, telling!.traceparent);
      }),
  },
  {
    name: "work that is no part of a trace any more is linked to it",
    play: (stage) =>
      Ear.listen(async (ear) => {
        const later = Promise.withResolvers<void>();
        let own: Promise<unknown> | undefined;
        const { client } = await stage.pair(Desk, {
          ask: (input) => {
            if (input !== "first") return input;
            own = later.promise.then(() => client.ask("second"));
            return input;
          },
          items: () => [],
          tell: () => {},
        });
        await client.ask("first");
        later.resolve();
        await own;
        const [first, second] = ear.calls.filter(({ side }) => side === "client");
        equal(first!.link, undefined);
        equal(second!.link, first!.traceparent);
      }),
  },
];

async function connections(stage: Stage, ear: Ear): Promise<void> {
  const { client, serving } = await stage.pair(Desk, {
    ask: (input) => input,
    items: () => [],
    tell: () => {},
  });
  await client.ask("a");
  await serving.stop();
  const states = (side: "client" | "server"): string[] =>
    ear.connections.filter((event) => event.side === side).map(({ state }) => state);
  const closed = (): boolean =>
    states("client").includes("closed") && states("server").includes("closed");
  await stage.until(closed, "both sides are closed");
  for (const side of ["client", "server"] as const) {
    const all = states(side);
    deepEqual([all[0], all.at(-1)], ["open", "closed"]);
    equal(all.filter((state) => state === "open" || state === "closed").length, 2);
  }
}
