import * as z from "zod";

import { realEnv } from "../../base/real-env.ts";
import { chassis, type Chassis } from "../../chassis/chassis.ts";
import { serve } from "../../call/serve.ts";
import { rest } from "../../protocol/rest/index.ts";
import {
  bytes,
  call,
  contract,
  duplex,
  notification,
  stream,
  upload,
} from "../../contract/index.ts";

const Order = z.object({ id: z.string(), item: z.string(), by: z.string().optional() });

/** Every kind that there is, for what stands in the middle. */
export const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    get: call({
      in: z.object({ id: z.string() }),
      out: Order,
      errors: { NOT_FOUND: z.object({ id: z.string() }) },
      idempotent: true,
    }),
    place: call({ in: z.object({ item: z.string() }), out: Order }),
    pay: call({
      in: z.object({ amount: z.number() }),
      out: z.object({ by: z.string(), number: z.number() }),
      idempotent: "by-key",
    }),
    track: call({ in: z.object({ id: z.string(), step: z.number() }), key: "id" }),
    seen: call({ out: z.record(z.string(), z.string()) }),
    watch: stream({ in: z.object({ from: z.number() }), out: z.number() }),
    sum: upload({ head: z.object({ start: z.number() }), in: z.number(), out: z.number() }),
    echo: duplex({ in: z.string(), out: z.string() }),
    photo: call({ in: bytes(), out: bytes() }),
    note: notification({ in: z.object({ text: z.string() }) }),
  },
);

/** What a service was asked, and how it is to answer. */
export class OrdersService {
  readonly notes: string[] = [];
  readonly got: string[] = [];
  readonly steps: number[] = [];
  /** The keys under which was paid. */
  readonly paid: string[] = [];
  /** Until it resolves, nothing is answered. */
  held: Promise<void> = Promise.resolve();
  readonly name: string;
  /** How far the endless stream was asked for. */
  produced = 0;
  /** The stream was left. */
  left: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(name: string = "one") {
    this.name = name;
  }

  listen(address: string): Promise<Chassis> {
    const service = serve(Orders, {
      get: async ({ id }, { errors }) => {
        this.got.push(id);
        await this.held;
        if (id === "none") throw errors.NOT_FOUND({ id });
        if (id === "broken") throw new Error("it broke");
        return { id, item: "kettle", by: this.name };
      },
      place: ({ item }, { refuse }) => {
        if (item === "refused") throw refuse("UNAVAILABLE", "not today");
        return { id: "o-1", item, by: this.name };
      },
      pay: async (_, { idempotencyKey }) => {
        this.paid.push(idempotencyKey!);
        await this.held;
        return { by: this.name, number: this.paid.length };
      },
      track: ({ step }) => void this.steps.push(step),
      seen: (_, { headers, deadline, trace }) => ({
        ...headers,
        leftMs: String(deadline.remaining(realEnv().now())),
        trace: trace.traceId,
        served: this.name,
      }),
      watch: ({ from }) => this.#watch(from),
      async sum(items, { head }) {
        let sum = head.start;
        for await (const item of items) sum += item;
        return sum;
      },
      async *echo(items) {
        for await (const item of items) yield item.toUpperCase();
      },
      photo: (given) => given.toReversed(),
      note: ({ text }) => void this.notes.push(text),
    });
    return chassis({
      name: this.name,
      listen: address,
      serve: [service],
      protocols: [rest({ except: ["orders.echo"] })],
      signals: false,
    });
  }

  async *#watch(from: number): AsyncGenerator<number> {
    try {
      for (let next = from; ; next++) {
        this.produced++;
        if (next === 7) throw new Error("seven");
        yield next;
      }
    } finally {
      this.left.resolve();
    }
  }
}
