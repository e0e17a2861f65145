import { createServer, type Server, type TLSSocket } from "node:tls";

import { alarmAt } from "../../base/alarm.ts";
import { channels, type ConnectionEvent } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import type { Peer } from "../../base/peer.ts";
import type { Address } from "../address.ts";
import { connectionsMax } from "../listen-bounds.ts";
import { acceptQueued } from "../tcp/accept-queued.ts";
import { bind } from "../tcp/bind.ts";
import { remotePeer } from "../tcp/remote-peer.ts";
import { socketOptions } from "../tcp/socket-options.ts";
import type { Listener, OpenSocket, SocketListenOptions } from "../transport.ts";
import { peerCertificate } from "./certificate.ts";
import { agreed, preparedFor } from "./dial.ts";
import type { Prepared } from "./material.ts";
import { certificateMissing, told } from "./refusal.ts";
import type { Settings } from "./settings.ts";

/** How long a closing listener waits for handshakes that have begun, in milliseconds; those after it are cut off. */
const closingMs = 1_000;

export async function listenTls(
  address: Address,
  accept: (accepted: OpenSocket) => void,
  options: SocketListenOptions,
  settings: Settings,
  env: Env,
): Promise<Listener> {
  const maxConnections = connectionsMax(options);
  const prepared = preparedFor(address, () => settings.material.current(env));
  if (!prepared.hasCertificate) throw certificateMissing(address);
  const server = serverOf(prepared, options.alpn, settings);
  const handshakes = new Handshakes();
  let closed = false;
  keepUpToDate(server, prepared, () => settings.material.current(env));
  server.on("connection", () => handshakes.begin());
  server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
    handshakes.end();
    tell(address, socket, error);
    socket.destroy();
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    const peer = closed ? undefined : peerOf(socket, settings);
    if (peer === undefined) {
      handshakes.end();
      tell(address, socket, undefined);
      socket.on("error", () => {}).destroy();
      return;
    }
    socket.allowHalfOpen = true;
    const ignored = (): void => {};
    socket.pause().on("error", ignored);
    // Not from within Node's event, for the reason that `handshake` has.
    env.yield(() => {
      handshakes.end();
      if (socket.destroyed) return;
      accept({ socket, peer, alpn: agreed(socket) });
      socket.off("error", ignored);
    });
  });
  server.maxConnections = maxConnections;
  const bound = await bind(server, address, settings.lookup);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await acceptQueued(() => handshakes.begun, env);
    server.close();
    await handshakes.over(env);
    closed = true;
  };
  return { address: bound, close: () => (closing ??= close()) };
}

function serverOf(prepared: Prepared, alpn: readonly string[], settings: Settings): Server {
  return createServer({
    ...prepared.options,
    ...socketOptions,
    ALPNProtocols: [...alpn],
    requestCert: settings.clientCertificate !== "none",
    // Then OpenSSL itself tells the peer that one is missing.
    rejectUnauthorized: settings.clientCertificate === "required",
    handshakeTimeout: settings.handshakeMs,
    // Half-open is for later: who hangs up in the handshake is gone, and Node would keep the socket.
    allowHalfOpen: false,
  });
}

/** Sees to it that each handshake is made with what the certificates are then. */
function keepUpToDate(server: Server, first: Prepared, current: () => Prepared): void {
  let used = first;
  server.prependListener("connection", () => {
    const now = current();
    if (now === used || !now.hasCertificate) return;
    used = now;
    server.setSecureContext(now.options);
  });
}

/** Who it is; undefined when it has gone already, or has a certificate that we do not trust. */
function peerOf(socket: TLSSocket, { clientCertificate }: Settings): Peer | undefined {
  const peer = remotePeer("tls", socket);
  if (clientCertificate === "none") return peer;
  const certificate = socket.getPeerX509Certificate();
  if (socket.authorized && certificate !== undefined) {
    return peer && { ...peer, certificate: peerCertificate(certificate) };
  }
  return clientCertificate === "optional" && certificate === undefined ? peer : undefined;
}

/** Tells who may want to know that somebody has not got in, and why. */
function tell(address: Address, socket: TLSSocket, error: Error | undefined): void {
  if (!channels.connection.hasSubscribers) return;
  const endpoint = remotePeer("tls", socket)?.address ?? address.text;
  const certificate = socket.getPeerX509Certificate();
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  const why = String(socket.authorizationError ?? code ?? "the listener closes");
  const whose = certificate === undefined ? "" : ` with the certificate ${told(certificate)}`;
  const reason = `the TLS handshake${whose} has failed (${why})`;
  const event: ConnectionEvent = { side: "server", endpoint, state: "closed", reason };
  channels.connection.publish(event);
}

/** Counts the connections that are not secure yet. */
class Handshakes {
  begun = 0;
  #running = 0;
  #ended: (() => void) | undefined;

  begin(): void {
    this.begun++;
    this.#running++;
  }

  end(): void {
    this.#running--;
    if (this.#running === 0) this.#ended?.();
  }

  /** Resolves when all are over, or when it takes too long. */
  over(env: Env): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const late = alarmAt(env, env.now() + closingMs, resolve);
      this.#ended = () => {
        env.clear(late);
        resolve();
      };
    });
  }
}
