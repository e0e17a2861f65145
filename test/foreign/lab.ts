import { setImmediate as turn } from "node:timers/promises";
import {
  call,
  chassis,
  contract,
  duplex,
  notification,
  serve,
  stream,
  upload,
  type Format,
} from "trunkline";
import * as z from "zod";

const anything = z.unknown();
const Item = z.object({ item: z.string() });

/** What every program here serves and calls, in whatever language it is written. */
export const Lab = contract(
  "lab",
  { version: "1.0.0" },
  {
    echo: call({ in: anything, out: anything }),
    length: call({ in: z.string(), out: z.number() }),
    blob: call({ in: z.number(), out: z.string() }),
    /** Fails as declared. */
    sell: call({ in: Item, errors: { SOLD_OUT: Item } }),
    /** Fails as nobody expected. */
    crash: call({ in: anything }),
    /** Refuses before it begins; only rsocket-java can say so. */
    busy: call({ in: anything }),
    /** Answers only when it is cancelled. */
    stuck: call({ in: anything }),
    /** What came beside the request. */
    describe: call({ in: anything, out: z.record(z.string(), z.unknown()) }),
    /** What happened here so far. */
    seen: call({ in: anything, out: z.array(z.string()) }),
    note: notification({ in: z.string() }),
    count: stream({ in: z.number(), out: z.number() }),
    sum: upload({ in: z.number(), out: z.number() }),
    shout: duplex({ in: z.string(), out: z.string() }),
    /** No foreign server has it. */
    nowhere: call({ in: anything }),
  },
);

/** Our server, on a free port of this host; `formats` are what it speaks beside JSON. */
export async function serveLab(
  formats: readonly Format[] = [],
): Promise<AsyncDisposable & { port: number; seen: string[] }> {
  const seen: string[] = [];
  const app = await chassis({
    name: "lab",
    listen: "tcp://127.0.0.1:0",
    formats,
    serve: [
      serve(Lab, {
        echo: (input) => input,
        length: (text) => text.length,
        blob: (letters) => "x".repeat(letters),
        sell: (sold, { errors }) => {
          throw errors.SOLD_OUT(sold);
        },
        crash: () => {
          throw new Error("it fell over");
        },
        busy: (_input, context) => {
          throw context.refuse("UNAVAILABLE", "no room");
        },
        stuck: async (_input, { signal }) => {
          seen.push("stuck");
          while (!signal.aborted) await turn();
          seen.push("stuck cancelled");
        },
        describe: (_input, { headers, trace }) => ({ headers, trace: trace.traceparent }),
        seen: () => seen,
        note: (text) => void seen.push(`note ${text}`),
        async *count(to) {
          let next = 0;
          try {
            while (next < to) yield next++;
          } finally {
            if (next < to) seen.push(`count cancelled: ${next} sent`);
          }
        },
        async sum(items) {
          let sum = 0;
          for await (const item of items) sum += item;
          return sum;
        },
        async *shout(items) {
          for await (const item of items) yield item.toUpperCase();
        },
        nowhere: () => {},
      }),
    ],
  });
  const port = Number(new URL(app.addresses[0]!).port);
  return { port, seen, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}
