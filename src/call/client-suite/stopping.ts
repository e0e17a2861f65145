import { deepEqual, equal } from "node:assert/strict";

import { call, contract, duplex, stream, upload } from "../../contract/index.ts";
import { serve } from "../serve.ts";
import type { Case } from "./case.ts";
import { number, text } from "./schemas.ts";
import { aborted, fails, take } from "./stage.ts";
import { Supplier } from "./supplier.ts";
import { Taker } from "./taker.ts";

const Desk = contract(
  "desk",
  { version: "1.0.0" },
  { ask: call({ in: text, out: text }), items: stream({ out: number }) },
);

const Both = contract(
  "both",
  { version: "1.0.0" },
  { put: upload({ in: number, out: number }), swap: duplex({ in: number, out: number }) },
);

export const stoppingCases: readonly Case[] = [
  {
    name: "what stops answers what is under way, and calls made meanwhile wait for its successor",
    when: ({ kinds }) => kinds.includes("stream"),
    play: async (stage) => {
      const end = Promise.withResolvers<void>();
      let begun = 0;
      const handlers = {
        ask: async (input: string) => {
          begun++;
          if (input === "slow") await end.promise;
          return input;
        },
        async *items() {
          begun++;
          yield 1;
          await end.promise;
          yield 2;
        },
      };
      const { client, serving } = await stage.pair(
        Desk,
        handlers,
        { drain: "30s" },
        { connectWait: "10s" },
      );
      const slow = client.ask("slow");
      const items = take(client.items());
      await stage.until(() => begun === 2, "both have begun");
      const stopped = serving.stop();
      await stage.settle();
      const later = client.ask("later");
      end.resolve();
      deepEqual([await slow, await items], ["slow", [1, 2]]);
      equal(await stopped, 0);
      await stage.serve(serve(Desk, handlers));
      equal(await later, "later");
    },
  },
  {
    name: "what is cut says maybe, and its handlers are told by their signal",
    when: ({ kinds }) => kinds.includes("stream"),
    play: async (stage) => {
      let told = 0;
      const { client, serving } = await stage.pair(
        Desk,
        {
          ask: (_input, { signal }) => {
            signal.addEventListener("abort", () => told++);
            return aborted(signal);
          },
          async *items(_input, { signal }) {
            yield 1;
            await aborted(signal).finally(() => told++);
          },
        },
        { drain: 40 },
      );
      const asked = client.ask("a");
      const items = client.items();
      await items.next();
      await stage.until(() => serving.inFlight === 2, "both are under way");
      const failed = [
        fails(asked, "UNAVAILABLE", "maybe"),
        fails(items.next(), "UNAVAILABLE", "maybe"),
      ];
      equal(await serving.stop(), 2);
      await Promise.all(failed);
      await stage.until(() => told === 2, "both handlers were told");
      equal(stage.incidents.length, 0);
    },
  },
  {
    name: "a client that is disposed cancels what is under way, and takes nothing more",
    play: async (stage) => {
      const { client, serving } = await stage.pair(Desk, {
        ask: (_input, { signal }) => aborted(signal),
        items: () => [1],
      });
      const asked = client.ask("a", { deadline: "2s" });
      await stage.until(() => serving.inFlight === 1, "it is under way");
      const failed = fails(asked, "CANCELLED", "maybe");
      await (client as unknown as AsyncDisposable)[Symbol.asyncDispose]();
      await failed;
      await fails(client.ask("a"), "CANCELLED", "no");
      if (stage.streams) await fails(take(client.items()), "CANCELLED", "no");
      await stage.until(() => serving.inFlight === 0, "its handler has ended");
    },
  },
  {
    name: "what stops lets uploads and duplexes end, and a client that is closed lets nothing half sent look whole",
    when: ({ kinds, cancel }) => kinds.includes("upload") && kinds.includes("duplex") && cancel,
    play: async (stage) => {
      const taker = new Taker();
      const { client, serving } = await stage.pair(
        Both,
        {
          put: (items) => taker.take(items),
          async *swap(items) {
            for await (const item of items) yield item;
          },
        },
        { drain: "30s" },
        { connectWait: "10s" },
      );
      const end = Promise.withResolvers<void>();
      const slowly = async function* (): AsyncGenerator<number> {
        yield 1;
        await end.promise;
        yield 2;
      };
      const put = client.put(slowly());
      const swapped = take(client.swap(slowly()));
      await stage.until(
        () => taker.taken.length === 1 && serving.inFlight === 2,
        "both have begun",
      );
      const stopped = serving.stop();
      await stage.settle();
      end.resolve();
      deepEqual([await put, await swapped, await stopped], [3, [1, 2], 0]);
      deepEqual(taker.ends, ["complete"]);
      await (client as unknown as AsyncDisposable)[Symbol.asyncDispose]();
      const supplier = new Supplier();
      await fails(client.put(supplier.waiting(1)), "CANCELLED", "no");
      await fails(client.swap(supplier.waiting(1)).next(), "CANCELLED", "no");
      deepEqual(supplier.ends, []);
    },
  },
  {
    name: "over a bound a call is refused, and may be made again",
    when: (_capabilities, { queued }) => queued !== true,
    play: async (stage) => {
      const end = Promise.withResolvers<void>();
      let ran = 0;
      const { client } = await stage.pair(
        Desk,
        {
          ask: async (input) => {
            ran++;
            await end.promise;
            return input;
          },
          items: () => [],
        },
        { inFlightMax: 3 },
        { outstandingMax: 5 },
      );
      const calls = ["a", "b", "c"].map((input) => client.ask(input));
      await stage.until(() => ran === 3, "three have begun");
      await fails(client.ask("d"), "RESOURCE_EXHAUSTED", "no");
      const few = await stage.connect(Desk, { outstandingMax: 1 });
      const one = few.ask("e");
      const refused = await fails(few.ask("f"), "RESOURCE_EXHAUSTED", "no");
      equal(refused.operation, "desk.ask");
      end.resolve();
      deepEqual(await Promise.all([...calls, one]), ["a", "b", "c", "e"]);
      equal(await few.ask("g"), "g");
    },
  },
];
