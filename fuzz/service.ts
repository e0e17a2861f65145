import { z } from "zod";
import { sleep } from "../src/base/alarm.ts";
import type { Env } from "../src/base/env.ts";
import { membersOf } from "../src/call/compile.ts";
import { serve, Services } from "../src/call/serve.ts";
import { call, contract, duplex, notification, stream, upload } from "../src/contract/index.ts";
import { beginTrace } from "../src/base/trace.ts";
import { Attempt } from "../src/protocol/attempt.ts";
import { callbackTo } from "../src/protocol/callback.ts";
import type { Operation } from "../src/protocol/operation.ts";

/** What the fuzzed server serves, and a client that serves: one operation for each way in which an answer can come, or not come. */
const Fuzzed = contract(
  "fuzzed",
  { version: "1.0.0" },
  {
    echo: call({ in: z.unknown(), out: z.unknown() }),
    fail: call({ in: z.object({ how: z.string() }), errors: { TOO_BAD: z.string() } }),
    /** Answers only when it is cancelled. */
    stuck: call({}),
    count: stream({ in: z.object({ to: z.number().max(300) }), out: z.number() }),
    /** An item every ten milliseconds, for ever. */
    ticks: stream({ out: z.string() }),
    note: notification({ in: z.object({ text: z.string() }) }),
    /** Reads all items. */
    sum: upload({ in: z.number(), out: z.number() }),
    /** Reads some, and answers in the middle. */
    some: upload({ head: z.object({ to: z.number() }), in: z.unknown(), out: z.number() }),
    /** An item for each. */
    mirror: duplex({ head: z.unknown(), in: z.unknown(), out: z.unknown() }),
    /** Asks whoever asks. */
    back: call({ out: z.unknown() }),
  },
);

/** The operations in the order in which a client numbers them. */
export const operations: readonly Operation[] = membersOf(Fuzzed).map(({ operation }) => operation);

export function operationNamed(member: string): Operation {
  return operations.find((operation) => operation.member === member)!;
}

export function dispatcher(env: Env): Services {
  const service = serve(Fuzzed, {
    echo: (input) => input,
    fail: ({ how }, { errors }) => {
      if (how === "declared") throw errors.TOO_BAD("very");
      throw new Error("undeclared");
    },
    stuck: (_input, { signal }) =>
      new Promise((_resolve, reject) => {
        const stop = (): void => reject(signal.reason as Error);
        if (signal.aborted) stop();
        else signal.addEventListener("abort", stop);
      }),
    *count({ to }) {
      for (let n = 0; n < to; n++) yield n;
    },
    async *ticks() {
      for (;;) {
        await sleep(env, 10);
        yield "tick".repeat(20);
      }
    },
    note: () => {},
    async sum(items) {
      let sum = 0;
      for await (const item of items) sum += item;
      return sum;
    },
    async some(items, { head }) {
      let count = 0;
      while (count < head.to && (await items.next()).done !== true) count++;
      return count;
    },
    async *mirror(items) {
      for await (const item of items) yield item;
    },
    back: (_input, { peer }) => {
      const attempt = new Attempt(env.now() + 500, Infinity, beginTrace(env), undefined, undefined);
      return callbackTo(peer)!.call(operationNamed("echo"), "and you?", attempt);
    },
  });
  return new Services([service], { interceptors: [], checkSent: true }, env);
}
