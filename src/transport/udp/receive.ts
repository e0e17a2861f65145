import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";

import type { Address } from "../address.ts";
import { datagramBounds } from "../connectionless.ts";
import { hostPort, withPort } from "../host-port.ts";
import { isLoopbackIp } from "../loopback.ts";
import type { DatagramOptions, DatagramReceiver, HearDatagram } from "../transport.ts";
import { bound, refused } from "./sender.ts";
import { Drops } from "./drops.ts";

/** Where a socket receives, and whatever is to be set before it does. */
export interface ReceivePlace {
  readonly host: string;
  readonly port: number;
  readonly receiveBytes: number | undefined;
  /** Others may receive there too. */
  readonly shared?: boolean;
  /** Called when it is bound. */
  readonly prepare?: (socket: Socket) => void;
}

/** A receiver by a socket of Node, which cannot be paused: what it has no room for the system throws away, and counts on Linux. */
export async function receiveOn(
  address: Address,
  { host, port, receiveBytes, shared = false, prepare }: ReceivePlace,
  hear: HearDatagram,
  options: DatagramOptions,
  datagramBytesMax: number,
): Promise<DatagramReceiver> {
  const { bytesMax } = datagramBounds(options, datagramBytesMax);
  const socket = createSocket({ type: isIPv6(host) ? "udp6" : "udp4", reuseAddr: shared });
  await bound(socket, address, { port, host });
  try {
    if (receiveBytes !== undefined) socket.setRecvBufferSize(receiveBytes);
    prepare?.(socket);
  } catch (error) {
    socket.close();
    throw refused(address, error as NodeJS.ErrnoException);
  }
  const at = withPort(address, socket.address().port);
  let large = 0;
  const drops = new Drops(socket.address(), isIPv6(host));
  socket.on("message", (memory, sender) => {
    if (memory.length > bytesMax) large++;
    else
      hear(memory, 0, memory.length, {
        address: `udp://${hostPort(sender.address, sender.port)}`,
        sameHost: isLoopbackIp(sender.address),
      });
  });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      drops.last();
      socket.close(() => resolve());
    });
  return {
    address: at,
    get dropped() {
      const dropped = drops.count;
      return dropped === undefined ? undefined : dropped + large;
    },
    close: () => (closing ??= close()),
  };
}
