import { BoundedQueue } from "../../base/bounded-queue.ts";
import type { Addon, Watch } from "../../os/addon.ts";
import { reserveOf, type Reserve } from "./reserve.ts";

/** What goes along with each descriptor. */
const mark = 0x4c;

/** Descriptors that may have come before the words that tell of them; those beyond wait in the socket. */
const earlyMax = 64;

/** EAGAIN, and EMSGSIZE for a descriptor that there was no room for, as the addon gives them. */
const again = -11;
const tooMany = -90;

/** A descriptor; `lost`: it came, and this process may not open so many. */
type Received = number | "lost";

/** Told in the event loop, each at most once. */
export interface DescriptorsUser {
  /** The other side has closed the socket: it is gone, or is about to be. */
  gone(): void;
  broken(): void;
}

/**
 * The socket of a connection that has moved to shared memory: descriptors go by it, one by one and in the order of the words in
 * the ring that tell of them, and each before its word, so that it is there when that is read. Its end tells of the other side's.
 */
export class Descriptors {
  readonly #os: Addon;
  readonly #fd: number;
  readonly #user: DescriptorsUser;
  readonly #watch: Watch;
  readonly #early: BoundedQueue<Received> = new BoundedQueue(earlyMax);
  readonly #byte: Buffer = Buffer.of(mark);
  readonly #reserve: Reserve;
  #watching = true;
  /** The other side has closed the socket, or broken it. */
  #over = false;
  #closed = false;

  /** `fd` stays the caller's, and open until `close` was called. */
  constructor(os: Addon, fd: number, user: DescriptorsUser) {
    this.#os = os;
    this.#fd = fd;
    this.#user = user;
    this.#watch = os.watchStart(fd, os.readable, false, (events) => this.#readable(events < 0));
    this.#reserve = reserveOf(os);
    this.#reserve.begin();
  }

  /** False: the socket does not take it now, for the other side reads none, or is gone. It stays the caller's. */
  send(fd: number): boolean {
    this.#byte[0] = mark;
    return !this.#closed && this.#os.socketSend(this.#fd, this.#byte, 0, 1, [fd], "") === 1;
  }

  /** The next one, which the caller gives to `release`; undefined: the other side has sent none. */
  take(): Received | undefined {
    if (this.#closed) return undefined;
    const early = this.#early.shift();
    if (early === undefined) return this.#receive();
    this.#watchAgain();
    return early;
  }

  /** Closes one that was taken, also after `close`. */
  release(fd: number): void {
    this.#reserve.close(fd);
  }

  /** Whether the process goes on for its sake. */
  hold(holds: boolean): void {
    if (!this.#closed) this.#os.watchHold(this.#watch, holds);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#os.watchStop(this.#watch);
    for (let fd = this.#early.shift(); fd !== undefined; fd = this.#early.shift())
      if (fd !== "lost") this.#reserve.close(fd);
    this.#reserve.end();
  }

  /** `failed`: who has died had not read all that we have sent, and nothing is watched any more, though there may be more to receive. */
  #readable(failed: boolean): void {
    if (failed) this.#watching = false;
    if (!this.#reserve.ready(() => this.#watchAgain())) return this.#watchNoMore();
    const fd = this.#receive();
    if (fd !== undefined) this.#early.push(fd);
    if (this.#early.size === earlyMax) this.#watchNoMore();
    else this.#watchAgain();
  }

  #watchNoMore(): void {
    this.#watching = false;
    this.#os.watchEvents(this.#watch, 0);
  }

  #watchAgain(): void {
    if (this.#watching || this.#over || this.#closed) return;
    this.#watching = true;
    this.#os.watchEvents(this.#watch, this.#os.readable);
  }

  #receive(): Received | undefined {
    const fds: number[] = [];
    let count = 0;
    this.#reserve.lend(() => {
      count = this.#os.socketReceive(this.#fd, this.#byte, 0, 1, fds);
      return fds.length;
    });
    const [fd] = fds;
    if (count === 1 && this.#byte[0] === mark && fds.length === 1) return fd;
    for (const each of fds) this.#reserve.close(each);
    if (count === again) return undefined;
    if (count === tooMany) return "lost";
    this.#over = true;
    this.#os.watchEvents(this.#watch, 0);
    if (count > 0) this.#user.broken();
    else this.#user.gone();
    return undefined;
  }
}
