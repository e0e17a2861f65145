import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { systemError } from "../../base/error.ts";
import type { Node } from "../../broker/embedded/node.ts";
import { hostPort } from "../../transport/host-port.ts";
import { isLoopbackIp } from "../../transport/loopback.ts";
import type { AmqpServer } from "../server.ts";
import { Answering } from "./answering.ts";
import type { Place, ShownListener } from "./asked.ts";
import { clientBook } from "./client-book.ts";
import { nobodyConnected } from "./connection-book.ts";

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
  const answering = new Answering(place, options.bodyBytesMax ?? bodyBytesMaxDefault);
  const server = createServer(
    { requestTimeout: requestMs, keepAliveTimeout: 5_000 },
    (request, response) => void answering.take(request, response),
  );
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
