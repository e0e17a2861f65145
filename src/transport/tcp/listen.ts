import { createServer } from "node:net";

import type { Env } from "../../base/env.ts";
import type { Address } from "../address.ts";
import { connectionsMax } from "../listen-bounds.ts";
import type { Listener, OpenSocket, SocketListenOptions } from "../transport.ts";
import { acceptQueued } from "./accept-queued.ts";
import { bind } from "./bind.ts";
import type { Lookup } from "./lookup.ts";
import { remotePeer } from "./remote-peer.ts";
import { socketOptions } from "./socket-options.ts";

export async function listenTcp(
  address: Address,
  accept: (accepted: OpenSocket) => void,
  options: SocketListenOptions,
  lookup: Lookup,
  env: Env,
): Promise<Listener> {
  const maxConnections = connectionsMax(options);
  let accepted = 0;
  const server = createServer(
    { allowHalfOpen: true, pauseOnConnect: true, ...socketOptions },
    (socket) => {
      accepted++;
      const peer = remotePeer("tcp", socket);
      // Whoever has gone while waiting in the queue has no address any more.
      if (peer === undefined) socket.destroy();
      else accept({ socket, peer, alpn: undefined });
    },
  );
  server.maxConnections = maxConnections;
  const bound = await bind(server, address, lookup);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await acceptQueued(() => accepted, env);
    server.close();
  };
  return { address: bound, close: () => (closing ??= close()) };
}
