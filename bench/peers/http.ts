import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { Pool } from "undici";
import type { Connected, Peer } from "../peer.ts";
import { answerTo, isAnswer, type Order } from "../work.ts";

/** As many as there are calls in flight: a connection of HTTP/1.1 carries one at a time. */
const connections = 64;

const path = "/orders";
const headers = { "content-type": "application/json" };

/** Asks once; resolves with the answer read from JSON. */
type Ask = (pool: Pool, order: Order) => Promise<unknown>;

/** As undici's documentation shows it. */
const byRequest: Ask = async (pool, order) => {
  const { body } = await pool.request({
    path,
    method: "POST",
    headers,
    body: JSON.stringify(order),
  });
  return body.json();
};

/** By its lowest level, which makes no streams: the most that undici gives. */
const byDispatch: Ask = (pool, order) =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    pool.dispatch(
      { path, method: "POST", headers, body: JSON.stringify(order) },
      {
        onRequestStart: () => {},
        onResponseStart: () => {},
        onResponseData: (_controller, chunk) => void chunks.push(chunk),
        onResponseEnd: () => resolve(parsed(chunks)),
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });

/**
 * `node:http` and undici with JSON and keep-alive, their timeouts off. Nothing is validated.
 * Pipelining stays at its default, 1: more is for requests that may be repeated.
 */
export const http: Peer = peer(byRequest);
export const httpDispatch: Peer = peer(byDispatch);

function peer(ask: Ask): Peer {
  return {
    async serve(folder) {
      const socketPath = join(folder, `${process.pid}.sock`);
      const server = createServer({ requestTimeout: 0, headersTimeout: 0 }, answer);
      server.keepAliveTimeout = 0;
      server.listen(socketPath);
      await once(server, "listening");
      return socketPath;
    },
    async connect(socketPath) {
      const pool = new Pool("http://localhost", {
        socketPath,
        connections,
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: 600_000,
      });
      return {
        call: (job) => ask(pool, job.order),
        isRight: (job, given) => isAnswer(job.order, given as Order),
        read: () => Promise.reject(new Error("HTTP/1.1 has no items")),
      } satisfies Connected;
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const text = JSON.stringify(answerTo(parsed(chunks) as Order));
    response.writeHead(200, { ...headers, "content-length": Buffer.byteLength(text) });
    response.end(text);
  });
}

function parsed(chunks: readonly Buffer[]): unknown {
  const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  return JSON.parse(body.toString());
}
