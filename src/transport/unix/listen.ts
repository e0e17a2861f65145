import { createServer, type Server } from "node:net";

import type { Env } from "../../base/env.ts";
import { checkSocketPath, type Address } from "../address.ts";
import { connectionsMax } from "../listen-bounds.ts";
import type { Listener, OpenSocket, SocketListenOptions } from "../transport.ts";
import type { UnixSettings } from "./options.ts";
import { socketFile } from "./local-file.ts";
import { hiddenPath, statOf } from "./owner.ts";
import { listenRefused, refuseWindows } from "./refusal.ts";
import { publish, withdraw } from "./socket-file.ts";
import { bindHidden, checkHiddenPath, makeFolder, restrict } from "./socket-place.ts";
import { UnixPeer } from "./unix-peer.ts";

/** Binds under a hidden name, sets who may connect, and only then gives the socket its public name. */
export async function listenUnix(
  settings: UnixSettings,
  address: Address,
  accept: (accepted: OpenSocket) => void,
  options: SocketListenOptions,
  env: Env,
): Promise<Listener> {
  const path = address.place;
  const maxConnections = connectionsMax(options);
  checkSocketPath(path);
  refuseWindows(address, "sockets");
  const hidden = hiddenPath(path);
  checkHiddenPath(path, hidden);
  let accepted = 0;
  let restricted = false;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    accepted++;
    if (!restricted) return void socket.destroy();
    accept({ socket, peer: new UnixPeer(address.text, socket), alpn: undefined });
  });
  server.maxConnections = maxConnections;
  /** The queue is empty: a turn accepts one, and the first turn may be the rest of one that has looked at it already. */
  const emptied = async (): Promise<void> => {
    for (let before = -1; before < accepted;) {
      before = accepted;
      for (let turns = 0; turns < 2; turns++) await new Promise<void>((done) => env.yield(done));
    }
  };
  try {
    await makeFolder(address, settings);
    await bindHidden((at) => listening(server, at), hidden, address, socketFile);
    await restrict(hidden, settings.socketMode, settings.gid, address);
    // Until now the umask has decided who may connect. Nobody who is meant to knows of the hidden name.
    await emptied();
    restricted = true;
    await publish(hidden, address, socketFile);
  } catch (error) {
    server.close();
    throw await listenRefused(address, error);
  }
  const own = (await statOf(hidden))!;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await withdraw(path, own);
    // Who connected before the name was gone stands in the queue; closing would reset them, with what they have sent.
    await emptied();
    server.close(); // removes the hidden name too
  };
  return { address, close: () => (closing ??= close()) };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      server.off("listening", onListening);
      reject(error);
    };
    const onListening = (): void => {
      // Later errors are those of single accepts (no file descriptor left); the next connection is tried again.
      server.off("error", onError).on("error", () => {});
      resolve();
    };
    server.once("error", onError).once("listening", onListening);
    // In a cluster worker too the socket is ours and not the primary's.
    server.listen({ path, exclusive: true });
  });
}
