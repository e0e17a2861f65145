import { setImmediate as turn } from "node:timers/promises";
import {
  call,
  chassis,
  contract,
  describe,
  duplex,
  notification,
  serve,
  stream,
  upload,
  type Chassis,
  type ChassisOptions,
} from "trunkline";
import { protoContract, type ProtoDocument } from "trunkline/codec/protobuf";
import * as z from "zod";

const Item = z.object({ item: z.string() });
const Sample = z.object({
  text: z.string(),
  count: z.int32(),
  flag: z.boolean(),
  tags: z.array(z.string()),
});

/** What the programs in other languages serve and call by gRPC; they are made from the .proto file that it gives. */
export const Lab = contract(
  "lab",
  { version: "1.0.0" },
  {
    echo: call({ in: Sample, out: Sample, idempotent: true }),
    /** So many letters. */
    blob: call({ in: z.object({ letters: z.int32() }), out: z.object({ text: z.string() }) }),
    /** Fails as declared: SOLD_OUT, NOT_FOUND, or EMPTY, which has no data, by the name of the item. */
    sell: call({ in: Item, errors: { SOLD_OUT: Item, NOT_FOUND: Item, EMPTY: undefined } }),
    /** Fails as nobody expected. */
    crash: call({}),
    /** Refuses before it begins. */
    busy: call({}),
    /** Answers only when it is cancelled. */
    stuck: call({}),
    /** What came beside the request. */
    beside: call({
      out: z.object({
        headers: z.record(z.string(), z.string()),
        trace: z.string(),
        timed: z.boolean(),
      }),
    }),
    /** What happened here so far. */
    seen: call({ out: z.object({ what: z.array(z.string()) }) }),
    note: notification({ in: z.object({ text: z.string() }) }),
    count: stream({ in: z.object({ to: z.int32() }), out: z.object({ number: z.int32() }) }),
    /** Sends as many, then fails with SOLD_OUT. */
    stumble: stream({
      in: z.object({ after: z.int32() }),
      out: z.object({ number: z.int32() }),
      errors: { SOLD_OUT: Item },
    }),
    sum: upload({ in: z.object({ number: z.int32() }), out: z.object({ sum: z.int32() }) }),
    join: upload({
      head: z.object({ separator: z.string() }),
      in: z.object({ text: z.string() }),
      out: z.object({ text: z.string() }),
    }),
    shout: duplex({ in: z.object({ text: z.string() }), out: z.object({ text: z.string() }) }),
  },
);

/** The contract as Protobuf has it. */
export function labProto(): ProtoDocument {
  return protoContract(describe(Lab));
}

export interface RunningLab extends AsyncDisposable {
  readonly app: Chassis;
  readonly port: number;
  readonly seen: string[];
}

/** Our server, on a free port of this host. */
export async function serveLab(options: Partial<ChassisOptions> = {}): Promise<RunningLab> {
  const seen: string[] = [];
  const untilGone = async (name: string, signal: AbortSignal): Promise<void> => {
    seen.push(name);
    while (!signal.aborted) await turn();
    const { code } = signal.reason as { code: string };
    seen.push(`${name} ${code}`);
  };
  const app = await chassis({
    name: "lab",
    listen: "grpc://127.0.0.1:0",
    ...options,
    serve: [
      serve(Lab, {
        echo: (input) => input,
        blob: ({ letters }) => ({ text: "x".repeat(letters) }),
        sell({ item }, { errors }) {
          if (item === "nothing") throw errors.EMPTY();
          if (item === "unknown") throw errors.NOT_FOUND({ item });
          throw errors.SOLD_OUT({ item });
        },
        crash: () => {
          throw new Error("it fell over, and the password is hunter2");
        },
        busy: (_input, context) => {
          throw context.refuse("UNAVAILABLE", "no room: 100 % full ü");
        },
        stuck: (_input, { signal }) => untilGone("stuck", signal),
        beside: (_input, { headers, trace, deadline }) => ({
          headers: { ...headers },
          trace: trace.traceparent,
          timed: Number.isFinite(deadline.at),
        }),
        seen: () => ({ what: seen }),
        note: ({ text }) => void seen.push(`note ${text}`),
        async *count({ to }) {
          let number = 0;
          try {
            while (number < to) yield { number: number++ };
          } finally {
            if (number < to) seen.push("count cancelled");
          }
        },
        async *stumble({ after }, { errors }) {
          for (let number = 0; number < after; number++) yield { number };
          throw errors.SOLD_OUT({ item: "kettle" });
        },
        async sum(items) {
          let sum = 0;
          try {
            for await (const { number } of items) sum += number;
          } catch (error) {
            seen.push(`sum ${(error as { code: string }).code}`);
            throw error;
          }
          return { sum };
        },
        async join(items, { head }) {
          const texts: string[] = [];
          for await (const { text } of items) texts.push(text);
          return { text: texts.join(head.separator) };
        },
        async *shout(items) {
          for await (const { text } of items) yield { text: text.toUpperCase() };
        },
      }),
    ],
  });
  const port = Number(new URL(app.addresses[0]!.replace(/^\w+(\+\w+)?:/, "http:")).port);
  return { app, port, seen, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}
