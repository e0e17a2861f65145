import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";

import { alarmAt } from "../../../base/alarm.ts";
import type { Env } from "../../../base/env.ts";
import { Alarm } from "../../../base/timer-wheel.ts";
import {
  connectionWindowBytes,
  frameBytesMax,
  sessionMegabytesMax,
} from "../../http/http-bounds.ts";
import { headerBytesMax } from "../wire/failure.ts";
import { itemBytesSetting } from "../wire/settings.ts";
import type { CallerBounds } from "./bounds.ts";

/** Bytes of one answer that may come before they are read. */
const streamWindowBytes = 256 * 1024;

/** How long a peer may take to close a connection that we have closed, in milliseconds; then it is cut. */
const lingerMs = 1_000;

const moreFollows = { endStream: false };

/** What an error means is told by `close`. */
function unheard(): void {}

/** Who uses a session. */
export interface SessionOwner {
  /** The server has introduced itself: requests may be sent. */
  ready(session: CallingSession): void;
  /** It takes no new requests here. */
  draining(session: CallingSession): void;
  /** A stream has ended: there is room for another one. */
  settled(session: CallingSession): void;
  /** A sign of life is due: the moment to look how old the connection is. */
  watched(session: CallingSession, now: number): void;
  /** The last word. */
  closed(session: CallingSession, reason: string): void;
}

/** One connection of HTTP/2 that we have dialled: opens streams, asks for signs of life, hears when it is to be left. */
export class CallingSession extends Alarm {
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #owner: SessionOwner;
  readonly #bounds: CallerBounds;
  readonly #env: Env;
  /** Streams that are open. */
  active = 0;
  /** Takes no new streams. */
  leaving = false;
  /** Streams above it the server has not looked at, it says. */
  lastStreamId: number = Infinity;
  /** The server says in its headers when it begins to read items. */
  trunkline = false;
  /** The life of the server's process, once its first answer has said so. */
  bootId: string | undefined = undefined;
  /** The largest message that both take, as far as the server has said so. */
  itemBytesMax: number;
  #introduced = false;
  #streamsMax = 0;
  #read = 0;
  #heardAt: number;
  #reason = "the server has closed the connection";

  constructor(
    socket: Socket,
    authority: string,
    owner: SessionOwner,
    bounds: CallerBounds,
    env: Env,
  ) {
    super();
    this.#socket = socket;
    this.#owner = owner;
    this.#bounds = bounds;
    this.#env = env;
    this.#heardAt = env.now();
    this.itemBytesMax = bounds.itemBytesMax;
    // In HTTP/2 nobody ends a half: who has ended is gone.
    socket.allowHalfOpen = false;
    const session = connect(authority, {
      createConnection: () => socket,
      settings: {
        enablePush: false,
        initialWindowSize: streamWindowBytes,
        maxFrameSize: frameBytesMax,
        maxHeaderListSize: headerBytesMax,
      },
      maxSessionMemory: sessionMegabytesMax,
      remoteCustomSettings: [itemBytesSetting],
    });
    this.#session = session;
    // Nothing here may go unheard: an `error` without a listener ends the process.
    session.on("error", (error: Error) => (this.#reason = error.message));
    socket.on("error", (error) => (this.#reason = error.message));
    session.on("remoteSettings", () => this.#settings());
    session.on("goaway", (code, lastStreamId) => this.#goaway(code, lastStreamId));
    socket.on("close", () => this.#closed());
    session.setLocalWindowSize(connectionWindowBytes);
    socket.resume();
    env.set(this, env.now() + bounds.lifetimeMs);
  }

  /** An answer says whose it is. Only of a server whose settings are ours: else somebody stands between, who may have several. */
  met(bootId: string): void {
    if (this.trunkline) this.bootId = bootId;
  }

  /** True when one more stream may be opened now. */
  get room(): boolean {
    return this.active < this.#streamsMax;
  }

  /** Nothing is left that anybody waits for. */
  get quiet(): boolean {
    return this.active === 0;
  }

  /** No stream of it can be heard any more. */
  get gone(): boolean {
    return this.#session.destroyed || this.#socket.destroyed;
  }

  get reason(): string {
    return this.#reason;
  }

  /** Undefined when it turns out that it can take none. `asker` is told the last word of the stream. */
  open(
    headers: OutgoingHttpHeaders,
    signal: AbortSignal | undefined,
    asker: { closed(stream: ClientHttp2Stream): void },
  ): ClientHttp2Stream | undefined {
    if (this.#session.closed || this.#session.destroyed) return undefined;
    const options = signal === undefined ? moreFollows : { ...moreFollows, signal };
    const stream = this.#session.request(headers, options);
    stream.on("error", unheard);
    this.active++;
    stream.on("close", () => {
      asker.closed(stream);
      this.active--;
      this.#owner.settled(this);
    });
    return stream;
  }

  /** Says goodbye when no stream is open any more; to be called again then. */
  leave(): void {
    this.leaving = true;
    // A goodbye might come before requests that are on their way, and those would be refused.
    if (!this.quiet) return;
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close();
    const late = alarmAt(this.#env, this.#env.now() + lingerMs, () => this.#socket.destroy());
    this.#socket.once("close", () => this.#env.clear(late));
  }

  destroy(reason: string): void {
    this.#reason = reason;
    this.#socket.destroy();
  }

  #settings(): void {
    const { maxConcurrentStreams, customSettings } = this.#session.remoteSettings;
    this.#streamsMax = maxConcurrentStreams ?? Infinity;
    const bytes = customSettings?.[itemBytesSetting];
    this.trunkline = bytes !== undefined;
    this.itemBytesMax = Math.min(this.#bounds.itemBytesMax, bytes ?? Infinity);
    if (this.#introduced) return this.#owner.settled(this);
    this.#introduced = true;
    this.#env.set(this, this.#env.now() + this.#bounds.keepaliveMs);
    this.#owner.ready(this);
  }

  #goaway(code: number, lastStreamId: number): void {
    this.lastStreamId = lastStreamId;
    this.leaving = true;
    if (code !== constants.NGHTTP2_NO_ERROR)
      this.#reason = `the server has sent us away (HTTP/2 error ${code})`;
    this.#owner.draining(this);
  }

  /** Asks for a sign of life; whatever comes is one. */
  ring(): void {
    const now = this.#env.now();
    if (this.#socket.bytesRead !== this.#read) this.#heardAt = now;
    this.#read = this.#socket.bytesRead;
    const { keepaliveMs, lifetimeMs } = this.#bounds;
    const silentMs = now - this.#heardAt;
    if (silentMs >= lifetimeMs || !this.#introduced) {
      this.destroy(`nothing came from the server for ${Math.round(silentMs)} ms`);
      return;
    }
    if (silentMs > 0 && !this.#session.closed && !this.#session.destroyed) {
      this.#session.ping(() => {});
    }
    this.#env.set(this, now + Math.min(keepaliveMs, lifetimeMs - silentMs));
    this.#owner.watched(this, now);
  }

  #closed(): void {
    this.#env.clear(this);
    this.leaving = true;
    // Node tells streams in turns of their own; they are to find it closed.
    this.#owner.closed(this, this.#reason);
  }
}
