import { constants } from "node:os";

import type { Env } from "../../base/env.ts";
import type { SystemError } from "../../base/error.ts";
import type { Addon, Watch } from "../../os/addon.ts";
import type { Address } from "../address.ts";
import { datagramBounds } from "../connectionless.ts";
import type { DatagramOptions, DatagramSender } from "../transport.ts";
import { WaitingSender, type DatagramExit } from "../waiting-sender.ts";
import { access, openedQueue } from "./open-queue.ts";
import { queueTerms } from "./queue-terms.ts";
import { queueRefused } from "./refusal.ts";

/** Higher ones are received first. */
export type PriorityOf = (datagram: Uint8Array) => number;

export function senderTo(
  os: Addon,
  address: Address,
  options: DatagramOptions,
  env: Env,
  priorityOf: PriorityOf = () => 0,
): DatagramSender {
  const { bytes } = queueTerms(address);
  datagramBounds(options, bytes); // refuses those that cannot be, before a queue is opened
  const exit = new QueueExit(os, address, priorityOf);
  const terms = { address, peer: { address: address.text, sameHost: true } };
  const bounds = datagramBounds(options, exit.bytesMax ?? bytes);
  const sender = new WaitingSender({ ...terms, ...bounds }, exit, env);
  exit.room = () => sender.room();
  return sender;
}

/** A queue that is opened when something is sent, unless it was there before, and again when it was removed. */
class QueueExit implements DatagramExit {
  /** Undefined: it is not there yet. */
  readonly bytesMax: number | undefined;
  room: () => void = () => {};
  readonly #os: Addon;
  readonly #address: Address;
  readonly #priorityOf: PriorityOf;
  #fd: number | undefined;
  #watch: Watch | undefined;
  #waits = false;

  constructor(os: Addon, address: Address, priorityOf: PriorityOf) {
    this.#priorityOf = priorityOf;
    this.#os = os;
    this.#address = address;
    const queue = openedQueue(os, address.place, access.write);
    if (typeof queue === "number") return;
    this.#fd = queue.fd;
    this.bytesMax = queue.bytes;
  }

  send(datagram: Uint8Array): number {
    if (this.#fd !== undefined) {
      const sent = this.#write(this.#fd, datagram);
      if (sent !== -constants.errno.ENOENT) return sent;
      this.close(); // it was removed, and another of that name may be there by now
    }
    const queue = openedQueue(this.#os, this.#address.place, access.write);
    if (typeof queue === "number") return queue;
    this.#fd = queue.fd;
    if (this.#waits) this.#watchRoom();
    return this.#write(queue.fd, datagram);
  }

  awaitRoom(waits: boolean): void {
    if (waits === this.#waits) return;
    this.#waits = waits;
    this.#watchRoom();
  }

  #watchRoom(): void {
    if (this.#fd === undefined) return;
    const { writable } = this.#os;
    if (this.#watch !== undefined) this.#os.watchEvents(this.#watch, this.#waits ? writable : 0);
    else if (this.#waits)
      this.#watch = this.#os.watchStart(this.#fd, writable, false, () => this.room());
  }

  #write(fd: number, datagram: Uint8Array): number {
    return this.#os.queueSend(fd, datagram, 0, datagram.length, this.#priorityOf(datagram));
  }

  refusal(errno: number): Promise<SystemError> {
    return Promise.resolve(queueRefused(this.#address, errno));
  }

  close(): void {
    if (this.#watch !== undefined) this.#os.watchStop(this.#watch);
    this.#watch = undefined;
    if (this.#fd !== undefined) this.#os.descriptorClose(this.#fd);
    this.#fd = undefined;
  }
}
