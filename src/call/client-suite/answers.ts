import { deepEqual, equal, ok } from "node:assert/strict";

import { isTrunklineError } from "../../base/error.ts";
import { bytes, call, contract, notification, stream } from "../../contract/index.ts";
import type { Case } from "./case.ts";
import { any, number, text } from "./schemas.ts";
import { fails, take } from "./stage.ts";

const Desk = contract(
  "desk",
  { version: "1.2.0" },
  {
    greet: call({ in: text, out: text, errors: { RUDE: text, QUIET: undefined } }),
    count: stream({ in: number, out: number }),
    tell: notification({ in: text }),
    rest: call(),
  },
);

export const answerCases: readonly Case[] = [
  {
    name: "a call answers, a stream gives items, a notification arrives, and nothing is nothing",
    play: async (stage) => {
      const told: string[] = [];
      const { client } = await stage.pair(Desk, {
        greet: (name) => `hello ${name}`,
        async *count(to) {
          for (let i = 1; i <= to; i++) yield i;
        },
        tell: (what) => void told.push(what),
        rest: () => {},
      });
      equal(await client.greet("you"), "hello you");
      if (stage.streams) deepEqual(await take(client.count(5)), [1, 2, 3, 4, 5]);
      equal(await client.tell("news"), undefined);
      equal(await client.rest(), undefined);
      await stage.until(() => told.length === 1, "it was told");
      deepEqual(told, ["news"]);
    },
  },
  {
    name: "the result of a call is a value, whether it succeeds or fails",
    play: async (stage) => {
      const { client } = await stage.pair(Desk, {
        greet: (name, { errors }) => {
          if (name === "") throw errors.RUDE("say your name");
          if (name === "?") throw errors.QUIET();
          if (name === "!") throw new Error("it broke");
          return `hello ${name}`;
        },
        count: () => [],
        tell: () => {},
        rest: () => {},
      });
      deepEqual(await client.greet.result("you"), { ok: true, value: "hello you" });
      const rude = await client.greet.result("");
      ok(!rude.ok && isTrunklineError(rude.error) && rude.error.code === "RUDE");
      deepEqual(
        [rude.error.data, rude.error.executed, rude.error.declared],
        ["say your name", "yes", true],
      );
      const quiet = await client.greet.result("?");
      ok(!quiet.ok && quiet.error.code === "QUIET");
      equal(quiet.error.data, undefined);
      const broken = await client.greet.result("!");
      ok(!broken.ok && broken.error.code === "INTERNAL");
      const wrong = await client.greet.result(7 as unknown as string);
      ok(!wrong.ok && wrong.error.code === "INVALID_ARGUMENT");
    },
  },
  {
    name: "an instance of a class serves: its methods are called on it, and found anew for each call",
    play: async (stage) => {
      class Host {
        greeting = "hello";
        greet(name: string): string {
          return `${this.greeting} ${name}`;
        }
        *count(to: number): Iterable<number> {
          yield to;
        }
        async tell(what: string): Promise<void> {
          this.greeting = what;
        }
        rest(): void {}
      }
      const host = new Host();
      const { client } = await stage.pair(Desk, host);
      equal(await client.greet("you"), "hello you");
      await client.tell("good day");
      equal(await client.greet("you"), "good day you");
      host.greet = () => "nothing to say";
      equal(await client.greet("you"), "nothing to say");
    },
  },
  {
    name: "a client is a plain frozen object that can be awaited, spread and listed",
    play: async (stage) => {
      const client = await stage.connect(Desk);
      equal(await Promise.resolve(client), client);
      deepEqual(Object.keys(client), ["greet", "count", "tell", "rest"]);
      ok(Object.isFrozen(client) && Object.isFrozen(client.greet));
      equal("then" in client, false);
      deepEqual(Object.keys({ ...client }), Object.keys(client));
    },
  },
  {
    name: "bytes and JSON may each go one way",
    play: async (stage) => {
      const Store = contract(
        "store",
        { version: "1.0.0" },
        {
          put: call({ in: bytes({ max: 70_000 }), out: number }),
          get: call({ in: number, out: bytes() }),
          chunks: stream({ in: number, out: bytes() }),
        },
      );
      const { client } = await stage.pair(Store, {
        put: (data) => data.length,
        get: (size) => new Uint8Array(size).fill(7),
        *chunks(size) {
          for (let i = 0; i < 3; i++) yield new Uint8Array(size).fill(i);
        },
      });
      equal(await client.put(new Uint8Array(65_536)), 65_536);
      await fails(client.put(new Uint8Array(70_001)), "INVALID_ARGUMENT", "no");
      deepEqual([...(await client.get(3))], [7, 7, 7]);
      if (!stage.streams) return;
      const chunks = await take(client.chunks(2));
      deepEqual(
        chunks.map((chunk) => [...chunk]),
        [
          [0, 0],
          [1, 1],
          [2, 2],
        ],
      );
    },
  },
  {
    name: "what one side declares and the other does not is dropped, and they understand each other",
    play: async (stage) => {
      const Old = contract("desk", { version: "1.0.0" }, { ask: call({ out: any<object>() }) });
      const New = contract(
        "desk",
        { version: "1.1.0" },
        {
          added: call(),
          ask: call({ in: any<{ more: number } | void>(), out: any<object>() }),
        },
      );
      const seen: unknown[] = [];
      await stage.serve({
        contract: New,
        handlers: {
          added: () => {},
          ask: (input: unknown) => {
            seen.push(input);
            return { answer: 1, more: 2 };
          },
        },
      });
      const client = await stage.connect(Old);
      deepEqual(await client.ask(), { answer: 1, more: 2 });
      deepEqual([...seen], [undefined]);
      // And the other way: the old one serves, the new one asks.
      await stage.serve(
        {
          contract: Old,
          handlers: {
            ask: (input: unknown) => {
              seen.push(input);
              return { answer: 1 };
            },
          },
        },
        {},
        "old",
      );
      const newer = await stage.connect(New, {}, "old");
      deepEqual(await newer.ask({ more: 1 }), { answer: 1 });
      deepEqual([...seen], [undefined, undefined]);
      await fails(newer.added(), "UNIMPLEMENTED", "no");
    },
  },
  {
    name: "several contracts are served at one place, also two majors of one",
    play: async (stage) => {
      const first = contract("desk", { version: "1.9.0" }, { ask: call({ out: text }) });
      const second = contract("desk", { version: "2.0.0" }, { ask: call({ out: text }) });
      const other = contract("other", { version: "1.0.0" }, { ask: call({ out: text }) });
      await stage.serve([
        { contract: first, handlers: { ask: () => "first" } },
        { contract: second, handlers: { ask: () => "second" } },
        { contract: other, handlers: { ask: () => "other" } },
      ]);
      for (const [asked, answer] of [
        [first, "first"],
        [second, "second"],
        [other, "other"],
      ] as const) {
        equal(await (await stage.connect(asked)).ask(), answer);
      }
    },
  },
];
