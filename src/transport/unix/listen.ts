import { chmod, chown, mkdir, unlink } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { dirname } from "node:path";

import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { checkSocketPath, socketPathBytesMax, type Address } from "../address.ts";
import { connectionsMax } from "../listen-bounds.ts";
import type { Listener, OpenSocket, SocketListenOptions } from "../transport.ts";
import type { UnixSettings } from "./options.ts";
import { hiddenPath, statOf } from "./owner.ts";
import { probe } from "./probe.ts";
import { groupDenied, inUse, listenRefused, notASocket } from "./refusal.ts";
import { publish, withdraw } from "./socket-file.ts";
import { UnixPeer } from "./unix-peer.ts";

/** For `chown`: the owner stays. */
const leaveUid = -1;

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
    await bind(server, hidden, address);
    await restrict(hidden, settings.socketMode, settings.gid, address);
    // Until now the umask has decided who may connect. Nobody who is meant to knows of the hidden name.
    await emptied();
    restricted = true;
    await publish(hidden, address);
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

/** Makes a folder that is missing, with those above it, for those whom the socket lets in; one that is there stays as it is. */
async function makeFolder(address: Address, { folderMode, gid }: UnixSettings): Promise<void> {
  const path = dirname(address.place);
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined || (folderMode === 0o700 && gid === undefined)) return;
  for (let folder = path; folder.length >= first.length; folder = dirname(folder)) {
    await restrict(folder, folderMode, gid, address);
  }
}

/** The mode comes last: until then nobody of the group gets in, whichever it is. */
async function restrict(
  path: string,
  mode: number,
  gid: number | undefined,
  address: Address,
): Promise<void> {
  if (gid !== undefined) {
    await chmod(path, mode & 0o700);
    await chown(path, leaveUid, gid).catch((error: unknown) => {
      throw groupDenied(address, gid, error);
    });
  }
  await chmod(path, mode);
}

function checkHiddenPath(path: string, hidden: string): void {
  const longer = Buffer.byteLength(hidden) - Buffer.byteLength(path);
  const bytesMax = socketPathBytesMax - longer;
  const bytes = Buffer.byteLength(path);
  if (bytes <= bytesMax) return;
  throw systemError(
    "INVALID_ARGUMENT",
    `the path ${path} is ${bytes} bytes long; to listen it may have ${bytesMax}, because the socket gets a hidden name too, ${hidden}`,
    { executed: "no", advice: "choose a shorter folder or name, for example under /run or /tmp" },
  );
}

/** Binds to the hidden name. One that is there was left by a process with our pid, or we listen there ourselves. */
async function bind(server: Server, hidden: string, address: Address): Promise<void> {
  try {
    await listening(server, hidden);
  } catch (error) {
    const file = await statOf(hidden);
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || file === undefined) throw error;
    if (!file.isSocket()) throw notASocket(address, file);
    if ((await probe(hidden)) !== "dead") throw await inUse(address, file);
    await unlink(hidden);
    await listening(server, hidden);
  }
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
