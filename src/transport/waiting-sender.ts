import { constants } from "node:os";

import { BoundedQueue } from "../base/bounded-queue.ts";
import type { Env } from "../base/env.ts";
import { systemError, type SystemError } from "../base/error.ts";
import type { Peer } from "../base/peer.ts";
import { Alarm } from "../base/timer-wheel.ts";
import type { Address } from "./address.ts";
import { noRoom, senderClosed, tooLarge } from "./connectionless.ts";
import type { DatagramSender } from "./transport.ts";

/** What a sender knows of its address. */
export interface SenderTerms {
  readonly address: Address;
  readonly peer: Peer;
  readonly bytesMax: number;
  readonly exact?: boolean;
  readonly waitingMax: number;
}

/** What takes datagrams at once or not at all: a socket, a queue, a process. */
export interface DatagramExit {
  /** A number below zero is that of an error; with EAGAIN there is no room. */
  send(datagram: Uint8Array): number;
  /** Whether somebody waits for room: then `room` of the sender is to be called when there may be some. */
  awaitRoom(waits: boolean): void;
  refusal(errno: number): Promise<SystemError>;
  close(): void;
}

/** Sends by an exit that says when it is full: then datagrams wait in line, each for its time. */
export class WaitingSender implements DatagramSender {
  readonly peer: Peer;
  readonly bytesMax: number;
  readonly exact: boolean;
  readonly #address: Address;
  readonly #exit: DatagramExit;
  readonly #env: Env;
  readonly #line: BoundedQueue<Waiting>;
  #closed = false;

  constructor(terms: SenderTerms, exit: DatagramExit, env: Env) {
    this.peer = terms.peer;
    this.bytesMax = terms.bytesMax;
    this.exact = terms.exact ?? false;
    this.#address = terms.address;
    this.#exit = exit;
    this.#env = env;
    this.#line = new BoundedQueue(terms.waitingMax);
  }

  get waiting(): number {
    return this.#line.size;
  }

  send(datagram: Uint8Array, until: number): Promise<void> {
    if (this.#closed) return Promise.reject(senderClosed(this.#address));
    const { length } = datagram;
    if (length > this.bytesMax)
      return Promise.reject(tooLarge(this.#address, length, this.bytesMax));
    if (this.exact && length !== this.bytesMax) return Promise.reject(this.#notExact(length));
    if (this.#line.size === 0) {
      const sent = this.#exit.send(datagram);
      if (sent >= 0) return Promise.resolve();
      if (sent !== full) return this.#refused(sent);
    }
    return this.#wait(datagram, until);
  }

  /** There may be room. */
  room(): void {
    for (;;) {
      const first = this.#line.peek();
      if (first === undefined) break;
      if (!first.over) {
        const sent = this.#exit.send(first.datagram);
        if (sent === full) return;
        this.#env.clear(first);
        if (sent >= 0) first.resolve();
        else first.resolve(this.#refused(sent));
      }
      this.#line.shift();
    }
    this.#exit.awaitRoom(false);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (let each = this.#line.shift(); each !== undefined; each = this.#line.shift()) {
      this.#env.clear(each);
      each.reject(senderClosed(this.#address));
    }
    this.#exit.close();
  }

  #wait(datagram: Uint8Array, until: number): Promise<void> {
    const line = this.#line;
    const refusal = noRoom(this.#address, line.size);
    if (until <= this.#env.now()) return Promise.reject(refusal);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = new Waiting(datagram, resolve, reject, refusal, () => this.#leave());
    if (!line.push(waiting)) return Promise.reject(refusal);
    this.#env.set(waiting, until);
    if (line.size === 1) this.#exit.awaitRoom(true);
    return promise;
  }

  /** Those at the head whose time is over hold no place. */
  #leave(): void {
    while (this.#line.peek()?.over === true) this.#line.shift();
    if (this.#line.size === 0) this.#exit.awaitRoom(false);
  }

  async #refused(errno: number): Promise<never> {
    throw await this.#exit.refusal(errno);
  }

  #notExact(bytes: number): SystemError {
    const reason = `it has ${bytes} bytes, and a datagram to there has exactly ${this.bytesMax}`;
    return systemError("INVALID_ARGUMENT", reason, {
      executed: "no",
      endpoint: this.#address.text,
    });
  }
}

const full = -constants.errno.EAGAIN;

/** One datagram in line. */
class Waiting extends Alarm {
  readonly datagram: Uint8Array;
  readonly resolve: (sent?: Promise<void>) => void;
  readonly reject: (error: SystemError) => void;
  over = false;
  readonly #refusal: SystemError;
  readonly #leave: () => void;

  constructor(
    datagram: Uint8Array,
    resolve: (sent?: Promise<void>) => void,
    reject: (error: SystemError) => void,
    refusal: SystemError,
    leave: () => void,
  ) {
    super();
    this.datagram = datagram;
    this.resolve = resolve;
    this.reject = reject;
    this.#refusal = refusal;
    this.#leave = leave;
  }

  ring(): void {
    this.over = true;
    this.reject(this.#refusal);
    this.#leave();
  }
}
