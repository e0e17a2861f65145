import { z } from "zod";
import { sleep } from "../src/base/alarm.ts";
import type { Env } from "../src/base/env.ts";
import { membersOf } from "../src/call/compile.ts";
import { serve, Services } from "../src/call/serve.ts";
import { call, contract, notification, stream } from "../src/contract/index.ts";
import type { Operation } from "../src/protocol/operation.ts";
import type { Dispatcher } from "../src/protocol/protocol.ts";

/** What the fuzzed server serves: one operation for each way in which an answer can come, or not come. */
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
  },
);

/** The operations in the order in which a client numbers them. */
export const operations: readonly Operation[] = membersOf(Fuzzed).map(({ operation }) => operation);

export function operationNamed(member: string): Operation {
  return operations.find((operation) => operation.member === member)!;
}

export function dispatcher(env: Env): Dispatcher {
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
  });
  return new Services([service], { interceptors: [], checkSent: true }, env);
}
