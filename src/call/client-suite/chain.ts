import type { Context } from "../../base/handler.ts";
import {
  call,
  contract,
  notification,
  stream,
  type CallOperation,
  type Contract,
  type NotificationOperation,
  type StreamOperation,
} from "../../contract/index.ts";
import type { NoErrors } from "../../contract/operation.ts";
import type { Client } from "../client-type.ts";
import { serve } from "../serve.ts";
import { text } from "./schemas.ts";
import { aborted, type Stage } from "./stage.ts";

type Text = typeof text;

export const Front: Contract<
  "front",
  {
    ask: CallOperation<Text, Text, NoErrors>;
    watch: StreamOperation<Text, Text, NoErrors>;
    tell: NotificationOperation<undefined>;
  }
> = contract(
  "front",
  { version: "1.0.0" },
  {
    ask: call({ in: text, out: text }),
    watch: stream({ in: text, out: text }),
    tell: notification(),
  },
);

const Back: Contract<
  "back",
  {
    work: CallOperation<Text, Text, NoErrors>;
    follow: StreamOperation<undefined, Text, NoErrors>;
  }
> = contract(
  "back",
  { version: "1.0.0" },
  { work: call({ in: text, out: text }), follow: stream({ out: text }) },
);

/** What a handler saw of its context. */
interface Seen {
  readonly traceId: string;
  readonly spanId: string;
  readonly headers: Record<string, string>;
  readonly leftMs: number;
  readonly context: Context;
}

/** A front whose handlers call a back, which keeps what it sees. */
export class Chain {
  readonly seen: Seen[] = [];
  readonly back: Client<typeof Back>;
  readonly #stage: Stage;

  static async build(stage: Stage): Promise<Chain> {
    const chain = new Chain(stage, await stage.connect(Back, {}, "back"));
    const look = (context: Context): void => chain.look(context);
    await stage.serve(
      serve(Back, {
        work: async (input, context) => {
          look(context);
          return input === "wait" ? aborted(context.signal) : "worked";
        },
        async *follow(_input, context) {
          look(context);
          yield "begun";
          await aborted(context.signal);
        },
      }),
      {},
      "back",
    );
    return chain;
  }

  private constructor(stage: Stage, back: Client<typeof Back>) {
    this.#stage = stage;
    this.back = back;
  }

  look(context: Context): void {
    this.seen.push({
      traceId: context.trace.traceId,
      spanId: context.trace.spanId,
      headers: { ...context.headers },
      leftMs: context.deadline.at - this.#stage.env.now(),
      context,
    });
  }
}
