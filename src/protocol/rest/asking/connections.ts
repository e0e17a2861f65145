import type * as Undici from "undici";
import { alarmAt } from "../../../base/alarm.ts";
import { backoff } from "../../../base/backoff.ts";
import { channels } from "../../../base/diagnostics.ts";
import type { Env } from "../../../base/env.ts";
import { isTrunklineError, locate, systemError, type TrunklineError } from "../../../base/error.ts";
import type { Alarm } from "../../../base/timer-wheel.ts";
import type { Address } from "../../../transport/address.ts";
import type { OpenSocket, Sockets } from "../../../transport/transport.ts";
import { agedMax, agesAt } from "../../connection-age.ts";
import type { CallerBounds } from "./bounds.ts";
import { late, type Exchange } from "./exchange.ts";
import { lossFailure } from "./failure.ts";
import { Lane, type LaneHome } from "./lane.ts";

/** Waits between dials: at most 50 ms after the first failure, doubling up to a second. */
const dialBackoff = { baseMs: 50, capMs: 1_000 } as const;

/** One dial may take this long, in milliseconds. */
const dialMs = 5_000;

/** Dials at once: many requests of one moment are soon served by few connections. */
const dialsMax = 8;

/** A connection that lived shorter, in milliseconds, proves nothing: its like is not dialled in a hurry. */
const provenMs = 1_000;

export interface ConnectionsTerms {
  readonly origin: string;
  /** `never`, where TLS agrees on it, or `always`: without being asked. */
  readonly http2: "never" | "tls" | "always";
  readonly bounds: CallerBounds;
}

/** The connections to one endpoint, and the requests that wait for one of them, in the order in which they came. */
export class Connections implements LaneHome {
  readonly #sockets: Sockets;
  readonly #address: Address;
  readonly #terms: ConnectionsTerms;
  readonly #env: Env;
  readonly #waiting = new Set<Exchange>();
  /** All that are open; those that take requests, and those that only finish what they have. */
  readonly #lanes = new Set<Lane>();
  /** The connection that was free last is used first, so that those not needed run out. */
  readonly #free: Lane[] = [];
  #undici: typeof Undici | undefined;
  #dials = 0;
  #backoff: Alarm | undefined;
  /** Dials that failed, and connections that did not last, in a row. */
  #failures = 0;
  #lastFailure: TrunklineError | undefined;
  /** Whether requests share a connection; undefined until there was one. */
  #shared: boolean | undefined;
  #closed = false;
  #gone: (() => void) | undefined;

  constructor(sockets: Sockets, address: Address, terms: ConnectionsTerms, env: Env) {
    this.#sockets = sockets;
    this.#address = address;
    this.#terms = terms;
    this.#env = env;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Connections that take requests. */
  get open(): number {
    let open = 0;
    for (const lane of this.#lanes) if (!lane.leaving) open++;
    return open;
  }

  get state(): "idle" | "connecting" | "ready" | "waiting" {
    if (this.open > 0) return "ready";
    if (this.#dials > 0) return "connecting";
    return this.#backoff === undefined ? "idle" : "waiting";
  }

  /** Sends the request on a connection that is free, or lets it wait for one. */
  submit(exchange: Exchange): void {
    const lane = this.#waiting.size === 0 ? this.#freeLane() : undefined;
    if (lane !== undefined) {
      this.#send(exchange, lane);
      return;
    }
    const now = this.#env.now();
    const { connectWaitMs, failFast } = this.#terms.bounds;
    if (failFast && this.#backoff !== undefined && this.open === 0) {
      this.#refuse(exchange, now);
      return;
    }
    exchange.waitUntil ??= now + connectWaitMs;
    this.#waiting.add(exchange);
    const { deadlineAt, totalAt } = exchange.attempt;
    this.#env.set(exchange, Math.min(deadlineAt, totalAt, Math.max(now, exchange.waitUntil)));
    this.#dial();
  }

  /** The request waits no more. */
  forget(exchange: Exchange): void {
    this.#waiting.delete(exchange);
  }

  /** It has waited as long as it may: while there are connections it is only its turn that has not come. */
  expired(exchange: Exchange): void {
    const now = this.#env.now();
    const { deadlineAt, totalAt } = exchange.attempt;
    const end = Math.min(deadlineAt, totalAt);
    if (now < end && this.open > 0) {
      this.#env.set(exchange, end);
      return;
    }
    this.#refuse(exchange, now);
  }

  /** There is no connection for it. */
  #refuse(exchange: Exchange, now: number): void {
    const { deadlineAt, totalAt } = exchange.attempt;
    const end = Math.min(deadlineAt, totalAt);
    const elapsedMs = now - exchange.startedAt;
    const last = this.#lastFailure;
    const attempts = Math.max(1, this.#failures);
    const details = { attempts, elapsedMs, cause: last, advice: last?.advice };
    if (last !== undefined && this.open === 0) {
      exchange.fail(lossFailure("unconnected", last.reason, details));
      return;
    }
    const reason = `no connection within ${Math.round(elapsedMs)} ms`;
    exchange.fail(now >= end ? late(reason, "no") : lossFailure("unconnected", reason, details));
  }

  // ---- dialling -----------------------------------------------------------------------------------------------------

  #freeLane(): Lane | undefined {
    for (;;) {
      const lane = this.#free.at(-1);
      if (lane === undefined || lane.free) return lane;
      this.#free.pop();
    }
  }

  #send(exchange: Exchange, lane: Lane): void {
    try {
      exchange.sendOn(lane);
    } catch (cause) {
      const reason = `HTTP cannot carry the request: ${cause instanceof Error ? cause.message : String(cause)}`;
      exchange.fail(systemError("INVALID_ARGUMENT", reason, { executed: "no", cause }));
    }
  }

  /** Gives free connections to who waits, and dials for the others. */
  #serve(): void {
    for (const exchange of this.#waiting) {
      const lane = this.#freeLane();
      if (lane === undefined) break;
      this.#waiting.delete(exchange);
      this.#send(exchange, lane);
    }
    this.#dial();
  }

  #dial(): void {
    const { bounds, http2 } = this.#terms;
    const mayShare = http2 === "always" || (http2 === "tls" && this.#address.transport === "tls");
    // Where requests share a connection, or may, as long as that is not known, one dial is enough.
    const most = (this.#shared ?? mayShare) ? 1 : dialsMax;
    while (!this.#closed && this.#backoff === undefined) {
      const room = bounds.connectionsMax - this.#lanes.size;
      if (this.#dials >= Math.min(room, most, this.#waiting.size)) return;
      this.#dialOnce();
    }
  }

  #dialOnce(): void {
    this.#dials++;
    this.#open().then(
      (open) => this.#connected(open),
      (error: unknown) => this.#failed(error),
    );
  }

  async #open(): Promise<OpenSocket> {
    this.#undici ??= await loadUndici();
    const { http2 } = this.#terms;
    const alpn = http2 === "never" ? ["http/1.1"] : ["h2", "http/1.1"];
    const until = this.#env.now() + dialMs;
    return this.#sockets.dial(this.#address, { until, alpn }, this.#env);
  }

  #connected(open: OpenSocket): void {
    this.#dials--;
    if (this.#closed) {
      open.socket.on("error", () => {}).destroy();
      return;
    }
    this.#lastFailure = undefined;
    const { origin, bounds, http2 } = this.#terms;
    const shared = open.alpn === "h2" || (open.alpn === undefined && http2 === "always");
    this.#shared = shared;
    const now = this.#env.now();
    const age = agesAt(now, bounds.maxAgeMs, this.#env.random);
    const terms = { origin, http2: shared, idleMs: bounds.idleMs, agesAt: age };
    // What shares a connection has a younger one from now on: the old one ends with what it has.
    for (const old of [...this.#lanes]) if (now >= old.agesAt) old.leave();
    const lane = new Lane(this.#undici!, open, this, terms, this.#env);
    this.#lanes.add(lane);
    this.#free.push(lane);
    this.#publish("open");
    this.#serve();
  }

  #failed(error: unknown): void {
    this.#dials--;
    if (this.#closed) return;
    this.#failures++;
    const cause = error instanceof Error ? error.message : String(error);
    this.#lastFailure = isTrunklineError(error)
      ? error
      : systemError("UNAVAILABLE", cause, { executed: "no", cause: error });
    // What a further dial cannot mend (an address that is no address, a permission) is told at once.
    if (this.#lastFailure.code !== "UNAVAILABLE" && this.open === 0) {
      const failure = this.#lastFailure;
      for (const exchange of [...this.#waiting]) exchange.fail(locate(failure, {}));
    }
    this.#pause();
  }

  /** Waits before the next dial; nobody dials for nobody. Who has others to go to does not wait along. */
  #pause(): void {
    const now = this.#env.now();
    if (this.#terms.bounds.failFast && this.open === 0)
      for (const exchange of [...this.#waiting]) this.#refuse(exchange, now);
    if (this.#backoff !== undefined) return;
    const waitMs = backoff(this.#failures - 1, dialBackoff, this.#env.random);
    this.#backoff = alarmAt(this.#env, this.#env.now() + waitMs, () => {
      this.#backoff = undefined;
      this.#dial();
    });
  }

  // ---- LaneHome -----------------------------------------------------------------------------------------------------

  freed(lane: Lane): void {
    this.#failures = 0;
    if (this.#env.now() >= lane.agesAt) this.#tooOld(lane);
    if (!lane.leaving && !this.#free.includes(lane)) this.#free.push(lane);
    this.#serve();
  }

  /** One that has a request at a time ends at once; one that is shared when there is another. */
  #tooOld(lane: Lane): void {
    if (!lane.shared) lane.leave();
    else if (this.#dials === 0 && this.#backoff === undefined && this.#lanes.size <= agedMax)
      this.#dialOnce();
  }

  closed(lane: Lane, reason: string): void {
    this.#lanes.delete(lane);
    if (channels.connection.hasSubscribers) this.#publish("closed", reason);
    if (this.#closed) {
      if (this.#lanes.size === 0) this.#gone?.();
      return;
    }
    // One that is lost at once each time must not be dialled in a loop.
    if (!lane.proven && this.#env.now() - lane.openedAt < provenMs) {
      this.#failures++;
      this.#lastFailure = systemError("UNAVAILABLE", reason, { executed: "no" });
      this.#pause();
    }
    this.#dial();
  }

  #publish(state: "open" | "closed", reason?: string): void {
    if (!channels.connection.hasSubscribers) return;
    channels.connection.publish({ side: "client", endpoint: this.#address.text, state, reason });
  }

  // ---- closing ------------------------------------------------------------------------------------------------------

  /** Closes all that is open; nothing waits any more. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#backoff !== undefined) this.#env.clear(this.#backoff);
    this.#backoff = undefined;
    if (this.#lanes.size === 0) return;
    const gone = new Promise<void>((resolve) => (this.#gone = resolve));
    for (const lane of [...this.#lanes]) lane.destroy();
    await gone;
  }
}

/** It is an optional peer dependency: who only serves does not need it. */
async function loadUndici(): Promise<typeof Undici> {
  try {
    return await import("undici");
  } catch (cause) {
    throw systemError("UNIMPLEMENTED", "calling over HTTP needs the package undici", {
      executed: "no",
      advice: "npm i undici",
      cause,
    });
  }
}
