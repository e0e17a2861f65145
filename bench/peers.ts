import type { Peer } from "./peer.ts";
import { grpc } from "./peers/grpc.ts";
import { http, httpDispatch } from "./peers/http.ts";
import { socket } from "./peers/socket.ts";
import { trunkline } from "./peers/trunkline.ts";

/** In the order of the tables. */
export const peers: readonly Peer[] = [socket, http, httpDispatch, grpc, trunkline];

export function peerNamed(name: string): Peer {
  const peer = peers.find((each) => each.name === name);
  if (peer === undefined)
    throw new Error(
      `there is no peer "${name}"; there are: ${peers.map((each) => each.name).join(", ")}`,
    );
  return peer;
}
