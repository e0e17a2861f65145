import type { Socket } from "node:net";

import { hostPort } from "../host-port.ts";
import { isLoopbackIp } from "../loopback.ts";

/**
 * The two ends of a connection over IP as one text, who dialled first, the same on both sides where nothing stands between them: a
 * proxy or a tunnel has ends of its own. Undefined when the other end is not seen to be on this host, or has gone.
 */
export function localEnds(socket: Socket, dialled: boolean): string | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || remoteAddress === undefined) return undefined;
  if (localPort === undefined || remotePort === undefined) return undefined;
  const local = remoteAddress === localAddress;
  if (!local && !(isLoopbackIp(remoteAddress) && isLoopbackIp(localAddress))) return undefined;
  const here = hostPort(localAddress, localPort);
  const there = hostPort(remoteAddress, remotePort);
  return dialled ? `${here}>${there}` : `${there}>${here}`;
}
