import { isIP } from "node:net";
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from "node:tls";

import type { Env } from "../../base/env.ts";
import { isTrunklineError, locate } from "../../base/error.ts";
import type { Address } from "../address.ts";
import { hostOf } from "../host-port.ts";
import { isLoopbackIp } from "../loopback.ts";
import { reach, type Target } from "../tcp/reach.ts";
import { socketOptions } from "../tcp/socket-options.ts";
import type { OpenSocket, SocketDialOptions } from "../transport.ts";
import { peerCertificate } from "./certificate.ts";
import { handshake } from "./handshake.ts";
import type { Prepared } from "./material.ts";
import { distrusted, handshakeFailed, handshakeLate } from "./refusal.ts";
import type { Settings } from "./settings.ts";

export async function dialTls(
  address: Address,
  options: SocketDialOptions,
  settings: Settings,
  env: Env,
): Promise<OpenSocket> {
  const { material, lookup, handshakeMs, serverName = hostOf(address) } = settings;
  const prepared = preparedFor(address, () => material.current(env));
  const { socket } = await reach(address, options.until, lookup, env, (target) => ({
    socket: begin(target, serverName, options.alpn, prepared),
  }));
  const until = Math.min(options.until, env.now() + handshakeMs);
  const result = await handshake(socket, until, env);
  if ("shaken" in result) {
    const peer = {
      address: address.text,
      sameHost: isLoopbackIp(socket.remoteAddress ?? ""),
      certificate: peerCertificate(result.shaken),
    };
    return { socket, peer, alpn: agreed(socket) };
  }
  if ("distrust" in result) {
    throw distrusted(address, serverName, result.certificate, result.distrust, env);
  }
  if ("error" in result) throw handshakeFailed(address, result.error, options.alpn);
  if (result.over === "late") throw handshakeLate(address);
  throw handshakeFailed(address, undefined, options.alpn);
}

/** Begins to connect; the handshake follows by itself. `handshake` says whether the certificate was good. */
function begin(
  target: Target,
  serverName: string,
  alpn: readonly string[],
  { context }: Prepared,
): TLSSocket {
  const { noDelay, keepAlive, keepAliveInitialDelay } = socketOptions;
  const options: ConnectionOptions & { readonly allowHalfOpen: boolean } = {
    ...target,
    secureContext: context,
    // A server is asked for a certificate by name only: SNI knows no IP addresses.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
    ALPNProtocols: [...alpn],
    rejectUnauthorized: false,
    allowHalfOpen: true,
  };
  // As options of `connect` they would be passed over.
  return connect(options).setNoDelay(noDelay).setKeepAlive(keepAlive, keepAliveInitialDelay);
}

/** What both sides speak; undefined when one of them knows nothing of ALPN. */
export function agreed({ alpnProtocol }: TLSSocket): string | undefined {
  return alpnProtocol === false || alpnProtocol === null ? undefined : alpnProtocol;
}

/** Says of an error in our own certificates for which address they were wanted. */
export function preparedFor(address: Address, current: () => Prepared): Prepared {
  try {
    return current();
  } catch (error) {
    throw isTrunklineError(error) ? locate(error, { endpoint: address.text }) : error;
  }
}
