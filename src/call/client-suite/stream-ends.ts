import { deepEqual, equal, match, ok } from "node:assert/strict";

import type { Context } from "../../base/handler.ts";
import { contract, stream } from "../../contract/index.ts";
import type { Case } from "./case.ts";
import { Feed, Producer } from "./producer.ts";
import { any, number, text } from "./schemas.ts";
import { fails, take, outOfTime } from "./stage.ts";

export const streamEndCases: readonly Case[] = [
  {
    name: "an error comes after the items before it, declared or not",
    play: async (stage) => {
      const { client } = await stage.pair(Feed, {
        *read(input, { errors }) {
          yield 1;
          yield 2;
          if (input === "declared") throw errors.GONE(2);
          throw new Error("hunter2");
        },
      });
      for (const [input, code] of [
        ["declared", "GONE"],
        ["other", "INTERNAL"],
      ] as const) {
        const items = client.read(input);
        await stage.settle();
        deepEqual([(await items.next()).value, (await items.next()).value], [1, 2]);
        const error = await fails(items.next(), code, "yes");
        equal(error.operation, "feed.read");
        equal(error.data, code === "GONE" ? 2 : undefined);
        ok(!error.message.includes("hunter2"));
        deepEqual(await items.next(), { done: true, value: undefined });
      }
      equal(stage.incidents.length, 1);
    },
  },
  {
    name: "a stream that is refused or whose input is wrong gives no item, and never ran",
    play: async (stage) => {
      let ran = 0;
      const { client } = await stage.pair(Feed, {
        read: (_input, context) => {
          ran++;
          throw context.refuse("PERMISSION_DENIED", "not for you");
        },
      });
      await fails(take(client.read("a")), "PERMISSION_DENIED", "no");
      equal(ran, 1);
      const trusting = await stage.connect(Feed, { checkSent: false });
      await fails(take(client.read(7 as unknown as string)), "INVALID_ARGUMENT", "no");
      await fails(take(trusting.read(7 as unknown as string)), "INVALID_ARGUMENT", "no");
      equal(ran, 1);
    },
  },
  {
    name: "an item that breaks the contract is the producer's fault: it is reported, and the producer ends",
    play: async (stage) => {
      const ends: string[] = [];
      const Loose = contract(
        "loose",
        { version: "1.0.0" },
        { read: stream({ in: text, out: any<unknown>() }) },
      );
      async function* items(bad: unknown): AsyncGenerator<never> {
        try {
          yield 1 as never;
          yield bad as never;
          yield 3 as never;
        } finally {
          ends.push("ended");
        }
      }
      const { client } = await stage.pair(Feed, { read: () => items("two") });
      const error = await fails(take(client.read("a")), "INTERNAL", "yes");
      equal(error.id, stage.incidents[0]?.id);
      match(String(stage.incidents[0]?.error), /an item does not match the contract/);
      await stage.serve({ contract: Loose, handlers: { read: () => items(7n) } }, {}, "loose");
      const loose = await stage.connect(Loose, {}, "loose");
      const unwritable = await fails(take(loose.read("a")), "INTERNAL", "yes");
      deepEqual([unwritable.id, stage.incidents.length], [stage.incidents[1]?.id, 2]);
      deepEqual(ends, ["ended", "ended"]);
    },
  },
  {
    name: "an item that is too large ends the stream and says so, and is no incident",
    play: async (stage) => {
      const Large = contract("large", { version: "1.0.0" }, { read: stream({ out: text }) });
      const { client } = await stage.pair(Large, {
        *read() {
          yield "small";
          yield "x".repeat(5 * 1024 * 1024);
        },
      });
      const items = client.read();
      equal((await items.next()).value, "small");
      const error = await fails(items.next(), "RESOURCE_EXHAUSTED", "yes");
      match(error.reason, /takes 5242882 bytes, 4194304 are allowed/);
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "a reader that refuses an item stops the producer",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const Other = contract(
        "feed",
        { version: "1.0.0" },
        { read: stream({ in: text, out: text }) },
      );
      const producer = new Producer();
      await stage.serve({ contract: Feed, handlers: producer });
      const client = await stage.connect(Other);
      const items = client.read("a");
      const error = await fails(items.next(), "INTERNAL", "maybe");
      match(
        error.message,
        /^INTERNAL feed\.read → .*an item does not match the contract: expected text/,
      );
      equal((await items.next()).done, true);
      await producer.ended(stage);
    },
  },
  {
    name: "the deadline of a stream is for its first item; idle and total are asked for",
    when: ({ cancel }) => cancel,
    play: async (stage) => {
      const Slow = contract(
        "slow",
        { version: "1.0.0" },
        {
          first: stream({ out: number, deadline: "250ms" }),
          pauses: stream({ out: number, idle: "250ms" }),
          steady: stream({ out: number }),
        },
      );
      const pause = async (ms: number, { signal }: Context): Promise<void> => {
        await stage.sleep(ms);
        signal.throwIfAborted();
      };
      const { client } = await stage.pair(Slow, {
        async *first(_input, context) {
          await pause(400, context);
          yield 1;
        },
        async *pauses(_input, context) {
          yield 1;
          yield 2;
          await pause(400, context);
          yield 3;
        },
        async *steady(_input, context) {
          for (let i = 0; i < 12; i++) {
            await pause(20, context);
            yield i;
          }
        },
      });
      await outOfTime(stage, client.first().next());
      deepEqual(await take(client.first(undefined, { deadline: "5s" })), [1]);
      const pauses = client.pauses();
      deepEqual([(await pauses.next()).value, (await pauses.next()).value], [1, 2]);
      await outOfTime(stage, pauses.next());
      deepEqual(await take(client.pauses(undefined, { idle: "5s" })), [1, 2, 3]);
      deepEqual((await take(client.steady(undefined, { deadline: 200 }))).length, 12);
      const begun = stage.env.now();
      await outOfTime(stage, take(client.steady(undefined, { total: 200 })));
      ok(stage.env.now() - begun >= 200);
    },
  },
  {
    name: "the total of a stream is its handler's deadline",
    when: ({ deadline }) => deadline,
    play: async (stage) => {
      const producer = new Producer();
      const { client } = await stage.pair(Feed, producer);
      await outOfTime(stage, take(client.read("silent", { total: 300 })));
      const [context] = producer.contexts;
      await stage.until(() => context!.signal.aborted, "the signal is aborted");
      ok(context!.deadline.at < Infinity);
      await producer.ended(stage);
    },
  },
];
