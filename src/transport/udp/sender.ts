import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";

import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import type { Address } from "../address.ts";
import { datagramBounds, noRoom, senderClosed, tooLarge } from "../connectionless.ts";
import type { DatagramOptions, DatagramSender } from "../transport.ts";

/** Where a socket sends to, and whatever is to be set before it does. */
export interface SendPlace {
  readonly host: string;
  readonly port: number;
  readonly sameHost: boolean;
  /** Called when it is bound. */
  readonly prepare?: (socket: Socket) => void;
}

/** A sender by a socket of Node, bound to a free port. */
export async function senderBy(
  address: Address,
  { host, port, sameHost, prepare }: SendPlace,
  options: DatagramOptions,
  datagramBytesMax: number,
  env: Env,
): Promise<DatagramSender> {
  const { bytesMax, waitingMax } = datagramBounds(options, datagramBytesMax);
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  // What is sent to this host alone leaves from loopback, so that its socket is open to nobody else.
  const own = isIPv6(host) ? "::1" : "127.0.0.1";
  await bound(socket, address, sameHost ? { port: 0, host: own } : { port: 0 });
  try {
    prepare?.(socket);
  } catch (error) {
    socket.close();
    throw refused(address, error as NodeJS.ErrnoException);
  }
  socket.unref();
  let waiting = 0;
  let closed = false;
  const send = async (datagram: Uint8Array, until: number): Promise<void> => {
    if (closed) throw senderClosed(address);
    if (datagram.length > bytesMax) throw tooLarge(address, datagram.length, bytesMax);
    if (waiting >= waitingMax || until <= env.now()) throw noRoom(address, waiting);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting++;
    socket.send(datagram, port, host, (error) => {
      waiting--;
      if (error === null) resolve();
      else reject(closed ? senderClosed(address) : refused(address, error));
    });
    await promise;
  };
  const close = (): void => {
    if (closed) return;
    closed = true;
    socket.close();
  };
  return {
    peer: { address: address.text, sameHost },
    bytesMax,
    get waiting() {
      return waiting;
    },
    send,
    close,
  };
}

/** Binds a socket; later errors of it are those of single datagrams, which nobody waits for. */
export function bound(
  socket: Socket,
  address: Address,
  options: { readonly port: number; readonly host?: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.close();
      reject(refused(address, error));
    };
    socket.once("error", onError);
    const { port, host } = options;
    // In a cluster worker too the socket is ours and not the primary's.
    socket.bind({ port, ...(host === undefined ? {} : { address: host }), exclusive: true }, () => {
      socket.off("error", onError).on("error", () => {});
      resolve();
    });
  });
}

const inUse = "stop who receives there, or choose another port";
const exhausted = "raise `ulimit -n`, or close sockets";

type Words = readonly [
  code: "UNAVAILABLE" | "PERMISSION_DENIED" | "INVALID_ARGUMENT" | "RESOURCE_EXHAUSTED",
  reason: string,
  advice: string,
];

const words: Readonly<Record<string, Words>> = {
  EADDRINUSE: ["UNAVAILABLE", "the address is in use", inUse],
  EADDRNOTAVAIL: ["INVALID_ARGUMENT", "this host has no such address", "take one of its own"],
  EACCES: ["PERMISSION_DENIED", "this process may not", "take a port above 1,023"],
  EPERM: ["PERMISSION_DENIED", "this host does not let us", "look at its firewall"],
  EMFILE: ["RESOURCE_EXHAUSTED", "this process has as many files open as it may", exhausted],
  EMSGSIZE: ["RESOURCE_EXHAUSTED", "it is larger than the network takes", "send less"],
  ENODEV: ["INVALID_ARGUMENT", "this host has no such interface", "name one by its address"],
  EINVAL: ["INVALID_ARGUMENT", "the system refuses the address", "look at the address"],
};

/** Translates what the system says. */
export function refused(address: Address, error: NodeJS.ErrnoException): SystemError {
  const name = error.code ?? "";
  const [code, reason, advice] = words[name] ?? ["UNAVAILABLE", error.message, undefined];
  return systemError(code, `${reason}${name === "" ? "" : ` (${name})`}`, {
    executed: "no",
    endpoint: address.text,
    cause: error,
    advice,
  });
}
