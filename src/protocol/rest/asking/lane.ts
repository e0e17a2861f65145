import type { Socket } from "node:net";
import type { Client, Dispatcher } from "undici";
import type * as Undici from "undici";
import { alarmAt } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import type { Alarm } from "../../../base/timer-wheel.ts";
import type { OpenSocket } from "../../../transport/transport.ts";

/** Requests that share a connection of HTTP/2: as many as our own servers take, and others say less. */
const sharedMax = 1_000;

/**
 * Bytes of bodies under way on a shared connection, from which on it takes no further request: Node's client has 10 MB of
 * memory for each connection of HTTP/2, and breaks streams when that is used up.
 */
const sharedBytesHigh: number = 2 * 1024 * 1024;

/** What the client of a lost connection is told when it asks for another one: what was not written goes elsewhere. */
export class LaneOver extends Error {
  override readonly name: string = "LaneOver";
}

/** Who is told of a lane. */
export interface LaneHome {
  /** A request has ended, and it takes another one. */
  freed(lane: Lane): void;
  /** Its socket is closed. */
  closed(lane: Lane, reason: string): void;
}

export interface LaneTerms {
  /** The instant at which it is too old. */
  readonly agesAt: number;
  readonly origin: string;
  readonly http2: boolean;
  readonly idleMs: number;
}

/**
 * One connection, and undici's client of it. A client that has lost its connection is not used again: who dials, and when,
 * is decided elsewhere.
 */
export class Lane {
  readonly openedAt: number;
  /** From when on its requests should go to a younger one. */
  readonly agesAt: number;
  /** It may be given no further request. */
  leaving = false;
  /** A request was answered on it. */
  proven = false;
  #busy = 0;
  #bytes = 0;
  readonly #room: number;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #env: Env;
  readonly #unusedUntil: Alarm;
  /** Undici has the socket. */
  #taken = false;
  readonly #home: LaneHome;

  constructor(
    undici: typeof Undici,
    open: OpenSocket,
    home: LaneHome,
    { origin, http2, idleMs, agesAt }: LaneTerms,
    env: Env,
  ) {
    this.#home = home;
    this.#env = env;
    this.openedAt = env.now();
    this.agesAt = agesAt;
    this.#room = http2 ? sharedMax : 1;
    const { socket } = open;
    this.#socket = socket;
    // Undici looks at the socket for what was agreed on; in clear text that is known beforehand.
    if (http2 && open.alpn === undefined) Object.assign(socket, { alpnProtocol: "h2" });
    this.#unusedUntil = alarmAt(env, env.now() + idleMs, this.#unused);
    socket.on("error", this.#unused);
    if (!http2) socket.on("readable", this.#unused); // nobody may speak unasked
    this.#client = new undici.Client(origin, {
      connect: (_options, callback) => {
        const first = !this.#taken;
        if (first) this.#take();
        // Within this call undici would not go on.
        env.defer(() => {
          if (!first) return callback(new LaneOver("the connection was lost"), null);
          callback(null, socket);
          if (http2) socket.resume(); // the session reads below it, and does not begin to
        });
      },
      // Deadlines are kept by who waits, and signs of life are asked for by nobody over HTTP/1.1.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleMs,
      pipelining: 1,
      h2Options: { maxConcurrentStreams: sharedMax },
    });
    let reason = "the connection was closed";
    this.#client.on("disconnect", (_origin, _targets, error) => {
      reason = error.message;
      this.leave();
    });
    socket.once("close", () => {
      env.clear(this.#unusedUntil);
      this.leave();
      home.closed(this, reason);
    });
  }

  /** Undici takes the socket with the first request: until then its end is for us to see, and how long it idles. */
  readonly #unused = (): void => void this.#socket.destroy();

  #take(): void {
    this.#taken = true;
    this.#env.clear(this.#unusedUntil);
    this.#socket.off("readable", this.#unused).off("error", this.#unused);
  }

  /** Requests share it. */
  get shared(): boolean {
    return this.#room > 1;
  }

  get free(): boolean {
    return !this.leaving && this.#busy < this.#room && this.#bytes < sharedBytesHigh;
  }

  /** `bytes`: of its body. */
  dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
    bytes: number,
  ): void {
    this.#client.dispatch(options, handler); // throws what HTTP cannot carry
    this.#busy++;
    this.#bytes += bytes;
  }

  /** A request that was dispatched is over. */
  release(bytes: number): void {
    this.#busy--;
    this.#bytes -= bytes;
    if (this.leaving) this.#end();
    else this.#home.freed(this);
  }

  /** No further request goes here. */
  leave(): void {
    if (this.leaving) return;
    this.leaving = true;
    this.#end();
  }

  destroy(): void {
    this.leaving = true;
    void this.#client.destroy();
    if (!this.#taken) this.#socket.destroy();
  }

  /** What is leaving is closed with its last request. */
  #end(): void {
    if (this.#busy === 0) this.destroy();
  }
}
