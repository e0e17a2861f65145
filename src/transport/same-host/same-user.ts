import { ownUser } from "../../base/process-owner.ts";
import { addon } from "../../os/addon.ts";
import type { SocketStream } from "../socket-stream.ts";

/**
 * True when the system says that the other end of a Unix socket is another user's. Without the addon it is not asked: then the modes of
 * the folder and of the socket in it have to do.
 */
export function isOtherUser(stream: SocketStream): boolean {
  const os = addon();
  if (os === undefined) return false;
  const peer = os.socketPeer(stream.fd);
  return typeof peer === "number" || peer[1] !== ownUser();
}
