import { dialFrames, dialSocket, listenFrames, type MoverOf } from "../framed-sockets.ts";
import { refuseOtherUser, refuseWithoutShm, shmMoverOf } from "../shm/index.ts";
import { frameBytesLimit } from "../outgoing-bounds.ts";
import type { Sockets, Transport } from "../transport.ts";
import { reachUnix } from "./dial.ts";
import { listenUnix } from "./listen.ts";
import { settingsOf, type UnixOptions } from "./options.ts";

/**
 * Connections over Unix domain sockets, between processes of one host: `unix:/run/orders.sock`, or `unix:./run/orders.sock`
 * from the current folder. The socket file gets mode 0600, so only processes of the same user (and root) connect, unless the
 * options say otherwise; a folder that is missing is made with mode 0700. A file that a dead process has left over is taken
 * over. `peer.uid`, `gid` and `pid` tell who connected, where the system tells: on Linux, with the addon or Node 26.1 or later.
 *
 * `dial` rejects, always with `executed: "no"`: UNAVAILABLE when nobody listens or not in time, PERMISSION_DENIED,
 * INVALID_ARGUMENT when the path holds something else, RESOURCE_EXHAUSTED when the process may open no more files.
 * `listen` rejects: UNAVAILABLE when somebody listens there, PERMISSION_DENIED, INVALID_ARGUMENT when the path is too long
 * or taken by another file, RESOURCE_EXHAUSTED when the disk is full or the process may open no more files.
 */
export function unix(options: UnixOptions = {}): Transport {
  const settings = settingsOf(options);
  const moverOf: MoverOf = (socket, dialled, env) => shmMoverOf(settings.shm, socket, dialled, env);
  const sockets: Sockets = {
    dial: (address, dialOptions, env) => dialSocket(reachUnix, address, dialOptions, env),
    listen: (address, accept, listenOptions, env) =>
      listenUnix(settings, address, accept, listenOptions, env),
  };
  return {
    name: "unix",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: frameBytesLimit,
      crossProcess: true,
      crossHost: false,
      noticesDeath: true,
    },
    async dial(address, dialOptions, env) {
      refuseWithoutShm(settings.shm, address);
      const connection = await dialFrames(reachUnix, address, dialOptions, env, moverOf);
      refuseOtherUser(settings.shm, connection);
      return connection;
    },
    async listen(address, accept, listenOptions, env) {
      refuseWithoutShm(settings.shm, address);
      return listenFrames(sockets, address, accept, listenOptions, env, moverOf);
    },
    sockets,
  };
}
