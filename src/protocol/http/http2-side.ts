import {
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import {
  connectionWindowBytes,
  frameBytesMax,
  headerFieldsMax,
  invalidFramesMax,
  rejectedStreamsMax,
  sessionMegabytesMax,
  settingsMax,
  type HttpBounds,
} from "./http-bounds.ts";
import type { HttpHandlers } from "./http-server.ts";
import type { Link, Side } from "./link.ts";
import { PingWatch } from "./ping-watch.ts";

/** The connections of HTTP/2: Node's own server, which listens nowhere. */
export class Http2Side implements Side {
  readonly #server: Http2Server;
  readonly #links = new Map<ServerHttp2Session, Link>();
  readonly #bounds: HttpBounds;
  readonly #env: Env;
  #draining = false;

  constructor(handlers: HttpHandlers, bounds: HttpBounds, env: Env) {
    this.#bounds = bounds;
    this.#env = env;
    this.#server = createServer({
      settings: {
        enablePush: false,
        initialWindowSize: bounds.streamWindowBytes,
        maxFrameSize: frameBytesMax,
        maxConcurrentStreams: bounds.streamsMax,
        maxHeaderListSize: bounds.headerBytesMax,
        customSettings: bounds.settings,
      },
      maxHeaderListPairs: headerFieldsMax,
      maxSettings: settingsMax,
      maxSessionInvalidFrames: invalidFramesMax,
      maxSessionRejectedStreams: rejectedStreamsMax,
      maxSessionMemory: sessionMegabytesMax,
      streamResetBurst: bounds.resetsBurst,
      streamResetRate: bounds.resetsPerSecond,
    });
    const { stream: answer } = handlers;
    this.#server.on("stream", (stream, headers, _flags, raw) => {
      const link = this.#begin(stream);
      if (link === undefined || this.#refused(stream, raw)) return;
      answer?.call(handlers, stream, headers, link);
    });
    if (answer !== undefined) return;
    const ask = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
      const link = this.#linkOf(request.stream);
      if (link !== undefined && !request.stream.headersSent)
        handlers.request(request, response, link);
    };
    this.#server.on("request", ask);
    if (handlers.continues === true) this.#server.on("checkContinue", ask);
  }

  take(link: Link): void {
    const { socket } = link;
    // In HTTP/2 nobody ends a half: who has ended is gone.
    socket.allowHalfOpen = false;
    let session: ServerHttp2Session | undefined;
    this.#server.once("session", (made) => (session = made));
    this.#server.emit("connection", socket);
    const made = session!;
    this.#links.set(made, link);
    made.on("error", () => {});
    made.setLocalWindowSize(connectionWindowBytes);
    const pings = new PingWatch(made, socket, this.#bounds.pingMsMin, this.#env);
    made.on("ping", () => pings.came());
    const watch = new Watch(made, link, this.#bounds, this.#env);
    // Who says nothing more does not listen either: our sockets stay open until both sides have ended them.
    socket.on("end", () => socket.destroySoon());
    socket.on("close", () => {
      this.#links.delete(made);
      this.#env.clear(watch);
    });
    // Node still hands it, in its next tick, what was read before.
    if (this.#draining) this.#env.yield(() => made.close());
  }

  drain(): void {
    this.#draining = true;
    for (const session of this.#links.keys()) session.close();
  }

  close(): void {
    // Nothing is held but by the connections.
  }

  #linkOf({ session }: ServerHttp2Stream): Link | undefined {
    return session === undefined ? undefined : this.#links.get(session as ServerHttp2Session);
  }

  /** Node tells the peer how long headers may be, and takes longer ones until the peer has heard it. */
  #refused(stream: ServerHttp2Stream, raw: readonly string[]): boolean {
    let bytes = 0;
    for (const text of raw) bytes += text.length;
    if (bytes <= this.#bounds.headerBytesMax) return false;
    stream.respond({ ":status": 431 }, { endStream: true });
    stream.resume();
    return true;
  }

  #begin(stream: ServerHttp2Stream): Link | undefined {
    stream.on("error", ignored);
    const link = this.#linkOf(stream);
    if (link === undefined) return undefined;
    const end = link.begin();
    const { requestMs } = this.#bounds;
    const env = this.#env;
    if (!Number.isFinite(requestMs)) {
      stream.on("close", end);
      return link;
    }
    const late = alarmAt(env, env.now() + requestMs, () => {
      if (stream.state.remoteClose !== 1) stream.close(tooSlow);
    });
    stream.on("close", () => {
      env.clear(late);
      end();
    });
    return link;
  }
}

function ignored(): void {}

/** ENHANCE_YOUR_CALM: the nearest that HTTP/2 has to 408. */
const tooSlow = 0xb;

/** Looks after a session: that the peer introduces itself, lives, and does not keep it open for nothing. */
class Watch extends Alarm {
  readonly #session: ServerHttp2Session;
  readonly #link: Link;
  readonly #bounds: HttpBounds;
  readonly #env: Env;
  #introduced = false;
  /** Since the alarm rang. */
  #asked = false;
  #read = 0;
  #heardAt: number;
  #busyAt: number;

  constructor(session: ServerHttp2Session, link: Link, bounds: HttpBounds, env: Env) {
    super();
    this.#session = session;
    this.#link = link;
    this.#bounds = bounds;
    this.#env = env;
    this.#heardAt = env.now();
    this.#busyAt = env.now();
    session.once("remoteSettings", () => (this.#introduced = true));
    session.on("stream", () => (this.#asked = true));
    env.set(this, env.now() + bounds.headersMs);
  }

  ring(): void {
    const { socket, inFlight } = this.#link;
    const now = this.#env.now();
    if (socket.bytesRead !== this.#read) this.#heardAt = now;
    if (this.#asked || inFlight > 0) this.#busyAt = now;
    this.#read = socket.bytesRead;
    this.#asked = false;
    if (!this.#introduced) return void socket.destroy();
    const dueMs = inFlight > 0 ? this.#alive(now) : this.#idle(now);
    if (dueMs > 0) this.#env.set(this, now + dueMs);
    else socket.destroy();
  }

  /** Asks for a sign of life, which is heard as everything else is. Returns when to look again; 0: the peer is dead. */
  #alive(now: number): number {
    const { keepaliveMs, lifetimeMs } = this.#bounds;
    const silentMs = now - this.#heardAt;
    const { closed, destroyed } = this.#session;
    if (silentMs >= keepaliveMs && !closed && !destroyed) this.#session.ping(() => {});
    return Math.min(keepaliveMs, lifetimeMs - silentMs);
  }

  /** Ends what is idle for too long. Returns when to look again; 0: the peer was told, and is still there. */
  #idle(now: number): number {
    const { keepaliveMs, idleMs } = this.#bounds;
    const leftMs = this.#busyAt + idleMs - now;
    if (leftMs > 0) return Math.min(keepaliveMs, leftMs);
    if (this.#session.closed) return 0;
    this.#session.close();
    return keepaliveMs;
  }
}
