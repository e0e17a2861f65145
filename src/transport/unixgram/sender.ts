import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

import type { Env } from "../../base/env.ts";
import type { SystemError } from "../../base/error.ts";
import type { Addon, Watch } from "../../os/addon.ts";
import type { Address } from "../address.ts";
import { datagramBounds } from "../connectionless.ts";
import type { DatagramOptions, DatagramSender } from "../transport.ts";
import { dialRefused } from "../unix/refusal.ts";
import { WaitingSender, type DatagramExit } from "../waiting-sender.ts";

const { ECONNREFUSED, ECONNRESET, ENOTCONN, EDESTADDRREQ, EPIPE } = constants.errno;

/** The receiver that we were connected to is gone: another one may be at its path by now. */
const gone: ReadonlySet<number> = new Set(
  [ECONNREFUSED, ECONNRESET, ENOTCONN, EDESTADDRREQ, EPIPE].map((errno) => -errno),
);

export async function senderTo(
  os: Addon,
  address: Address,
  options: DatagramOptions,
  bytesMax: number,
  env: Env,
): Promise<DatagramSender> {
  const terms = { address, peer: { address: address.text, sameHost: true } };
  const bounds = datagramBounds(options, bytesMax);
  let exit: SocketExit;
  try {
    exit = new SocketExit(os, address);
  } catch (error) {
    throw await dialRefused(address, error as NodeJS.ErrnoException);
  }
  const sender = new WaitingSender({ ...terms, ...bounds }, exit, env);
  exit.room = () => sender.room();
  return sender;
}

/** A socket that is connected to the path when something is sent, and again when the receiver was another one: only so it says when there is room. */
class SocketExit implements DatagramExit {
  room: () => void = () => {};
  readonly #os: Addon;
  readonly #address: Address;
  readonly #fd: number;
  #connected = false;
  #watch: Watch | undefined;
  #waits = false;

  constructor(os: Addon, address: Address) {
    this.#os = os;
    this.#address = address;
    this.#fd = os.socketOpen(os.datagram);
  }

  send(datagram: Uint8Array): number {
    if (this.#connected) {
      const sent = this.#write(datagram);
      if (!gone.has(sent)) return sent;
    }
    const connected = this.#os.socketConnect(this.#fd, this.#address.place);
    this.#connected = connected === 0;
    return this.#connected ? this.#write(datagram) : connected;
  }

  awaitRoom(waits: boolean): void {
    if (waits === this.#waits) return;
    this.#waits = waits;
    const { writable } = this.#os;
    if (this.#watch !== undefined) this.#os.watchEvents(this.#watch, waits ? writable : 0);
    else if (waits) this.#watch = this.#os.watchStart(this.#fd, writable, false, () => this.room());
  }

  refusal(errno: number): Promise<SystemError> {
    const code = getSystemErrorName(errno);
    return dialRefused(this.#address, Object.assign(new Error(`send ${code}`), { code }));
  }

  close(): void {
    if (this.#watch !== undefined) this.#os.watchStop(this.#watch);
    this.#os.descriptorClose(this.#fd);
  }

  #write(datagram: Uint8Array): number {
    return this.#os.socketSend(this.#fd, datagram, 0, datagram.length, [], "");
  }
}
