import Fastify, { type FastifyServerOptions } from "fastify";
import { Client, Pool, type Dispatcher } from "undici";
import { bytes, call, chassis, contract, serve } from "trunkline";
import { tls } from "trunkline/transport/tls";
import * as z from "zod";
import { issueIn, trusted } from "../certificate.ts";
import type { Connected, Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order } from "../work.ts";

/** How the neutral client uses connections. */
export type Reuse = "each its own" | "kept" | "shared";

/** What is measured: who serves, whether over TLS, and how the client, the same for both, uses its connections. */
export interface RestTerms {
  readonly tls: boolean;
  readonly reuse: Reuse;
}

/** As many as there are requests in flight. */
const connections = 64;

/** Room for the largest block. */
const bodyBytesMax: number = 17 * 1024 * 1024;

const order = z.object({ id: z.string(), quantity: z.int(), note: z.string() });

const Orders = contract(
  "orders",
  { version: "1.0.0" },
  {
    place: call({ in: order, out: order }),
    echo: call({ in: bytes(), out: bytes() }),
  },
);

/** The same for Fastify, by which it validates and serializes. */
const orderSchema = {
  type: "object",
  properties: { id: { type: "string" }, quantity: { type: "integer" }, note: { type: "string" } },
  required: ["id", "quantity", "note"],
  additionalProperties: false,
} as const;

interface Place {
  readonly origin: string;
  readonly orders: string;
  readonly blocks: string;
  readonly ca?: string;
}

/** Fastify with its own validation and serialization, everything else as it comes. */
export function fastify(terms: RestTerms): Peer {
  return {
    async serve(folder) {
      const certificate = terms.tls ? issueIn(folder) : undefined;
      const common = { bodyLimit: bodyBytesMax, keepAliveTimeout: 600_000 };
      const { cert, key } = certificate ?? {};
      const secure = { https: { cert, key, allowHTTP1: true } };
      const shared = terms.reuse === "shared";
      const options = {
        ...common,
        ...(shared ? { http2: true } : {}),
        ...(terms.tls ? secure : {}),
      };
      const app = Fastify(options as FastifyServerOptions);
      app.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_, body, done) =>
        done(null, body),
      );
      app.post(
        "/orders",
        { schema: { body: orderSchema, response: { 200: orderSchema } } },
        (request, reply) => void reply.send(answerTo(request.body as Order)),
      );
      app.post(
        "/blocks",
        (request, reply) => void reply.type("application/octet-stream").send(request.body),
      );
      const origin = await app.listen({ host: "127.0.0.1", port: 0 });
      return told({ origin, orders: "/orders", blocks: "/blocks" }, certificate?.ca);
    },
    connect: (place) => connect(place, terms),
  };
}

/** Trunkline with what is on by default in production; zod checks each order that comes. */
export function trunklineRest(terms: RestTerms): Peer {
  return {
    async serve(folder) {
      const certificate = terms.tls ? issueIn(folder) : undefined;
      const { addresses } = await chassis({
        name: "orders",
        listen: `${terms.tls ? "https" : "http"}://127.0.0.1:0`,
        serve: [
          serve(Orders, { place: async (given) => answerTo(given), echo: async (given) => given }),
        ],
        itemBytesMax: bodyBytesMax,
        checkSent: false,
        signals: false,
        ...(certificate === undefined
          ? {}
          : { transports: [tls({ cert: certificate.cert, key: certificate.key })] }),
      });
      const origin = addresses[0]!;
      const place = { origin, orders: "/v1/orders", blocks: "/v1/orders/echo" };
      return told(place, certificate?.ca);
    },
    connect: (place) => connect(place, terms),
  };
}

function told(place: Place, ca: string | undefined): string {
  return JSON.stringify({ ...place, ca });
}

/** Undici's lowest level, which makes no streams: the same for whoever serves. */
async function connect(text: string, terms: RestTerms): Promise<Connected> {
  const place = JSON.parse(text) as Place;
  const shared = terms.reuse === "shared";
  const options = {
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 600_000,
    allowH2: shared,
    connect: { ...(place.ca === undefined ? {} : { ca: trusted(place.ca) }) },
    h2Options: { useH2c: shared && !terms.tls, maxConcurrentStreams: connections },
  };
  const dispatcher = shared
    ? new Client(place.origin, options)
    : new Pool(place.origin, { ...options, connections });
  const send = asker(dispatcher, terms.reuse === "each its own");
  return {
    call: async ({ order: given }) =>
      JSON.parse((await send(place.orders, "application/json", JSON.stringify(given))).toString()),
    isRight: (job, answer) => isAnswer(job.order, answer as Order),
    read: () => Promise.reject(new Error("no stream is measured here")),
    echo: (block) => send(place.blocks, "application/octet-stream", block),
  };
}

function asker(dispatcher: Dispatcher, reset: boolean) {
  return (path: string, type: string, body: string | Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let status = 0;
      dispatcher.dispatch(
        { path, method: "POST", headers: { "content-type": type }, body, reset },
        {
          onRequestStart: () => {},
          onResponseStart: (_controller, code) => void (status = code),
          onResponseData: (_controller, chunk) => void chunks.push(chunk),
          onResponseEnd: () => {
            const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
            if (status >= 200 && status < 300) resolve(whole);
            else reject(new Error(`status ${status}: ${whole.toString()}`));
          },
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });
}
