import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

import { alarmAt } from "../../base/alarm.ts";
import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import type { Peer } from "../../base/peer.ts";
import type { Address } from "../../transport/address.ts";
import type { Listener, OpenSocket, Sockets } from "../../transport/transport.ts";
import { ConnectionLimit } from "../connection-limit.ts";
import { firstBytes } from "./first-bytes.ts";
import { httpBounds, type HttpBounds } from "./http-bounds.ts";
import type { HttpHandlers, HttpServer, HttpServerOptions } from "./http-server.ts";
import { Http1Side } from "./http1-side.ts";
import { Http2Side } from "./http2-side.ts";
import { Link, Links, type Side } from "./link.ts";
import { refuseConnection } from "./one-too-many.ts";

/**
 * How long, in milliseconds, a drained connection may stay: until its peer has closed it too, or has said what it was just
 * beginning to say.
 */
const lingerMs = 1_000;

/** How long connections of HTTP/1.1 stay open for what may be on its way when the server begins to leave, in milliseconds. */
const crossingMs = 100;

/**
 * Serves HTTP/1.1 and HTTP/2 at one address: over TLS as the peer chooses (ALPN `h2` or `http/1.1`), in clear text by what it
 * says first (RFC 9113, 3.3: the preface tells; there is no upgrade). Rejects as `sockets.listen` does.
 */
export async function serveHttp(
  address: Address,
  sockets: Sockets,
  handlers: HttpHandlers,
  options: HttpServerOptions,
  env: Env,
): Promise<HttpServer> {
  const limit = new ConnectionLimit(options.connectionsMax, env);
  const front = new Front(handlers, httpBounds(options), limit, env);
  const listening = { connectionsMax: limit.acceptedMax, alpn: ["h2", "http/1.1"] };
  try {
    front.listener = await sockets.listen(address, (open) => front.accept(open), listening, env);
  } catch (error) {
    front.close();
    throw error;
  }
  return front;
}

/** Tells who may want to know. */
function publish({ address }: Peer, state: "open" | "closed"): void {
  if (!channels.connection.hasSubscribers) return;
  channels.connection.publish({ side: "server", endpoint: address, state });
}

class Front implements HttpServer {
  listener: Listener | undefined;
  draining = false;
  readonly #bounds: HttpBounds;
  readonly #limit: ConnectionLimit;
  readonly #env: Env;
  readonly #sides: { readonly "1.1": Http1Side; readonly "2": Side };
  readonly #links = new Links();
  /** Those that have not said yet what they speak. */
  readonly #strangers = new Set<Socket>();
  #drained: Promise<number> | undefined;
  /** When draining is to have ended. */
  #endsAt = Infinity;
  /** Waits no longer than `#endsAt` says now. */
  #hurry: (() => void) | undefined;

  constructor(handlers: HttpHandlers, bounds: HttpBounds, limit: ConnectionLimit, env: Env) {
    this.#bounds = bounds;
    this.#limit = limit;
    this.#env = env;
    this.#sides = {
      "1.1": new Http1Side(handlers, bounds),
      "2": new Http2Side(handlers, bounds, env),
    };
  }

  get address(): Address {
    return this.listener!.address;
  }

  get connections(): number {
    return this.#strangers.size + this.#links.open.size;
  }

  get inFlight(): number {
    return this.#links.inFlight;
  }

  accept({ socket, peer, alpn }: OpenSocket): void {
    // What it means is told by `close`; Node's servers have listeners of their own while they care.
    socket.on("error", () => {});
    const known = (): void => {
      this.#strangers.delete(socket);
      this.#links.told?.();
    };
    const take = (version: "1.1" | "2"): void => {
      known();
      if (socket.destroyed) return;
      const full = this.#limit.enter();
      if (full !== undefined) {
        // Still among the strangers, so that leaving waits for it.
        this.#strangers.add(socket);
        socket.on("close", known);
        return refuseConnection(socket, version, full, this.#env);
      }
      socket.on("close", () => this.#limit.left());
      this.#sides[version].take(new Link(this.#links, socket, peer, version));
      publish(peer, "open");
      socket.on("close", () => publish(peer, "closed"));
    };
    if (socket.readableEnded) socket.destroy();
    if (alpn === "h2") return take("2");
    // RFC 9113, 3.2: over TLS there is no HTTP/2 but by ALPN.
    if (socket instanceof TLSSocket) return take("1.1");
    this.#strangers.add(socket);
    socket.on("close", known);
    firstBytes(socket, this.#env.now() + this.#bounds.headersMs, this.#env, take);
  }

  drain(withinMs: number, cut?: () => void): Promise<number> {
    this.#endsAt = Math.min(this.#endsAt, this.#env.now() + withinMs);
    if (this.#drained === undefined) this.#drained = this.#drain(cut);
    else this.#hurry?.();
    return this.#drained;
  }

  /** Lets go of everything at once. */
  close(): void {
    for (const socket of this.#strangers) socket.destroy();
    for (const { socket } of this.#links.open) socket.destroy();
    for (const side of Object.values(this.#sides)) side.close();
  }

  async #drain(cut: (() => void) | undefined): Promise<number> {
    await this.listener!.close();
    this.draining = true;
    for (const side of Object.values(this.#sides)) side.drain();
    // Nothing tells a caller of HTTP/1.1 that is about to ask: what it has sent by now is read and refused, not lost.
    await this.#until(() => this.connections === 0, crossingMs);
    this.#sides["1.1"].closeIdle();
    await this.#until(() => this.inFlight === 0);
    const left = this.inFlight;
    if (left > 0) cut?.();
    else {
      await this.#until(() => this.connections === 0, lingerMs);
    }
    this.close();
    this.#endsAt = Infinity;
    await this.#until(() => this.connections === 0, lingerMs);
    return left;
  }

  #until(met: () => boolean, withinMs: number = Infinity): Promise<void> {
    const latest = this.#env.now() + withinMs;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#env.clear(late);
        this.#links.told = undefined;
        this.#hurry = undefined;
        resolve();
      };
      const late = alarmAt(this.#env, Infinity, done);
      this.#hurry = () => this.#env.set(late, Math.min(latest, this.#endsAt));
      this.#hurry();
      this.#links.told = () => {
        if (met()) done();
      };
      this.#links.told();
    });
  }
}
