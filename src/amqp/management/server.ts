import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

import { isTrunklineError, systemError } from "../../base/error.ts";
import type { Node } from "../../broker/embedded/node.ts";
import type { User } from "../../broker/embedded/access/users.ts";
import { Refusal } from "../../broker/embedded/refusal.ts";
import type { Json } from "../../broker/embedded/storage.ts";
import { hostPort } from "../../transport/host-port.ts";
import { isLoopbackIp } from "../../transport/loopback.ts";
import {
  Asked,
  Failed,
  mayAs,
  notFound,
  type Place,
  type Reply,
  type ShownListener,
} from "./asked.ts";
import type { AmqpServer } from "../server.ts";
import { clientBook } from "./client-book.ts";
import { nobodyConnected } from "./connection-book.ts";
import { chosen, listed } from "./listing.ts";
import { allRoutes } from "./resources/all.ts";
import { Routes, type Method, type Route } from "./routes.ts";

export interface ManagementOptions {
  readonly node: Node;
  /** Who serves the broker by AMQP: its connections are shown, and can be closed. Default: nobody does. */
  readonly server?: AmqpServer;
  /** Where it is reached: a host and a port; port 0: a free one. Default `http://127.0.0.1:15672`. */
  readonly listen?: string;
  /** Listens where others than this machine can reach it, though passwords are sent in clear. Default false. */
  readonly insecure?: boolean;
  /** The name of the node. Default `trunkline@localhost`. */
  readonly name?: string;
  /** Of the product, as it is shown. Default `0.0.0`. */
  readonly version?: string;
  /** The largest body of a request, in bytes: definitions files are the largest. Default 16 MiB. */
  readonly bodyBytesMax?: number;
  /** Default 256. */
  readonly connectionsMax?: number;
}

/** The management, as it runs. */
export interface RunningManagement extends AsyncDisposable {
  /** Where it listens in truth: `http://127.0.0.1:15672`. */
  readonly address: string;
  /** Takes no more requests, and lets those end that run. */
  close(): Promise<void>;
}

const listenDefault = "http://127.0.0.1:15672";
const bodyBytesMaxDefault: number = 16 * 1024 * 1024;
const connectionsMaxDefault = 256;
/** How long a request may take to come whole, in milliseconds. */
const requestMs = 30_000;

/**
 * Serves the part of RabbitMQ's management HTTP API that its own tools use: `rabbitmqadmin` of either kind, and whoever reads
 * `/api/queues`. Users log in by their passwords (HTTP basic), and see and do what their tags and permissions let them.
 *
 * @throws TrunklineError INVALID_ARGUMENT for an address that makes no sense, or that others could reach; UNAVAILABLE when it cannot
 * listen there.
 */
export async function management(options: ManagementOptions): Promise<RunningManagement> {
  const { node, server: amqp, name = "trunkline@localhost", version = "0.0.0" } = options;
  const { host, port } = placeOf(options.listen ?? listenDefault, options.insecure === true);
  let own: ShownListener = { protocol: "http", host, port };
  const place: Place = {
    ...{ node, name, version, since: node.env.now() },
    book: amqp === undefined ? nobodyConnected : clientBook(amqp),
    listeners: () => [...listenersOf(amqp), own],
  };
  const answering = managementListener(place, options.bodyBytesMax ?? bodyBytesMaxDefault);
  const server = createServer({ requestTimeout: requestMs, keepAliveTimeout: 5_000 }, answering);
  server.maxConnections = options.connectionsMax ?? connectionsMaxDefault;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        systemError("UNAVAILABLE", `the management cannot listen at ${host}:${port}`, {
          ...{ executed: "no", cause, advice: "give another port, or 0 for a free one" },
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  own = { ...own, port: (server.address() as AddressInfo).port };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    }));
  const address = `http://${hostPort(host, own.port)}`;
  return { address, close, [Symbol.asyncDispose]: close };
}

function placeOf(
  listen: string,
  insecure: boolean,
): { readonly host: string; readonly port: number } {
  const [, host, port] = /^http:\/\/([^/?#@]+):(\d{1,5})\/?$/.exec(listen) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw systemError("INVALID_ARGUMENT", `"${listen}" is no address for the management`, {
      ...{ executed: "no", advice: "write http://host:port, such as http://127.0.0.1:15672" },
    });
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  if (bare !== "localhost" && !isLoopbackIp(bare) && !insecure)
    throw systemError("INVALID_ARGUMENT", `others could reach the management at ${host}`, {
      ...{ executed: "no" },
      advice: "listen at 127.0.0.1 behind a proxy with TLS, or say insecure: true",
    });
  return { host: bare, port: Number(port) };
}

/** What a server of AMQP listens at; Unix sockets have no port, and are left out. */
function listenersOf(server: AmqpServer | undefined): readonly ShownListener[] {
  return (server?.addresses ?? []).flatMap((address) => {
    const [, scheme, host, port] = /^(amqps?):\/\/(.*):(\d+)$/.exec(address) ?? [];
    if (host === undefined) return [];
    return [{ protocol: scheme === "amqps" ? "amqp/ssl" : "amqp", host, port: Number(port) }];
  });
}

/** Answers requests of one management. */
function managementListener(place: Place, bodyBytesMax: number): RequestListener {
  const routes = new Routes(allRoutes);
  return (request, response) => {
    void answer(place, routes, request, bodyBytesMax)
      .catch(failure)
      .then((reply) => send(request, response, reply));
  };
}

async function answer(
  place: Place,
  routes: Routes,
  request: IncomingMessage,
  bodyBytesMax: number,
): Promise<Reply> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (!url.pathname.startsWith("/api/")) throw notFound();
  const user = await login(place.node, request);
  const found = routes.find(url.pathname.slice("/api/".length).replace(/\/$/, ""));
  if (found === undefined) throw notFound();
  const { route, parameters } = found;
  const method = request.method === "HEAD" ? "GET" : request.method;
  const act = isMethod(method) ? route[method] : undefined;
  if (act === undefined) throw new Failed(405, "method_not_allowed", `no ${method} here`);
  checkRole(user, route, method as Method);
  const body = method === "GET" ? undefined : await read(request, bodyBytesMax);
  const { searchParams } = url;
  const reply = await act(new Asked(place, user, parameters, searchParams, body));
  if (method !== "GET") {
    // Who is told that it is done may rely on it.
    await place.node.storage.until(place.node.storage.batch);
    return reply;
  }
  if (reply.body === undefined) return reply;
  if (route.list === true)
    return { ...reply, body: listed(reply.body as readonly Json[], searchParams) };
  const columns = searchParams.get("columns");
  if (columns === null || typeof reply.body !== "object") return reply;
  const row = reply.body as { readonly [name: string]: Json };
  return { ...reply, body: chosen(row, columns.split(",")) };
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

/** The JSON of a request; undefined: it has none. */
async function read(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const tooLarge = (): Failed =>
    new Failed(413, "payload_too_large", `a request has at most ${bytesMax} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
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

const statusOf: Readonly<Record<string, number>> = {
  "not-found": 404,
  "access-refused": 401,
  "resource-error": 503,
};

function failure(error: unknown): Reply {
  if (error instanceof Failed)
    return { status: error.status, body: { error: error.error, reason: error.message } };
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
