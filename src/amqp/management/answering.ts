import type { IncomingMessage, ServerResponse } from "node:http";

import { isTrunklineError } from "../../base/error.ts";
import type { User } from "../../broker/embedded/access/users.ts";
import type { Node } from "../../broker/embedded/node.ts";
import { Refusal } from "../../broker/embedded/refusal.ts";
import type { Json } from "../../broker/embedded/storage.ts";
import { isLoopbackIp } from "../../transport/loopback.ts";
import { replies } from "../../wire/amqp091/methods.ts";
import { Fault } from "../fault.ts";
import { Asked, Failed, mayAs, notFound, type Place, type Reply } from "./asked.ts";
import { chosen, listed } from "./listing.ts";
import { allRoutes } from "./resources/all.ts";
import { Routes, type Method, type Route } from "./routes.ts";

/** Bodies of requests that are read at a time may have so many times the bytes of the largest one. */
const bodiesMax = 4;

/** Answers requests of one management. */
export class Answering {
  readonly #place: Place;
  readonly #bodyBytesMax: number;
  readonly #routes = new Routes(allRoutes);
  /** Connections end with the requests that run. */
  closing = false;
  /** Bytes of bodies that are in memory. */
  #bodyBytes = 0;

  constructor(place: Place, bodyBytesMax: number) {
    this.#place = place;
    this.#bodyBytesMax = bodyBytesMax;
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#answer(request).catch(failure);
    if (this.closing) response.shouldKeepAlive = false;
    send(request, response, reply);
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const { node } = this.#place;
    const url = new URL(request.url ?? "/", "http://localhost");
    if (!url.pathname.startsWith("/api/")) throw notFound();
    const user = await login(node, request);
    const found = this.#routes.find(url.pathname.slice("/api/".length).replace(/\/$/, ""));
    if (found === undefined) throw notFound();
    const { route, parameters } = found;
    const method = request.method === "HEAD" ? "GET" : request.method;
    const act = isMethod(method) ? route[method] : undefined;
    if (act === undefined) throw new Failed(405, "method_not_allowed", `no ${method} here`);
    checkRole(user, route, method as Method);
    const body = method === "GET" ? undefined : await this.#body(request);
    const query = url.searchParams;
    const reply = await act(new Asked(this.#place, user, parameters, query, body));
    if (method === "GET") return { ...reply, body: shown(route, reply.body, query) };
    // Who is told that it is done may rely on it.
    await node.storage.until(node.storage.batch);
    return reply;
  }

  /** The JSON of a request; undefined: it has none. */
  async #body(request: IncomingMessage): Promise<unknown> {
    const bytesMax = this.#bodyBytesMax;
    if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw tooLarge(bytesMax);
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        bytes += chunk.byteLength;
        this.#bodyBytes += chunk.byteLength;
        if (bytes > bytesMax) throw tooLarge(bytesMax);
        if (this.#bodyBytes > bodiesMax * bytesMax)
          throw new Failed(503, "busy", "too much is sent at once: come again in a second");
        chunks.push(chunk);
      }
      return jsonOf(Buffer.concat(chunks).toString());
    } finally {
      this.#bodyBytes -= bytes;
    }
  }
}

function tooLarge(bytesMax: number): Failed {
  return new Failed(413, "payload_too_large", `a request has at most ${bytesMax} bytes`);
}

/** An object, as all bodies here are. @throws Failed 400 for anything else. */
function jsonOf(text: string): unknown {
  if (text.trim() === "") return undefined;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Failed(400, "bad_request", "the body is not JSON");
  }
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new Failed(400, "bad_request", "the body should be an object");
}

/** What was asked for of an answer: a page of a list, or some columns. */
function shown({ list }: Route, body: Json | undefined, query: URLSearchParams): Json {
  if (list === true) return listed(body as readonly Json[], query);
  const columns = query.get("columns");
  if (columns === null || typeof body !== "object") return body ?? null;
  return chosen(body as { readonly [name: string]: Json }, columns.split(","));
}

/** @throws Failed 401 unless it is the right password. */
async function login(node: Node, { headers, socket }: IncomingMessage): Promise<User> {
  const [scheme, encoded = ""] = (headers.authorization ?? "").split(" ");
  const credentials = Buffer.from(encoded, "base64").toString();
  const colon = credentials.indexOf(":");
  if (scheme?.toLowerCase() !== "basic" || colon < 0) throw loginFailed();
  const [name, password] = [credentials.slice(0, colon), credentials.slice(colon + 1)];
  const { remoteAddress } = socket;
  // Unix sockets have no address.
  const loopback = remoteAddress === undefined || isLoopbackIp(remoteAddress);
  try {
    return await node.access.authenticate(name, password, { loopback });
  } catch (error) {
    if (error instanceof Refusal && error.reason === "access-refused") throw loginFailed();
    throw error;
  }
}

function loginFailed(): Failed {
  return new Failed(401, "not_authorized", "Login failed");
}

/** @throws Failed 401 for who has not the tag that it takes. */
function checkRole(user: User, { role = "management", changeRole }: Route, method: Method): void {
  const needed = method === "GET" ? role : (changeRole ?? role);
  if (mayAs(user, needed)) return;
  const reason = needed === "management" ? "Not management user" : `Not ${needed} user`;
  throw new Failed(401, "not_authorized", reason);
}

function isMethod(method: string | undefined): method is Method {
  return method === "GET" || method === "PUT" || method === "POST" || method === "DELETE";
}

const statusOf: Readonly<Record<string, number>> = {
  "not-found": 404,
  "access-refused": 401,
  "resource-error": 503,
};

function failure(error: unknown): Reply {
  if (error instanceof Failed)
    return { status: error.status, body: { error: error.error, reason: error.message } };
  if (error instanceof Fault) {
    const forbidden = error.code === replies.ACCESS_REFUSED.code;
    const said = forbidden ? "not_authorized" : "bad_request";
    return { status: forbidden ? 401 : 400, body: { error: said, reason: error.message } };
  }
  if (error instanceof Refusal) {
    if (error.reason === "not-found") return failure(notFound());
    const reason = `${error.reason.toUpperCase().replaceAll("-", "_")} - ${error.message}`;
    return { status: statusOf[error.reason] ?? 400, body: { error: "bad_request", reason } };
  }
  const reason = isTrunklineError(error) ? error.message : "the broker has failed at this";
  return { status: 500, body: { error: "internal_error", reason } };
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  const { status, body, location } = reply;
  response.statusCode = status;
  response.setHeader("cache-control", "no-cache");
  if (status === 401) response.setHeader("www-authenticate", 'Basic realm="RabbitMQ Management"');
  if (location !== undefined) response.setHeader("location", location);
  // What was not read of a request is not read any more.
  if (!request.complete) response.setHeader("connection", "close");
  if (body === undefined) return void response.end();
  const text = JSON.stringify(body);
  response.setHeader("content-type", "application/json");
  response.setHeader("content-length", Buffer.byteLength(text));
  response.end(request.method === "HEAD" ? undefined : text);
}
