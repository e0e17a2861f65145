import { deepEqual, equal, match, ok } from "node:assert/strict";

import { systemError } from "../../base/error.ts";
import { beginTrace } from "../../base/trace.ts";
import type { Case } from "./case.ts";
import { whenCancelled } from "./services.ts";
import { failureOf, fails } from "./stage.ts";

/** What protocols promise that carry notifications alone, and that they refuse the rest. */
export const oneWayCases: readonly Case[] = [
  {
    name: "what needs an answer, or more than one item, is refused at once with UNIMPLEMENTED and advice, and nothing is sent",
    play: async (stage) => {
      const operations = stage.operations("suite", 1, {
        call: { kind: "call" },
        stream: { kind: "stream" },
        upload: { kind: "upload" },
        duplex: { kind: "duplex" },
      });
      for (const operation of Object.values(operations))
        stage.services.answer(operation, () => ok(false, "it runs"));
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      stage.services.answer(note, () => {});
      const { caller, server } = await stage.pair();
      const asked = [
        async () => caller.call(operations.call, 1, stage.attempt()),
        async () => caller.stream(operations.stream, 1, stage.attempt(), streamOptions),
        async () =>
          caller.upload(operations.upload, 1, async () => {}, stage.attempt(), { idleMs: 1_000 }),
        async () =>
          caller.duplex(operations.duplex, 1, async () => {}, stage.attempt(), streamOptions),
      ];
      for (const ask of asked) {
        const error = await fails(ask(), "UNIMPLEMENTED", "no");
        match(error.advice ?? "", /unix:|notification/);
        equal(error.endpoint, caller.endpoint);
      }
      equal(caller.state, "idle");
      deepEqual([server.datagrams?.received, stage.services.begun.length], [0, 0]);
    },
  },
  {
    name: "a notification runs, and its sender waits for nothing",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      const seen: unknown[] = [];
      const end = Promise.withResolvers<void>();
      stage.services.answer(note, async (input) => {
        seen.push(input);
        await end.promise;
      });
      const { caller, server } = await stage.pair();
      const [input] = stage.inputs;
      await stage.noted(
        async () => equal(await caller.notify(note, input, stage.attempt()), undefined),
        () => seen.length > 0,
      );
      equal(server.inFlight, seen.length);
      deepEqual(seen[0], input);
      end.resolve();
      await stage.until(() => server.inFlight === 0, "all have ended");
    },
  },
  {
    name: "inputs arrive as they were given",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      const seen: unknown[] = [];
      stage.services.answer(note, (input) => void seen.push(input));
      const { caller } = await stage.pair();
      for (const input of stage.inputs) {
        const before = seen.length;
        await stage.noted(
          () => caller.notify(note, input, stage.attempt()),
          () => seen.length > before,
        );
        deepEqual(seen.at(-1), input);
      }
    },
  },
  {
    name: "what cannot be written never leaves",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      stage.services.answer(note, () => {});
      const { caller } = await stage.pair();
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      for (const input of [circle, 7n, Symbol("s")])
        await fails(caller.notify(note, input, stage.attempt()), "INVALID_ARGUMENT", "no");
      equal(stage.services.begun.length, 0);
    },
  },
  {
    name: "what is larger than the medium takes is refused with RESOURCE_EXHAUSTED and advice, and is not cut up",
    when: ({ described }) => described,
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification", in: "raw" } });
      const seen: unknown[] = [];
      stage.services.answer(note, (input) => void seen.push((input as Buffer).length));
      const { caller } = await stage.pair();
      const error = await fails(
        caller.notify(note, Buffer.alloc(200_000), stage.attempt()),
        "RESOURCE_EXHAUSTED",
        "no",
      );
      match(error.advice ?? "", /fragments/);
      await stage.noted(
        () => caller.notify(note, Buffer.alloc(500), stage.attempt()),
        () => seen.length > 0,
      );
      deepEqual(new Set(seen), new Set([500]));
    },
  },
  {
    name: "deadline, trace, headers and idempotency key come along",
    when: ({ deadline, headers }) => deadline && headers,
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      stage.services.answer(note, () => {});
      const { caller } = await stage.pair();
      const trace = beginTrace(stage.env);
      const terms = { trace, headers: { tenant: "a" }, idempotencyKey: "k-1", deadlineMs: 60_000 };
      const before = stage.env.now();
      await stage.noted(
        () => caller.notify(note, 1, stage.attempt(terms)),
        () => stage.services.begun.length > 0,
      );
      const incoming = stage.services.begun[0]!;
      deepEqual(
        [incoming.trace?.traceparent, incoming.headers, incoming.idempotencyKey],
        [trace.traceparent, { tenant: "a" }, "k-1"],
      );
      ok(incoming.deadlineAt >= before + 59_000 && incoming.deadlineAt < Infinity);
    },
  },
  {
    name: "what nobody serves, and what a handler fails with, is told to nobody, and disturbs nothing that follows",
    when: ({ described }) => described,
    play: async (stage) => {
      const served = stage.operations("suite", 1, {
        bad: { kind: "notification" },
        note: { kind: "notification" },
      });
      const { unknown } = stage.operations("strange", 1, { unknown: { kind: "notification" } });
      stage.services.answer(served.bad, () => {
        throw systemError("INTERNAL", "nobody hears this", { executed: "yes" });
      });
      const seen: unknown[] = [];
      stage.services.answer(served.note, (input) => void seen.push(input));
      const { caller, server } = await stage.pair();
      await stage.noted(
        () => caller.notify(unknown, 0, stage.attempt()),
        () => server.datagrams!.refused > 0,
      );
      await stage.noted(
        () => caller.notify(served.bad, 0, stage.attempt()),
        () => stage.services.begun.length > 0,
      );
      await stage.noted(
        () => caller.notify(served.note, 1, stage.attempt()),
        () => seen.length > 0,
      );
    },
  },
  {
    name: "a notification that is given up before it is sent, or whose time is over, never leaves",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      stage.services.answer(note, () => {});
      const { caller, server } = await stage.pair();
      const attempt = stage.attempt();
      attempt.cancel("caller");
      const [input] = stage.inputs;
      await fails(caller.notify(note, input, attempt), "CANCELLED", "no");
      const late = caller.notify(note, input, stage.attempt({ deadlineMs: 0 }));
      await fails(late, "DEADLINE_EXCEEDED", "no");
      equal(server.datagrams!.received, 0);
    },
  },
  {
    name: "a caller that is closed takes nothing more and leaves nothing, and closing before the first is no more than that",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      stage.services.answer(note, () => {});
      const { caller } = await stage.pair();
      const unused = stage.connect();
      await unused.close();
      const [input] = stage.inputs;
      await caller.notify(note, input, stage.attempt());
      equal(caller.state, "ready");
      await Promise.all([caller.close(), caller.close()]);
      const { code, executed } = await failureOf(caller.notify(note, input, stage.attempt()));
      deepEqual([code, executed, caller.state], ["CANCELLED", "no", "closed"]);
    },
  },
  {
    name: "a draining server lets what runs end, and cancels it when the time is over",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      const cancelled: string[] = [];
      stage.services.answer(note, async (_input, incoming) => {
        cancelled.push(await whenCancelled(incoming));
      });
      const { caller, server } = await stage.pair();
      const [input] = stage.inputs;
      await stage.noted(
        () => caller.notify(note, input, stage.attempt()),
        () => server.inFlight > 0,
      );
      const running = server.inFlight;
      equal(await server.drain(30), running);
      await stage.until(() => server.inFlight === 0, "the handlers have ended");
      deepEqual(new Set(cancelled), new Set(["shutdown"]));
    },
  },
  {
    name: "an address that was drained can be listened on again",
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification" } });
      stage.services.answer(note, () => {});
      const { caller, server } = await stage.pair();
      await server.drain(0);
      const again = await stage.listen();
      const [input] = stage.inputs;
      await stage.noted(
        () => caller.notify(note, input, stage.attempt()),
        () => again.datagrams!.handled > 0,
      );
    },
  },
];

const streamOptions = {
  idleMs: Infinity,
  accept: (item: unknown): unknown => item,
  settled: (): undefined => undefined,
};
