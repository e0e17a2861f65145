import { constants, type Http2Session } from "node:http2";
import type { Socket } from "node:net";

import type { Env } from "../../base/env.ts";

/** The answer to a PING, and what TLS adds to it: whoever was sent more has other reasons to ask. */
const answerBytesMax = 64;

/** PINGs before their time that are forgiven. gRPC forgives two, and waits for minutes in between. */
const forgivenMax = 10;

/** Ends the session of a peer that keeps asking for signs of life: each answer is work for nothing. */
export class PingWatch {
  readonly #session: Http2Session;
  readonly #socket: Socket;
  readonly #msMin: number;
  readonly #env: Env;
  #last = -Infinity;
  #written = 0;
  #early = 0;

  constructor(session: Http2Session, socket: Socket, msMin: number, env: Env) {
    this.#session = session;
    this.#socket = socket;
    this.#msMin = msMin;
    this.#env = env;
  }

  /** A PING has come. Those by which a peer measures the line while it is sent something do not count. */
  came(): void {
    const now = this.#env.now();
    const { bytesWritten } = this.#socket;
    if (bytesWritten - this.#written > answerBytesMax) this.#early = 0;
    else if (now - this.#last < this.#msMin) this.#early++;
    this.#last = now;
    this.#written = bytesWritten;
    if (this.#early <= forgivenMax || this.#session.destroyed) return;
    // The words by which clients of gRPC know that they have to ask less often.
    const words = Buffer.from("too_many_pings");
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, words);
    this.#env.yield(() => this.#session.destroy());
  }
}
