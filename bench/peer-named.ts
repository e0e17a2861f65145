import { ipcOnly } from "./ipc/peers.ts";
import {
  callsPeers,
  idlePeers,
  rivals,
  servicesPeers,
  spreadPeers,
  transports,
  type Listed,
} from "./peers.ts";

/** The process of a peer is told its name. */
export function peerNamed(name: string): Listed {
  const all = [
    ...ipcOnly,
    ...callsPeers,
    ...transports.flatMap(({ ours, bare }) => [ours, ...(bare === undefined ? [] : [bare])]),
    ...servicesPeers,
    ...spreadPeers,
    ...idlePeers,
    ...rivals.flatMap(({ peers }) => peers),
  ];
  const peer = all.find((each) => each.name === name);
  if (peer === undefined)
    throw new Error(
      `there is no peer "${name}"; there are: ${all.map((each) => each.name).join(", ")}`,
    );
  return peer;
}
