import { deepEqual, equal, ok } from "node:assert/strict";

import { TrunklineError } from "../../base/error.ts";
import type { Case } from "./case.ts";
import { Reading } from "./reading.ts";
import { fails } from "./stage.ts";
import { numbers } from "./streams.ts";

export const boundCases: readonly Case[] = [
  {
    name: "an input or output of the largest size passes; what is larger is refused, and it is told whether the handler ran",
    play: async (stage) => {
      const itemBytesMax = 10_000;
      const terms = { kind: "call", in: "raw", out: "raw" } as const;
      const { echo, size } = stage.operations("suite", 1, {
        echo: terms,
        size: { ...terms, in: "json" },
      });
      stage.services.answer(echo, (input) => input);
      stage.services.answer(size, (input) => Buffer.alloc(input as number));
      const { caller } = await stage.pair({ itemBytesMax }, { itemBytesMax });
      const most = stage.fitting("raw", itemBytesMax);
      const largest = await caller.call(echo, Buffer.alloc(most), stage.attempt());
      equal((largest as Buffer).length, most);
      const tooMuch = caller.call(echo, Buffer.alloc(most + 1), stage.attempt());
      await fails(tooMuch, "RESOURCE_EXHAUSTED", "no");
      await fails(caller.call(size, most + 1, stage.attempt()), "RESOURCE_EXHAUSTED", "yes");
      equal(stage.services.begun.length, 2);
      equal(((await caller.call(size, 3, stage.attempt())) as Buffer).length, 3);
    },
  },
  {
    name: "of two bounds the smaller one counts: what the other side would not take is refused by itself",
    play: async (stage) => {
      const { size, measure, wait } = stage.operations("suite", 1, {
        size: { kind: "call", out: "raw" },
        measure: { kind: "call", in: "raw" },
        wait: { kind: "call" },
      });
      const end = Promise.withResolvers<string>();
      stage.services.answer(size, (bytes) => Buffer.alloc(bytes as number));
      stage.services.answer(measure, (input) => (input as Buffer).length);
      stage.services.answer(wait, () => end.promise);
      const [few, many] = [1_000, 1_000_000];
      await stage.listen({ itemBytesMax: few });
      const caller = stage.connect({ itemBytesMax: many });
      const other = caller.call(wait, 0, stage.attempt());
      // What the server takes is known with the first that comes from it.
      await caller.call(size, 1, stage.attempt());
      const most = stage.fitting("raw", few);
      const large = caller.call(measure, Buffer.alloc(most + 1), stage.attempt());
      await fails(large, "RESOURCE_EXHAUSTED", "no");
      equal(await caller.call(measure, Buffer.alloc(most), stage.attempt()), most);
      end.resolve("still here");
      equal(await other, "still here");
    },
  },
  {
    name: "a caller that takes less than its server sends is told so, and keeps its connection",
    play: async (stage) => {
      const { size, blocks } = stage.operations("suite", 1, {
        size: { kind: "call", out: "raw" },
        blocks: { kind: "stream", out: "raw" },
      });
      stage.services.answer(size, (bytes) => Buffer.alloc(bytes as number));
      stage.services.produce(blocks, async (bytes, _incoming, sink) =>
        sink.put(Buffer.alloc(bytes as number)),
      );
      const { caller } = await stage.pair({ itemBytesMax: 1_000_000 }, { itemBytesMax: 1_000 });
      const call = caller.call(size, 500_000, stage.attempt());
      await fails(call, "RESOURCE_EXHAUSTED", "yes");
      const { stream } = new Reading(caller, blocks, 500_000, stage.attempt());
      const told = stage.protocol.capabilities.bounds;
      await fails(stream.next(), "RESOURCE_EXHAUSTED", told ? "yes" : "maybe");
      const most = stage.fitting("raw", 1_000);
      equal(((await caller.call(size, most, stage.attempt())) as Buffer).length, most);
    },
  },
  {
    name: "text is measured as it is written, not by its characters",
    play: async (stage) => {
      const itemBytesMax = 9_000;
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair({ itemBytesMax }, { itemBytesMax });
      const fits = "x".repeat(stage.fitting("text", itemBytesMax));
      equal(await caller.call(echo, fits, stage.attempt()), fits);
      await fails(caller.call(echo, `${fits}x`, stage.attempt()), "RESOURCE_EXHAUSTED", "no");
      await fails(
        caller.call(echo, "€".repeat(3_000), stage.attempt()),
        "RESOURCE_EXHAUSTED",
        "no",
      );
    },
  },
  {
    name: "an error too large to send is told as such, small bounds or large",
    play: async (stage) => {
      const { fail } = stage.operations("suite", 1, {
        fail: { kind: "call", errors: ["SOLD_OUT"] },
      });
      stage.services.answer(fail, (bytes) => {
        const data = "x".repeat(bytes as number);
        throw new TrunklineError("SOLD_OUT", "nothing left", {
          executed: "yes",
          declared: true,
          data,
        });
      });
      const itemBytesMax = 1_000;
      const { caller } = await stage.pair({ itemBytesMax }, { itemBytesMax });
      const whole = await fails(caller.call(fail, 20_000, stage.attempt()), "SOLD_OUT", "yes");
      equal((whole.data as string).length, 20_000);
      await fails(caller.call(fail, 5_000_000, stage.attempt()), "RESOURCE_EXHAUSTED", "yes");
      await fails(caller.call(fail, 10, stage.attempt()), "SOLD_OUT", "yes");
    },
  },
  {
    name: "answers and items that are together more than a connection holds wait for each other, and all arrive",
    play: async (stage) => {
      const { large, blocks } = stage.operations("suite", 1, {
        large: { kind: "call", out: "raw" },
        blocks: { kind: "stream", out: "raw" },
      });
      const megabyte = Buffer.alloc(1_000_000, 1);
      stage.services.answer(large, () => megabyte);
      stage.services.produce(blocks, async (_input, _incoming, sink) => {
        for (let index = 0; index < 3; index++) {
          while (!sink.ready) await sink.whenReady();
          sink.put(megabyte);
        }
      });
      const { caller } = await stage.pair();
      const calls = numbers(70).map(() => caller.call(large, 0, stage.attempt()));
      const streams = numbers(10).map(() => new Reading(caller, blocks, 0, stage.attempt()).all());
      for (const answer of await Promise.all(calls)) ok(megabyte.equals(answer as Buffer));
      for (const items of await Promise.all(streams)) equal(items.length, 3);
    },
  },
  {
    name: "a server takes as many requests of a connection as it may; one more did not run, and may come again",
    when: ({ shared }) => shared,
    play: async (stage) => {
      const { wait } = stage.operations("suite", 1, { wait: { kind: "call" } });
      const end = Promise.withResolvers<void>();
      stage.services.answer(wait, () => end.promise);
      const { caller, server } = await stage.pair({ inFlightMax: 5 });
      const calls = Array.from({ length: 5 }, () => caller.call(wait, 0, stage.attempt()));
      await fails(caller.call(wait, 0, stage.attempt()), "RESOURCE_EXHAUSTED", "no");
      deepEqual([server.inFlight, stage.services.begun.length], [5, 5]);
      end.resolve();
      await Promise.all(calls);
      await caller.call(wait, 0, stage.attempt());
      equal(server.inFlight, 0);
    },
  },
  {
    name: "a caller sends as many requests at once as it may; one more never leaves",
    play: async (stage) => {
      const { wait } = stage.operations("suite", 1, { wait: { kind: "call" } });
      const end = Promise.withResolvers<void>();
      stage.services.answer(wait, () => end.promise);
      const { caller } = await stage.pair({}, { outstandingMax: 3 });
      const calls = Array.from({ length: 3 }, () => caller.call(wait, 0, stage.attempt()));
      await fails(caller.call(wait, 0, stage.attempt()), "RESOURCE_EXHAUSTED", "no");
      await stage.until(() => stage.services.begun.length === 3, "three have begun");
      await fails(caller.call(wait, 0, stage.attempt()), "RESOURCE_EXHAUSTED", "no");
      end.resolve();
      await Promise.all(calls);
      await caller.call(wait, 0, stage.attempt());
    },
  },
];
