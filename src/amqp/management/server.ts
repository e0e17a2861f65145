import { createServer } from "node:http";
import type { Socket } from "node:net";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { TrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Node } from "../../broker/embedded/node.ts";
import type { TlsOptions } from "../../transport/tls/options.ts";
import type { OpenSocket } from "../../transport/transport.ts";
import { listenAt } from "../listening.ts";
import type { AmqpServer } from "../server.ts";
import { Answering } from "./answering.ts";
import type { Place, ShownListener } from "./asked.ts";
import { clientBook } from "./client-book.ts";
import { nobodyConnected } from "./connection-book.ts";

export interface ManagementOptions {
  readonly node: Node;
  /** Who serves the broker by AMQP: its connections are shown, and can be closed. Default: nobody does. */
  readonly server?: AmqpServer;
  /** `http://127.0.0.1:15672` (the default), `https://0.0.0.0:15671`, `unix:./run/http.sock`. Port 0: a free one. */
  readonly listen?: string;
  /** For `https:`: certificate and key. */
  readonly tls?: TlsOptions | undefined;
  /** Listens by `http:` where others than this machine can reach it, though passwords are sent in clear. Default false. */
  readonly insecure?: boolean;
  /** The name of the node. Default `trunkline@localhost`. */
  readonly name?: string;
  /** Of the product, as it is shown. Default `0.0.0`. */
  readonly version?: string;
  /** The largest body of a request, in bytes: definitions files are the largest. Default 16 MiB. */
  readonly bodyBytesMax?: number;
  /** Default 256. */
  readonly connectionsMax?: number;
  /** Default: the machine's. */
  readonly env?: Env;
}

/** The management, as it runs. */
export interface RunningManagement extends AsyncDisposable {
  /** Where it listens in truth: `http://127.0.0.1:15672`. */
  readonly address: string;
  /** Takes no more requests, and lets those end that run, for two seconds at most. */
  close(): Promise<void>;
}

const listenDefault = "http://127.0.0.1:15672";
const bodyBytesMaxDefault: number = 16 * 1024 * 1024;
const connectionsMaxDefault = 256;
/** How long a request may take to come whole, and how long a connection may wait for its next one, in milliseconds. */
const requestMs = 30_000;
const idleMs = 5_000;
/** How long the end waits for requests that run, in milliseconds. */
const drainMs = 2_000;

/**
 * Serves the part of RabbitMQ's management HTTP API that its own tools use: `rabbitmqadmin` of either kind, and whoever reads
 * `/api/queues`. Users log in by their passwords (HTTP basic), and see and do what their tags and permissions let them.
 *
 * @throws TrunklineError INVALID_ARGUMENT for an address that makes no sense, or that others could reach in clear; UNAVAILABLE when
 * it cannot be listened at.
 */
export async function management(options: ManagementOptions): Promise<RunningManagement> {
  const { node, server: amqp, name = "trunkline@localhost", version = "0.0.0", tls } = options;
  const { listen = listenDefault, insecure = false, env = realEnv() } = options;
  let own = "";
  let failure: TrunklineError | undefined;
  void node.storage.failed.then((error) => (failure = error));
  const place: Place = {
    ...{ node, name, version, since: node.env.now() },
    book: amqp === undefined ? nobodyConnected : clientBook(amqp),
    get failure() {
      return failure;
    },
    listeners: () => [...(amqp?.addresses ?? []), own].flatMap(shownListener),
  };
  const answering = new Answering(place, options.bodyBytesMax ?? bodyBytesMaxDefault);
  const http = new HttpSockets(answering);
  const { connectionsMax = connectionsMaxDefault } = options;
  const accept = (opened: OpenSocket): void => http.take(opened.socket);
  const listener = await listenAt(listen, "HTTP", accept, { tls, connectionsMax, insecure }, env);
  own = listener.address.text;
  const close = async (): Promise<void> => {
    await listener.close();
    const impatient = alarmAt(env, env.now() + drainMs, () => http.cut());
    await http.close();
    env.clear(impatient);
  };
  let closing: Promise<void> | undefined;
  return {
    address: own,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

/** The connections of the management: Node's own server of HTTP, which listens nowhere. */
class HttpSockets {
  readonly #answering: Answering;
  readonly #sockets = new Set<Socket>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #server = createServer(
    { requestTimeout: requestMs, keepAliveTimeout: idleMs },
    (request, response) => void this.#answering.take(request, response),
  );

  constructor(answering: Answering) {
    this.#answering = answering;
    // Only then does Node look for requests that take too long.
    this.#server.emit("listening");
  }

  take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (this.#answering.closing && this.#sockets.size === 0) this.#gone.resolve();
    });
    this.#server.emit("connection", socket);
    socket.resume();
  }

  /** Ends all connections at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Resolves when all that was asked is answered. */
  async close(): Promise<void> {
    this.#answering.closing = true;
    this.#server.close();
    this.#server.closeIdleConnections();
    if (this.#sockets.size > 0) await this.#gone.promise;
  }
}

const protocols: Readonly<Record<string, string>> = {
  amqp: "amqp",
  amqps: "amqp/ssl",
  http: "http",
  https: "https",
};

/** As an overview shows it; Unix sockets have no port, and are left out. */
function shownListener(address: string): readonly ShownListener[] {
  const [, scheme = "", host, port] = /^([a-z]+):\/\/(.*):(\d+)$/.exec(address) ?? [];
  const protocol = protocols[scheme];
  if (host === undefined || protocol === undefined) return [];
  return [{ protocol, host, port: Number(port) }];
}
