import { alarmAt } from "../../../base/alarm.ts";
import { backoff } from "../../../base/backoff.ts";
import { channels } from "../../../base/diagnostics.ts";
import type { Env } from "../../../base/env.ts";
import { isTrunklineError, locate, systemError, type TrunklineError } from "../../../base/error.ts";
import type { Alarm } from "../../../base/timer-wheel.ts";
import type { Address } from "../../../transport/address.ts";
import type { OpenSocket, Sockets } from "../../../transport/transport.ts";
import { agedMax, agesAt } from "../../connection-age.ts";
import type { Attempt } from "../../attempt.ts";
import type { Operation } from "../../operation.ts";
import type {
  Caller,
  CallerState,
  ConnectOptions,
  Source,
  StreamOptions,
  UploadOptions,
} from "../../protocol.ts";
import type { Compression } from "../wire/compression.ts";
import { callerBounds, type CallerBounds } from "./bounds.ts";
import { Duplex } from "./duplex.ts";
import { isSingle, type Dialect } from "./head.ts";
import { ItemStream } from "./items.ts";
import type { CalledMethods } from "./method.ts";
import type { Request, RequestHome } from "./request.ts";
import { CallingSession, type SessionOwner } from "./session.ts";
import { Notification, SingleRequest } from "./single.ts";
import { Upload } from "./upload.ts";

/** Waits between dials: at most 50 ms after the first failure, doubling up to a second. */
const dialBackoff = { baseMs: 50, capMs: 1_000 } as const;

/** One dial, with the server's introduction, may take this long, in milliseconds. */
const dialMs = 5_000;

/** A connection that lived shorter, in milliseconds, proves nothing: its like is not dialled in a hurry. */
const provenMs = 1_000;

/** What a caller is made of. */
export interface CallerTerms {
  readonly protocol: "grpc" | "connect";
  readonly address: Address;
  readonly sockets: Sockets;
  readonly methods: CalledMethods;
  readonly compression: Compression | undefined;
}

/** One endpoint, over one multiplexed connection of HTTP/2: dialled when there is something to send, and again when lost. */
export class HttpCaller implements Caller, RequestHome, SessionOwner {
  readonly endpoint: string;
  readonly env: Env;
  readonly #terms: CallerTerms;
  readonly #bounds: CallerBounds;
  /** Takes new requests; undefined while there is none. */
  #session: CallingSession | undefined;
  /** Dialled, and not introduced yet; or only finishing what they have. */
  readonly #others = new Set<CallingSession>();
  readonly #waiting = new Set<Request>();
  readonly #underWay = new Set<Request>();
  /** Of operations that have a key. */
  readonly #latest = new WeakMap<Operation, Request>();
  #dialling = false;
  #backoff: Alarm | undefined;
  /** Dials that failed, and connections that did not last, in a row. */
  #failures = 0;
  #connectedAt = 0;
  /** When the current connection is too old. */
  #agesAt = Infinity;
  /** Dialled, and not introduced yet. */
  #stranger: CallingSession | undefined;
  #lastFailure: TrunklineError | undefined;
  #closed: Promise<void> | undefined;
  #quiet: (() => void) | undefined;

  constructor(terms: CallerTerms, options: ConnectOptions, env: Env) {
    this.#terms = terms;
    this.#bounds = callerBounds(options);
    this.endpoint = terms.address.text;
    this.env = env;
  }

  get state(): CallerState {
    if (this.#closed !== undefined) return "closed";
    if (this.#session !== undefined) return "ready";
    if (this.#dialling) return "connecting";
    return this.#backoff === undefined ? "idle" : "waiting";
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get bootId(): string | undefined {
    return this.#session?.bootId;
  }

  get itemBytesMax(): number {
    return this.#bounds.itemBytesMax;
  }

  get compression(): Compression | undefined {
    return this.#terms.compression;
  }

  // ---- Caller -------------------------------------------------------------------------------------------------------

  /** Not `async`: a promise around the promise would cost each call some turns. */
  call(operation: Operation, input: unknown, attempt: Attempt): Promise<unknown> {
    try {
      const method = this.#terms.methods.of(operation);
      const call = new SingleRequest(this, method, this.#dialect(operation), attempt, input);
      this.#begin(call);
      return call.promise;
    } catch (error) {
      const refused = error as TrunklineError;
      return Promise.reject(refused);
    }
  }

  async notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    const method = this.#terms.methods.of(operation);
    const sent = new Notification(this, method, this.#dialect(operation), attempt, input);
    this.#begin(sent);
    await sent.promise;
  }

  stream(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const method = this.#terms.methods.of(operation);
    const stream = new ItemStream(this, method, this.#dialect(operation), attempt, input, options);
    this.#begin(stream);
    return stream;
  }

  async upload(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: UploadOptions,
  ): Promise<unknown> {
    const method = this.#terms.methods.of(operation);
    const dialect = this.#dialect(operation);
    const upload = new Upload(this, method, dialect, attempt, head, source, options);
    this.#begin(upload);
    return upload.promise;
  }

  duplex(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const method = this.#terms.methods.of(operation);
    const dialect = this.#dialect(operation);
    const duplex = new Duplex(this, method, dialect, attempt, head, source, options);
    this.#begin(duplex);
    return duplex;
  }

  #dialect({ kind }: Operation): Dialect {
    if (this.#terms.protocol === "grpc") return "grpc";
    return isSingle(kind) ? "connect-unary" : "connect-stream";
  }

  /** Sends the request, or keeps it until there is room for it. Throws, with `executed: "no"`, what it refuses. */
  #begin(request: Request): void {
    if (this.#closed !== undefined) throw clientClosed();
    const { attempt } = request;
    const { operation } = request.method;
    if (attempt.cancelled !== undefined) {
      attempt.bind(request); // it never leaves: settles it as cancelled, `no`
      return;
    }
    const now = request.startedAt;
    if (now >= attempt.deadlineAt) {
      const reason = "the deadline was over before the request was sent";
      throw systemError("DEADLINE_EXCEEDED", reason, { executed: "no" });
    }
    this.#refuseTooMany();
    const queued = this.#waiting.size > 0 && operation.ordered;
    if (queued || !this.#sent(request, now)) this.#wait(request, now);
    if (!request.over) attempt.bind(request);
  }

  #refuseTooMany(): void {
    const outstanding = this.#underWay.size + this.#waiting.size;
    const { outstandingMax } = this.#bounds;
    if (outstanding < outstandingMax) return;
    const reason = `${outstanding} requests are under way or wait for a connection, ${outstandingMax} are allowed`;
    const last = this.#lastFailure;
    throw systemError("RESOURCE_EXHAUSTED", reason, {
      executed: "no",
      advice: last === undefined ? undefined : `the last dial failed: ${last.reason}`,
    });
  }

  /** False when there is no connection, or no room on it, or it is not its turn. */
  #sent(request: Request, now: number): boolean {
    const session = this.#session;
    if (session === undefined || !session.room || this.#held(request)) return false;
    const { deadlineAt, totalAt } = request.attempt;
    this.#underWay.add(request);
    const { operation } = request.method;
    if (operation.ordered) this.#latest.set(operation, request);
    this.env.set(request, Math.min(deadlineAt, totalAt));
    if (request.send(session, now)) return true;
    this.#underWay.delete(request);
    this.#retire(session, session.reason);
    return false;
  }

  /** Of an operation that has a key no request may begin to leave before all of the one before has left. */
  #held({ method: { operation } }: Request): boolean {
    return operation.ordered && this.#latest.get(operation)?.leaving === true;
  }

  #wait(request: Request, now: number): void {
    if (this.#bounds.failFast && this.#backoff !== undefined && this.#session === undefined) {
      request.fail(this.#unreachable(request));
      return;
    }
    this.#waiting.add(request);
    const { deadlineAt, totalAt } = request.attempt;
    const over = Math.min(deadlineAt, totalAt);
    const wait = this.#session === undefined ? now + this.#bounds.connectWaitMs : Infinity;
    this.env.set(request, Math.min(over, wait));
    this.#dial();
  }

  /** Sends what waits, in its order, as far as there is room. */
  #sendWaiting(): void {
    for (const request of [...this.#waiting]) {
      if (this.#session?.room !== true) return;
      if (this.#held(request)) continue;
      this.#waiting.delete(request);
      const now = this.env.now();
      if (!this.#sent(request, now)) this.#wait(request, now);
    }
  }

  // ---- RequestHome --------------------------------------------------------------------------------------------------

  expired(request: Request): void {
    request.fail(this.#unreachable(request));
  }

  /** Why the request found no connection, or no room. */
  #unreachable(request: Request): TrunklineError {
    const now = this.env.now();
    const last = this.#session === undefined ? this.#lastFailure : undefined;
    const late = now >= Math.min(request.attempt.deadlineAt, request.attempt.totalAt);
    const elapsedMs = now - request.startedAt;
    const details = {
      executed: "no",
      attempts: Math.max(1, this.#failures),
      elapsedMs,
      cause: last,
    } as const;
    if (last !== undefined)
      return systemError("UNAVAILABLE", last.reason, { ...details, advice: last.advice });
    const missing = this.#session === undefined ? "connection" : "room on the connection";
    const waited = `no ${missing} within ${Math.round(elapsedMs)} ms`;
    return systemError(late ? "DEADLINE_EXCEEDED" : "UNAVAILABLE", waited, details);
  }

  left(request: Request): void {
    this.#waiting.delete(request);
    this.#underWay.delete(request);
  }

  departed(request: Request): void {
    if (request.method.operation.ordered && this.#waiting.size > 0) this.#sendWaiting();
  }

  elsewhere(request: Request): boolean {
    if (this.#closed !== undefined || request.over) return false;
    this.#underWay.delete(request);
    const now = this.env.now();
    if (now >= request.attempt.deadlineAt) return false;
    if (!this.#sent(request, now)) this.#wait(request, now);
    return true;
  }

  // ---- dialling -----------------------------------------------------------------------------------------------------

  #dial(): void {
    if (this.#session === undefined) this.#dialAnother(); // else there is one, without room just now
  }

  #dialAnother(): void {
    if (this.#dialling || this.#backoff !== undefined || this.#closed !== undefined) return;
    this.#dialling = true;
    const { sockets, address } = this.#terms;
    const until = this.env.now() + dialMs;
    sockets.dial(address, { until, alpn: ["h2"] }, this.env).then(
      (open) => this.#connected(open),
      (error: unknown) => this.#failed(error),
    );
  }

  /** The server has yet to introduce itself. */
  #connected({ socket }: OpenSocket): void {
    if (this.#closed !== undefined || socket.destroyed || socket.readableEnded) {
      socket.on("error", () => {}).destroy();
      this.#dialling = false;
      if (this.#closed === undefined) this.#failed(new Error("the server has closed at once"));
      return;
    }
    const authority = authorityOf(this.#terms.address);
    this.#stranger = new CallingSession(socket, authority, this, this.#bounds, this.env);
    this.#others.add(this.#stranger);
  }

  #failed(error: unknown): void {
    this.#dialling = false;
    if (this.#closed !== undefined) return;
    if (this.#session !== undefined) return; // the old connection lives: that is tried again with its next sign of life
    this.#failures++;
    const cause = error instanceof Error ? error.message : String(error);
    this.#lastFailure = isTrunklineError(error)
      ? error
      : systemError("UNAVAILABLE", cause, { executed: "no", cause: error });
    // What a further dial cannot mend (an address that is no address, a permission) is told at once.
    if (this.#lastFailure.code !== "UNAVAILABLE") {
      for (const request of [...this.#waiting]) request.fail(locate(this.#lastFailure, {}));
    }
    this.#pause();
  }

  /** Waits before the next dial; nobody dials for nobody. Who has others to go to does not wait along. */
  #pause(): void {
    if (this.#bounds.failFast)
      for (const request of [...this.#waiting]) request.fail(this.#unreachable(request));
    const waitMs = backoff(this.#failures - 1, dialBackoff, this.env.random);
    this.#backoff = alarmAt(this.env, this.env.now() + waitMs, () => {
      this.#backoff = undefined;
      if (this.#waiting.size > 0) this.#dial();
    });
  }

  // ---- SessionOwner -------------------------------------------------------------------------------------------------

  ready(session: CallingSession): void {
    this.#dialling = false;
    this.#stranger = undefined;
    if (this.#closed !== undefined || session.leaving) return;
    this.#others.delete(session);
    this.#replace();
    this.#session = session;
    const now = this.env.now();
    this.#connectedAt = now;
    this.#agesAt = agesAt(now, this.#bounds.maxAgeMs, this.env.random);
    this.#lastFailure = undefined;
    this.#publish("open");
    this.#sendWaiting();
    // What still waits has a connection: it waits for room there, or for its turn.
    for (const request of this.#waiting) {
      const { deadlineAt, totalAt } = request.attempt;
      this.env.set(request, Math.min(deadlineAt, totalAt));
    }
  }

  watched(session: CallingSession, now: number): void {
    const due = session === this.#session && now >= this.#agesAt;
    if (due && this.#others.size < agedMax) this.#dialAnother();
  }

  /** There is a younger connection: the one before takes nothing new, and ends with what it has. */
  #replace(): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#retire(session);
    session.leave();
  }

  draining(session: CallingSession): void {
    this.#publish("draining");
    this.#retire(session, "the server sends everybody away");
    this.settled(session);
  }

  settled(session: CallingSession): void {
    if (session === this.#session) this.#sendWaiting();
    else if (session.quiet) session.leave();
  }

  closed(session: CallingSession, reason: string): void {
    this.#publish("closed", reason);
    this.#retire(session, reason);
    this.#others.delete(session);
    if (session === this.#stranger) {
      this.#stranger = undefined;
      this.#failed(new Error(reason));
    }
    if (this.#waiting.size > 0) this.#dial();
    if (this.#others.size === 0) this.#quiet?.();
  }

  /** The session takes no new requests; with a reason when it was not we who wanted so. */
  #retire(session: CallingSession, reason?: string): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#others.add(session);
    if (this.env.now() - this.#connectedAt >= provenMs) this.#failures = 0;
    else if (reason !== undefined) this.#stumbled(reason);
  }

  /** A connection that is lost at once each time must not be dialled in a loop. */
  #stumbled(reason: string): void {
    if (this.#closed !== undefined || this.#backoff !== undefined || this.#dialling) return;
    this.#failures++;
    this.#lastFailure = systemError("UNAVAILABLE", reason, { executed: "no" });
    this.#pause();
  }

  #publish(state: "open" | "draining" | "closed", reason?: string): void {
    if (!channels.connection.hasSubscribers) return;
    channels.connection.publish({ side: "client", endpoint: this.endpoint, state, reason });
  }

  // ---- closing ------------------------------------------------------------------------------------------------------

  close(withinMs: number = 0): Promise<void> {
    this.#closed ??= this.#close(withinMs);
    return this.#closed;
  }

  async #close(withinMs: number): Promise<void> {
    if (this.#backoff !== undefined) this.env.clear(this.#backoff);
    this.#backoff = undefined;
    for (const request of [...this.#waiting]) request.cancel("shutdown");
    if (this.#session !== undefined) this.#retire(this.#session);
    if (this.#others.size === 0) return;
    const gone = new Promise<void>((resolve) => (this.#quiet = resolve));
    const cutAll = (): void => {
      for (const request of [...this.#underWay]) request.cancel("shutdown");
    };
    const budget = alarmAt(this.env, this.env.now() + withinMs, cutAll);
    if (withinMs === 0) cutAll();
    for (const session of [...this.#others]) session.leave();
    await gone;
    this.env.clear(budget);
  }
}

/** What the server is told of whom we mean; a Unix socket has no name that HTTP knows. */
function authorityOf({ transport, place }: Address): string {
  if (transport === "unix") return "http://localhost";
  return `${transport === "tls" ? "https" : "http"}://${place}`;
}

/** What is told of a request on a client that takes no more. */
function clientClosed(): TrunklineError {
  const advice = "make a new client";
  return systemError("CANCELLED", "the client is closed", { executed: "no", advice });
}
