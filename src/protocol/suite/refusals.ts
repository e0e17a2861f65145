import { deepEqual, equal, match, ok } from "node:assert/strict";

import { systemError, TrunklineError } from "../../base/error.ts";
import type { Executed } from "../../base/outcome.ts";
import type { Case } from "./case.ts";
import { failureOf, fails } from "./stage.ts";

export const refusalCases: readonly Case[] = [
  {
    name: "what a handler fails with arrives as it was said, for each value of executed",
    when: ({ executed }) => executed,
    play: async (stage) => {
      const { fail } = stage.operations("suite", 1, { fail: { kind: "call" } });
      stage.services.answer(fail, (executed) => {
        throw systemError("PERMISSION_DENIED", "not you", {
          executed: executed as Executed,
          advice: "ask somebody else",
          id: "report-7",
          cause: { operation: "stock.take", code: "UNAVAILABLE", secret: "kept at home" },
        });
      });
      const { caller } = await stage.pair();
      for (const executed of ["no", "maybe", "yes"] as const) {
        const error = await fails(
          caller.call(fail, executed, stage.attempt()),
          "PERMISSION_DENIED",
          executed,
        );
        deepEqual(
          [error.reason, error.advice, error.id, error.declared, error.cause],
          [
            "not you",
            "ask somebody else",
            "report-7",
            false,
            { operation: "stock.take", code: "UNAVAILABLE" },
          ],
        );
      }
    },
  },
  {
    name: "a declared error arrives with its data",
    play: async (stage) => {
      const { fail } = stage.operations("suite", 1, {
        fail: { kind: "call", errors: ["SOLD_OUT"] },
      });
      stage.services.answer(fail, (data) => {
        throw new TrunklineError("SOLD_OUT", "nothing left", {
          executed: "yes",
          declared: true,
          data,
        });
      });
      const { caller } = await stage.pair();
      for (const data of [{ item: "kettle", left: 0 }, "text", null, undefined, [1]]) {
        const error = await fails(caller.call(fail, data, stage.attempt()), "SOLD_OUT", "yes");
        deepEqual([error.declared, error.data], [true, data]);
      }
    },
  },
  {
    name: "neither stack nor cause leaves the process",
    play: async (stage) => {
      const { fail } = stage.operations("suite", 1, { fail: { kind: "call" } });
      stage.services.answer(fail, () => {
        const cause = new Error("the password is hunter2");
        throw systemError("INTERNAL", "it failed", { executed: "yes", cause });
      });
      const { caller } = await stage.pair();
      const error = await fails(caller.call(fail, 0, stage.attempt()), "INTERNAL", "yes");
      ok(!JSON.stringify([error.message, error.cause, error]).includes("hunter2"));
    },
  },
  {
    name: "an operation that nobody serves is UNIMPLEMENTED and did not run: unknown, of another contract, of another major",
    play: async (stage) => {
      const { known } = stage.operations("suite", 1, { known: { kind: "call" } });
      stage.services.answer(known, () => "here");
      const { caller } = await stage.pair();
      const strangers = [
        stage.operations("suite", 1, { other: { kind: "call" } }).other,
        stage.operations("suite", 2, { known: { kind: "call" } }).known,
        stage.operations("strange", 1, { known: { kind: "call" } }).known,
      ];
      for (const stranger of strangers) {
        const error = await fails(caller.call(stranger, 0, stage.attempt()), "UNIMPLEMENTED", "no");
        match(error.reason, new RegExp(stranger.member, "i"));
      }
      equal(await caller.call(known, 0, stage.attempt()), "here");
    },
  },
  {
    name: "an operation that is served as another kind did not run",
    play: async (stage) => {
      const asked = stage.operations("suite", 1, {
        one: { kind: "call" },
        many: { kind: "stream" },
      });
      const served = stage.operations("suite", 1, {
        one: { kind: "stream" },
        many: { kind: "call" },
      });
      stage.services.produce(served.one, async (_input, _incoming, sink) => sink.put(1));
      stage.services.answer(served.many, () => 1);
      const { caller } = await stage.pair();
      await fails(caller.call(asked.one, 0, stage.attempt()), "UNIMPLEMENTED", "no");
      const options = { idleMs: Infinity, accept: (item: unknown) => item, settled: same };
      const stream = caller.stream(asked.many, 0, stage.attempt(), options);
      await fails(stream.next(), "UNIMPLEMENTED", "no");
      equal(stage.services.begun.length, 0);
    },
  },
  {
    name: "a request says how its input is written, whatever the contract of the server says",
    when: ({ described }) => described,
    play: async (stage) => {
      const asked = stage.operations("suite", 1, { one: { kind: "call", in: "raw" } });
      const served = stage.operations("suite", 1, { one: { kind: "call" } });
      stage.services.answer(served.one, (input) => (Buffer.isBuffer(input) ? "bytes" : "JSON"));
      const { caller } = await stage.pair();
      // The request says how it is written, so that a contract may change its mind: the schema decides.
      equal(await caller.call(asked.one, Buffer.from("{"), stage.attempt()), "bytes");
    },
  },
  {
    name: "an answer that cannot be read is INTERNAL, and the handler ran",
    play: async (stage) => {
      const asked = stage.operations("suite", 1, { one: { kind: "call" } });
      const served = stage.operations("suite", 1, { one: { kind: "call", out: "raw" } });
      stage.services.answer(served.one, () => Buffer.from("{ no JSON"));
      const { caller } = await stage.pair();
      await fails(caller.call(asked.one, 0, stage.attempt()), "INTERNAL", "yes");
    },
  },
  {
    name: "an input that cannot be written never leaves, and the next call does",
    play: async (stage) => {
      const { echo, bytes } = stage.operations("suite", 1, {
        echo: { kind: "call" },
        bytes: { kind: "call", in: "raw" },
      });
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair();
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      const thrower = {
        toJSON: () => {
          throw new Error("not me");
        },
      };
      for (const input of [circle, 7n, thrower, Symbol("s"), () => {}]) {
        await fails(caller.call(echo, input, stage.attempt()), "INVALID_ARGUMENT", "no");
      }
      await fails(caller.call(bytes, "text", stage.attempt()), "INVALID_ARGUMENT", "no");
      equal(await caller.call(echo, "next", stage.attempt()), "next");
      equal(stage.services.begun.length, 1);
    },
  },
  {
    name: "an output that cannot be written is reported once, and the caller gets the report's id",
    play: async (stage) => {
      const { odd } = stage.operations("suite", 1, { odd: { kind: "call" } });
      stage.services.answer(odd, () => 7n);
      const { caller } = await stage.pair();
      const error = await fails(caller.call(odd, 0, stage.attempt()), "INTERNAL", "yes");
      equal(error.id, "report-0");
      equal(stage.services.incidents.length, 1);
    },
  },
  {
    name: "the data of an error that cannot be written is reported, and other calls go on",
    play: async (stage) => {
      const { echo, odd } = stage.operations("suite", 1, {
        echo: { kind: "call" },
        odd: { kind: "call", errors: ["SOLD_OUT"] },
      });
      const data: Record<string, unknown> = {};
      data["self"] = data;
      const later = Promise.withResolvers<string>();
      stage.services.answer(echo, () => later.promise);
      stage.services.answer(odd, () => {
        throw new TrunklineError("SOLD_OUT", "nothing left", {
          executed: "yes",
          declared: true,
          data,
        });
      });
      const { caller } = await stage.pair();
      const other = caller.call(echo, 0, stage.attempt());
      const error = await fails(caller.call(odd, 0, stage.attempt()), "INTERNAL", "yes");
      equal(error.id, "report-0");
      equal(stage.services.incidents.length, 1);
      later.resolve("still here");
      equal(await other, "still here");
    },
  },
  {
    name: "where nobody listens it is told so, within the time that a call waits for a connection",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, { echo: { kind: "call" } });
      const caller = stage.connect({ connectWaitMs: 1_000 });
      const before = stage.env.now();
      const error = await fails(caller.call(echo, 0, stage.attempt()), "UNAVAILABLE", "no");
      ok(stage.env.now() - before >= 1_000);
      ok(error.attempts >= 2, `${error.attempts} dials`);
      ok(error.elapsedMs !== undefined && error.elapsedMs >= 1_000);
      // The deadline may be the sooner one.
      const hasty = await failureOf(caller.call(echo, 0, stage.attempt({ deadlineMs: 5 })));
      equal(hasty.executed, "no");
    },
  },
];

const same = (failure: TrunklineError | undefined): TrunklineError | undefined => failure;
