import { readFileSync } from "node:fs";
import { constants, platform } from "node:os";

import type { Env } from "../../base/env.ts";
import type { SystemError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Address } from "../address.ts";
import { datagramBounds } from "../connectionless.ts";
import type { DatagramOptions, DatagramSender } from "../transport.ts";
import { WaitingSender, type DatagramExit } from "../waiting-sender.ts";
import { refused, signalBytes, signalOf, type Signal } from "./which.ts";

const { EPERM, ESRCH } = constants.errno;

/** How often it is tried again, in milliseconds, where the system holds as many signals of the user as it may. */
const againMs = 20;

export function senderOf(address: Address, options: DatagramOptions, env: Env): DatagramSender {
  const signal = signalOf(address);
  const exit = new SignalExit(address, signal, env);
  const { waitingMax } = datagramBounds(options, signalBytes);
  const terms = {
    address,
    peer: { address: address.text, sameHost: true, pid: exit.pid },
    bytesMax: signal.os === undefined ? 0 : signalBytes,
    exact: true,
    waitingMax,
  };
  const sender = new WaitingSender(terms, exit, env);
  exit.room = () => sender.room();
  return sender;
}

class SignalExit extends Alarm implements DatagramExit {
  readonly pid: number;
  room: () => void = () => {};
  readonly #address: Address;
  readonly #signal: Signal;
  readonly #env: Env;
  #waits = false;

  constructor(address: Address, signal: Signal, env: Env) {
    super();
    this.pid = address.place === "self" ? process.pid : Number(address.place);
    this.#address = address;
    this.#signal = signal;
    this.#env = env;
  }

  send(datagram: Uint8Array): number {
    const { os, number, name } = this.#signal;
    if (!listensTo(this.pid, number)) return -ESRCH;
    if (os !== undefined) {
      const value = new DataView(datagram.buffer, datagram.byteOffset).getInt32(0);
      return os.signalSend(this.pid, number, value);
    }
    try {
      process.kill(this.pid, name);
      return 0;
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -ESRCH;
    }
  }

  /** Nobody tells when there is room again. */
  awaitRoom(waits: boolean): void {
    this.#waits = waits;
    if (waits) this.#env.set(this, this.#env.now() + againMs);
    else this.#env.clear(this);
  }

  ring(): void {
    this.room();
    if (this.#waits) this.#env.set(this, this.#env.now() + againMs);
  }

  async refusal(errno: number): Promise<SystemError> {
    const { pid } = this;
    if (errno === -EPERM)
      return refused(
        this.#address,
        "PERMISSION_DENIED",
        `process ${pid} is another user's (EPERM)`,
        "send as the user that it runs as",
      );
    const why =
      errno !== -ESRCH || exists(pid)
        ? `process ${pid} does not listen to ${this.#signal.name}, and would die of it`
        : `there is no process ${pid}`;
    return refused(this.#address, "UNAVAILABLE", why, "look whether it runs, and serves there");
  }

  close(): void {
    this.awaitRoom(false);
  }
}

/** Whether a process handles a signal, as Linux tells; elsewhere, and where it does not tell, it is taken to. */
function listensTo(pid: number, signal: number): boolean {
  if (platform() !== "linux") return true;
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, "latin1");
  } catch {
    return false;
  }
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask === undefined || ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
