import { realEnv } from "../base/real-env.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import type { Node } from "../broker/embedded/node.ts";
import type { OpenSocket, Listener } from "../transport/transport.ts";
import type { TlsOptions } from "../transport/tls/options.ts";
import { boundsOf, type Bounds } from "./bounds.ts";
import { ConfirmDesk } from "./confirm-desk.ts";
import { contentScan } from "./content.ts";
import { Fault } from "./fault.ts";
import { Client, type ClientPlace } from "./client.ts";
import { listenAt } from "./listening.ts";
import { Pieces } from "./outlet.ts";
import { Pressure } from "./pressure.ts";

export interface AmqpServerOptions extends Partial<Bounds> {
  /** The broker whose virtual hosts are served, to the users that it knows. */
  readonly node: Node;
  /** `amqp://127.0.0.1:5672`, `amqps://0.0.0.0:5671`, `unix:./run/amqp.sock`. Without a port: 5672, or 5671 over TLS. */
  readonly listen: readonly string[];
  /** For `amqps:`: certificate and key, and with `clientCertificate` those of clients (EXTERNAL). */
  readonly tls?: TlsOptions | undefined;
  /** Lets other hosts come without TLS, with passwords in clear. Default false: such an address is refused. */
  readonly insecure?: boolean;
  /** Default: the machine's. */
  readonly env?: Env | undefined;
}

export interface AmqpServer extends AsyncDisposable {
  /** Where it listens in truth, in the order in which it was asked to. */
  readonly addresses: readonly string[];
  /** Those who are connected. */
  readonly clients: Iterable<Client>;
  /** Tells all clients why, closes their connections, and takes no new ones. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves an embedded broker to every client of AMQP 0-9-1. A confirm means that the message is as safe as its queue asks, by
 * default synced to disk. @throws INVALID_ARGUMENT for options that make no sense, UNAVAILABLE when an address cannot be listened at.
 */
export async function amqpServer(options: AmqpServerOptions): Promise<AmqpServer> {
  const { node, listen, tls, insecure = false, env = realEnv(), ...given } = options;
  const bounds = boundsOf(given);
  if (listen.length === 0)
    throw systemError("INVALID_ARGUMENT", "amqpServer(): there is no address to listen at", {
      executed: "no",
      advice: `give one, such as listen: ["amqp://127.0.0.1:5672"]`,
    });
  const clients = new Set<Client>();
  const left = Promise.withResolvers<void>();
  let count = 0;
  let closed = false;
  const unfinished = { bytes: 0 };
  const unblock = (): void => {
    for (const client of [...clients]) client.unblocked();
  };
  const pieces = new Pieces(bounds.memoryBytesHigh / 2);
  const pressure = new Pressure(node, env, bounds, unfinished, pieces, unblock);
  const desk = new ConfirmDesk(node.storage, env);
  const place: ClientPlace = {
    node,
    env,
    bounds,
    unfinished,
    pieces,
    scan: contentScan(),
    get blocked() {
      return pressure.reason;
    },
    confirming: (channel) => desk.confirming(channel),
    gone(client) {
      clients.delete(client);
      if (closed && clients.size === 0) left.resolve();
    },
  };
  const accept = (opened: OpenSocket): void => {
    if (closed || clients.size >= bounds.connectionsMax) return void opened.socket.destroy();
    clients.add(new Client(`amqp-${++count}`, opened, place));
  };
  const listeners: Listener[] = [];
  const close = async (): Promise<void> => {
    closed = true;
    await Promise.all(listeners.map((listener) => listener.close()));
    pressure.close();
    for (const client of [...clients]) client.close("the broker is shut down");
    // Who does not answer is cut off, so this ends.
    if (clients.size > 0) await left.promise;
  };
  try {
    const { connectionsMax } = bounds;
    for (const address of listen)
      listeners.push(
        await listenAt(address, "AMQP", accept, { tls, connectionsMax, insecure }, env),
      );
  } catch (error) {
    await close();
    throw error;
  }
  void node.storage.failed.then((error) => {
    // Nothing is safe any more, and nobody must believe that it were.
    for (const client of [...clients]) client.close(new Fault("INTERNAL_ERROR", error.reason));
  });
  let closing: Promise<void> | undefined;
  return {
    addresses: listeners.map(({ address }) => address.text),
    clients,
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}
