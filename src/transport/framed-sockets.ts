import { connect, type NetConnectOpts, type Socket } from "node:net";

import type { Env } from "../base/env.ts";
import type { Peer } from "../base/peer.ts";
import type { Address } from "./address.ts";
import type { ByteStream } from "./byte-stream.ts";
import { framed } from "./framed.ts";
import type { Mover } from "./mover.ts";
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

/** Who may change the way below a connection over this socket; undefined: nobody. */
export type MoverOf = (
  socket: SocketStream,
  dialled: boolean,
  env: Env,
) => (Mover & { readonly stream: ByteStream }) | undefined;

/** `Transport.dial` by a transport without TLS: its socket reads into memory that is there already. */
export async function dialFrames(
  reach: Reach,
  address: Address,
  options: DialOptions,
  env: Env,
  moverOf?: MoverOf,
): Promise<Connection> {
  const { started, peer } = await reach(address, options.until, env, (target) =>
    SocketStream.connect(target, env),
  );
  const mover = moverOf?.(started, true, env);
  return framed(mover?.stream ?? started, peer, options, env, mover);
}

/** `Transport.listen` by a transport with sockets. */
export async function listenFrames(
  sockets: Sockets,
  address: Address,
  accept: (connection: Connection) => void,
  options: ListenOptions,
  env: Env,
  moverOf?: MoverOf,
): Promise<Listener> {
  outgoingBounds(options); // refuses those that no connection could be made with, before it listens
  const accepted = ({ socket, peer }: OpenSocket): void => {
    const stream = SocketStream.over(socket, env);
    const mover = moverOf?.(stream, false, env);
    accept(framed(mover?.stream ?? stream, peer, options, env, mover));
  };
  return sockets.listen(address, accepted, { ...options, alpn: framesAlpn }, env);
}
