import { connect, type NetConnectOpts, type Socket } from "node:net";

import type { Env } from "../base/env.ts";
import type { Peer } from "../base/peer.ts";
import type { Address } from "./address.ts";
import { framed } from "./framed.ts";
import { outgoingBounds } from "./outgoing-bounds.ts";
import { SocketStream } from "./socket-stream.ts";
import type {
  Connection,
  DialOptions,
  Listener,
  ListenOptions,
  OpenSocket,
  SocketDialOptions,
  Sockets,
} from "./transport.ts";

/** What both sides say they speak over TLS; a server that knows nothing of it is talked to all the same. */
export const framesAlpn: readonly string[] = ["rsocket"];

/** What begins to connect, with whatever its maker needs beside the socket. */
export interface Started {
  readonly socket: Socket;
}

/** How a transport without TLS connects: it finds the target, and what comes of `start` there is connected. */
export type Reach = <T extends Started>(
  address: Address,
  until: number,
  env: Env,
  start: (target: NetConnectOpts) => T,
) => Promise<{ readonly started: T; readonly peer: Peer }>;

/** `Sockets.dial` by a transport without TLS. */
export async function dialSocket(
  reach: Reach,
  address: Address,
  options: SocketDialOptions,
  env: Env,
): Promise<OpenSocket> {
  const { started, peer } = await reach(address, options.until, env, (target) => ({
    socket: connect({ ...target, allowHalfOpen: true }).pause(),
  }));
  return { socket: started.socket, peer, alpn: undefined };
}

/** `Transport.dial` by a transport without TLS: its socket reads into memory that is there already. */
export async function dialFrames(
  reach: Reach,
  address: Address,
  options: DialOptions,
  env: Env,
): Promise<Connection> {
  const { started, peer } = await reach(address, options.until, env, (target) =>
    SocketStream.connect(target, env),
  );
  return framed(started, peer, options, env);
}

/** `Transport.listen` by a transport with sockets. */
export async function listenFrames(
  sockets: Sockets,
  address: Address,
  accept: (connection: Connection) => void,
  options: ListenOptions,
  env: Env,
): Promise<Listener> {
  outgoingBounds(options); // refuses those that no connection could be made with, before it listens
  const accepted = ({ socket, peer }: OpenSocket): void =>
    accept(framed(SocketStream.over(socket, env), peer, options, env));
  return sockets.listen(address, accepted, { ...options, alpn: framesAlpn }, env);
}
