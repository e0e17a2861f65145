import { deepEqual, equal, notEqual, ok } from "node:assert/strict";

import { sleep } from "../../base/alarm.ts";
import { beginTrace } from "../../base/trace.ts";
import type { Case } from "./case.ts";

export const answerCases: readonly Case[] = [
  {
    name: "an answer reaches its caller, whatever JSON can say",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair();
      const values = [
        null,
        0,
        -1.5,
        "",
        "text with \u0000, ü, 日本, 😀",
        [],
        {},
        { a: [1, { b: null }], "": "empty name" },
        "x".repeat(10_000),
        "ß".repeat(2_000),
      ];
      for (const value of values) {
        deepEqual(await caller.call(echo, value, stage.attempt()), value);
      }
    },
  },
  {
    name: "nothing is nothing on the other side too",
    play: async (stage) => {
      const { nothing } = stage.operations("suite", 1, { nothing: { kind: "call" } });
      const inputs: unknown[] = [];
      stage.services.answer(nothing, (input) => void inputs.push(input));
      const { caller } = await stage.pair();
      equal(await caller.call(nothing, undefined, stage.attempt()), undefined);
      deepEqual(inputs, [undefined]);
    },
  },
  {
    name: "bytes arrive as they were sent, in memory of the receiver's own",
    play: async (stage) => {
      const terms = { kind: "call", in: "raw", out: "raw" } as const;
      const { echo } = stage.operations("suite", 1, { echo: terms });
      const received: Uint8Array[] = [];
      stage.services.answer(echo, (input) => {
        received.push(input as Uint8Array);
        return input;
      });
      const { caller } = await stage.pair();
      const sizes = [0, 1, 255, 65_535, 65_536, 1_000_000];
      const sent = sizes.map((size) => Buffer.alloc(size, size % 251));
      const answers = await Promise.all(
        sent.map((bytes) => caller.call(echo, bytes, stage.attempt())),
      );
      for (const [index, bytes] of sent.entries()) {
        deepEqual(Buffer.from(received[index]!), bytes);
        deepEqual(Buffer.from(answers[index] as Uint8Array), bytes);
      }
    },
  },
  {
    name: "each of a thousand calls under way gets its own answer, in whatever order they end",
    play: async (stage) => {
      const { slow } = stage.operations("suite", 1, { slow: { kind: "call" } });
      stage.services.answer(slow, async (input) => {
        const number = input as number;
        for (let turns = 0; turns < (number * 7) % 5; turns++) await stage.turn();
        return number * 2;
      });
      const { caller } = await stage.pair();
      const calls = Array.from({ length: 1_000 }, (_, i) => caller.call(slow, i, stage.attempt()));
      deepEqual(
        await Promise.all(calls),
        calls.map((_, i) => i * 2),
      );
    },
  },
  {
    name: "requests begin in the order in which they were made",
    when: ({ shared }) => shared,
    play: async (stage) => {
      const { echo, note } = stage.operations("suite", 1, {
        echo: { kind: "call" },
        note: { kind: "notification" },
      });
      const begun: unknown[] = [];
      stage.services.answer(echo, (input) => void begun.push(input));
      stage.services.answer(note, (input) => void begun.push(input));
      const { caller } = await stage.pair();
      const work = Array.from({ length: 500 }, (_, i) =>
        i % 3 === 0
          ? caller.notify(note, i, stage.attempt())
          : caller.call(echo, i, stage.attempt()),
      );
      await Promise.all(work);
      await stage.until(() => begun.length === work.length, "all have begun");
      deepEqual(
        begun,
        work.map((_, i) => i),
      );
    },
  },
  {
    name: "operations of one name are told apart by contract and by major version",
    play: async (stage) => {
      const names = [
        ["orders", 1],
        ["orders", 2],
        ["billing", 1],
      ] as const;
      const { caller } = await stage.pair();
      const operations = names.map(([contract, major]) => {
        const { which } = stage.operations(contract, major, { which: { kind: "call" } });
        stage.services.answer(which, () => `${contract}@${major}`);
        return which;
      });
      // One after the other: the later ones join a connection that is open.
      for (const [index, operation] of operations.entries()) {
        const [contract, major] = names[index]!;
        equal(await caller.call(operation, undefined, stage.attempt()), `${contract}@${major}`);
      }
    },
  },
  {
    name: "a value whose toJSON makes a call of its own is written whole",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      const value = (): unknown => ({
        toJSON: () => {
          inner.push(caller.call(echo, { inner: inner.length }, stage.attempt()));
          return { outer: "x".repeat(100) };
        },
      });
      const inner: Promise<unknown>[] = [];
      stage.services.answer(echo, (input) =>
        (input as { outer?: string }).outer === undefined ? input : value(),
      );
      const { caller } = await stage.pair();
      deepEqual(await caller.call(echo, value(), stage.attempt()), { outer: "x".repeat(100) });
      deepEqual(await Promise.all(inner), [{ inner: 0 }, { inner: 1 }]);
    },
  },
  {
    name: "the handler learns the peer, the trace and the idempotency key",
    play: async (stage) => {
      const { look } = stage.operations("suite", 1, { look: { kind: "call" } });
      stage.services.answer(look, () => undefined);
      const { caller } = await stage.pair();
      const trace = beginTrace(stage.env);
      await caller.call(look, 0, stage.attempt({ trace, idempotencyKey: "key ü 1" }));
      await caller.call(look, 0, stage.attempt());
      const [first, second] = stage.services.begun;
      equal(first?.trace?.traceparent, trace.traceparent);
      notEqual(second?.trace?.traceparent, trace.traceparent);
      deepEqual([first?.idempotencyKey, second?.idempotencyKey], ["key ü 1", undefined]);
      ok(first.peer.address.length > 0);
    },
  },
  {
    name: "headers arrive, and belong to their own request alone",
    when: ({ headers }) => headers,
    play: async (stage) => {
      const { look } = stage.operations("suite", 1, { look: { kind: "call" } });
      stage.services.answer(look, () => undefined);
      const { caller } = await stage.pair();
      const headers = { tenant: "acme", "x-long": "y".repeat(5_000), empty: "", snow: "❄" };
      await caller.call(look, 0, stage.attempt({ headers }));
      await caller.call(look, 0, stage.attempt());
      deepEqual(
        stage.services.begun.map((incoming) => ({ ...incoming.headers })),
        [headers, {}],
      );
    },
  },
  {
    name: "the handler learns how long the caller waits, without a common clock",
    when: ({ deadline }) => deadline,
    play: async (stage) => {
      const { look, items } = stage.operations("suite", 1, {
        look: { kind: "call" },
        items: { kind: "stream" },
      });
      stage.services.answer(look, () => undefined);
      stage.services.produce(items, async () => {});
      const { caller } = await stage.pair();
      await caller.call(look, 0, stage.attempt({ deadlineMs: 5_000 }));
      const left = stage.services.begun[0]!.deadlineAt - stage.env.now();
      ok(left > 0 && left <= 5_001, `${left} ms are left of 5,000`);
      await sleep(stage.env, 10);
      await caller.call(look, 0, stage.attempt({ deadlineMs: Infinity }));
      equal(stage.services.begun[1]!.deadlineAt, Infinity);
      // 68 years do not fit into the bytes there are: what arrives is long, and not for ever.
      await caller.call(look, 0, stage.attempt({ deadlineMs: 2 ** 41 }));
      ok(stage.services.begun[2]!.deadlineAt - stage.env.now() > 40 * 86_400_000);
      const options = {
        idleMs: Infinity,
        accept: (item: unknown) => item,
        settled: () => undefined,
      };
      const attempt = stage.attempt({ deadlineMs: 5_000, totalMs: 60_000 });
      await caller.stream(items, 0, attempt, options).next();
      const total = stage.services.begun[3]!.totalAt - stage.env.now();
      ok(total > 5_001 && total <= 60_001, `${total} ms are left of 60,000`);
    },
  },
];
