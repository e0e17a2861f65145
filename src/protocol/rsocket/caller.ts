import { backoff } from "../../base/backoff.ts";
import { alarmAt } from "../../base/alarm.ts";
import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, locate, systemError, type TrunklineError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Address } from "../../transport/address.ts";
import type { CloseReason, Connection, Transport } from "../../transport/transport.ts";
import type { Attempt } from "../attempt.ts";
import type { Operation } from "../operation.ts";
import type {
  Caller,
  CallerState,
  ConnectOptions,
  Source,
  StreamOptions,
  UploadOptions,
} from "../protocol.ts";
import { callerBounds, frameOverheadBytes, type CallerBounds } from "./bounds.ts";
import { ItemDuplex } from "./item-duplex.ts";
import { ItemStream } from "./item-stream.ts";
import { PendingCall } from "./pending-call.ts";
import { PendingNotification } from "./pending-notification.ts";
import { PendingUpload } from "./pending-upload.ts";
import type { Request, RequestHome } from "./request.ts";
import { Session, type SessionOwner } from "./session.ts";
import { readPush } from "./setup.ts";
import { introduce } from "./introduction.ts";

/** Waits between dials: at most 50 ms after the first failure, doubling up to a second. */
const dialBackoff = { baseMs: 50, capMs: 1_000 } as const;

/** One dial may take this long, in milliseconds. */
const dialMs = 5_000;

/** A connection that lived shorter, in milliseconds, proves nothing: its like is not dialled in a hurry. */
const provenMs = 1_000;

/**
 * One endpoint: dials when there is something to send, again with jittered back-off when that fails, and gives requests
 * that have no connection a place to wait in.
 */
export class RsocketCaller implements Caller, RequestHome, SessionOwner {
  readonly endpoint: string;
  readonly env: Env;
  readonly #transport: Transport;
  readonly #address: Address;
  readonly #bounds: CallerBounds;
  /** Takes new requests; undefined while there is none. */
  #session: Session | undefined;
  /** Sessions that only finish what they have, the current one not among them. */
  readonly #leaving = new Set<Session>();
  readonly #waiting = new Set<Request>();
  #dialling = false;
  #backoff: Alarm | undefined;
  /** Dials that failed, and connections that did not last, in a row. */
  #failures = 0;
  #connectedAt = 0;
  #lastFailure: TrunklineError | undefined;
  #closing: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(transport: Transport, address: Address, options: ConnectOptions, env: Env) {
    this.endpoint = address.text;
    this.env = env;
    this.#transport = transport;
    this.#address = address;
    this.#bounds = callerBounds(options);
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

  call(operation: Operation, input: unknown, attempt: Attempt): Promise<unknown> {
    try {
      const call = new PendingCall(this, operation, attempt, input, this.#bounds.itemBytesMax);
      this.#begin(call, call.startedAt);
      return call.promise;
    } catch (error) {
      const refusal = error as TrunklineError;
      return Promise.reject(refusal);
    }
  }

  notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    try {
      const notification = new PendingNotification(
        this,
        operation,
        attempt,
        input,
        this.#bounds.itemBytesMax,
      );
      this.#begin(notification, notification.startedAt);
      return notification.promise;
    } catch (error) {
      const refusal = error as TrunklineError;
      return Promise.reject(refusal);
    }
  }

  stream(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const stream = new ItemStream(
      this,
      operation,
      attempt,
      input,
      this.#bounds.itemBytesMax,
      options,
    );
    this.#begin(stream, stream.startedAt);
    return stream;
  }

  upload(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: UploadOptions,
  ): Promise<unknown> {
    const { itemBytesMax } = this.#bounds;
    try {
      const upload = new PendingUpload(
        this,
        operation,
        attempt,
        head,
        itemBytesMax,
        source,
        options,
      );
      this.#begin(upload, upload.startedAt);
      return upload.promise;
    } catch (error) {
      const refusal = error as TrunklineError;
      return Promise.reject(refusal);
    }
  }

  duplex(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const { itemBytesMax } = this.#bounds;
    const duplex = new ItemDuplex(this, operation, attempt, head, itemBytesMax, source, options);
    this.#begin(duplex, duplex.startedAt);
    return duplex;
  }

  #begin(request: Request, now: number): void {
    if (this.#closed !== undefined) {
      throw systemError("CANCELLED", "the client is closed", {
        executed: "no",
        advice: "make a new client",
      });
    }
    const { attempt } = request;
    if (attempt.cancelled !== undefined) {
      attempt.bind(request); // it never leaves: settles it as cancelled, `no`
      return;
    }
    if (now >= attempt.deadlineAt) {
      throw systemError("DEADLINE_EXCEEDED", "the deadline was over before the request was sent", {
        executed: "no",
      });
    }
    if (this.#session === undefined || !this.#sent(this.#session, request, now))
      this.#wait(request);
    if (!request.over) attempt.bind(request);
  }

  /** False when the connection turns out to be closed: the request did not leave and may wait for the next one. */
  #sent(session: Session, request: Request, now: number): boolean {
    try {
      session.send(request, now);
    } catch (error) {
      if (!isTrunklineError(error) || error.code !== "UNAVAILABLE") throw error;
      this.#retire(session, error.reason);
      return false;
    }
    this.#watch(request);
    return true;
  }

  /** From now on the deadline is what the request waits for. */
  #watch(request: Request): void {
    const { deadlineAt, totalAt } = request.attempt;
    if (!request.over) this.env.set(request, Math.min(deadlineAt, totalAt));
  }

  #wait(request: Request): void {
    if (this.#waiting.size >= this.#bounds.outstandingMax) {
      throw systemError(
        "RESOURCE_EXHAUSTED",
        `${this.#waiting.size} requests wait for a connection already`,
        {
          executed: "no",
          advice:
            this.#lastFailure === undefined
              ? undefined
              : `the last dial failed: ${this.#lastFailure.reason}`,
        },
      );
    }
    this.#waiting.add(request);
    const { deadlineAt, totalAt } = request.attempt;
    this.env.set(
      request,
      Math.min(deadlineAt, totalAt, this.env.now() + this.#bounds.connectWaitMs),
    );
    this.#dial();
  }

  // ---- RequestHome --------------------------------------------------------------------------------------------------

  expired(request: Request): void {
    const now = this.env.now();
    const last = this.#lastFailure;
    const late = now >= Math.min(request.attempt.deadlineAt, request.attempt.totalAt);
    const elapsedMs = now - request.startedAt;
    const waited = `no connection within ${Math.round(elapsedMs)} ms`;
    const details = {
      executed: "no",
      attempts: Math.max(1, this.#failures),
      elapsedMs,
      cause: last,
    } as const;
    if (last !== undefined)
      request.fail(systemError("UNAVAILABLE", last.reason, { ...details, advice: last.advice }));
    else request.fail(systemError(late ? "DEADLINE_EXCEEDED" : "UNAVAILABLE", waited, details));
  }

  left(request: Request): void {
    this.#waiting.delete(request);
  }

  elsewhere(request: Request): boolean {
    if (this.#closed !== undefined || request.over) return false;
    try {
      this.#begin(request, this.env.now());
      return true;
    } catch {
      return false; // the refusal of the drained peer is the better story
    }
  }

  // ---- dialling -----------------------------------------------------------------------------------------------------

  #dial(): void {
    if (this.#dialling || this.#backoff !== undefined || this.#closed !== undefined) return;
    this.#dialling = true;
    const options = {
      until: this.env.now() + dialMs,
      frameBytesMax: Math.min(
        this.#transport.capabilities.frameBytesMax,
        this.#bounds.itemBytesMax + frameOverheadBytes,
      ),
    };
    this.#transport.dial(this.#address, options, this.env).then(
      (connection) => this.#connected(connection),
      (error: unknown) => this.#failed(error),
    );
  }

  #connected(connection: Connection): void {
    this.#dialling = false;
    if (this.#closed !== undefined) {
      connection.destroy("the client was closed");
      return;
    }
    this.#connectedAt = this.env.now();
    this.#lastFailure = undefined;
    const session = new Session(connection, this, { role: "client", ...this.#bounds }, this.env);
    this.#session = session;
    session.start();
    const operations = [...this.#waiting].map((request) => request.operation);
    try {
      introduce(session, this.#bounds, operations);
    } catch (error) {
      connection.destroy(error instanceof Error ? error.message : String(error));
      // Closed again already: then `closed` follows, and with it the next dial. All else would be so again.
      if (!isTrunklineError(error) || error.code !== "UNAVAILABLE") this.#failWaiting(error);
      return;
    }
    this.#publish("open");
    for (const request of [...this.#waiting]) this.#sendWaiting(session, request);
  }

  #sendWaiting(session: Session, request: Request): void {
    try {
      if (this.#sent(session, request, this.env.now())) this.#waiting.delete(request);
    } catch (error) {
      request.fail(error as TrunklineError);
    }
  }

  #failed(error: unknown): void {
    this.#dialling = false;
    if (this.#closed !== undefined) return;
    this.#failures++;
    const cause = error instanceof Error ? error.message : String(error);
    this.#lastFailure = isTrunklineError(error)
      ? error
      : systemError("UNAVAILABLE", cause, { executed: "no", cause: error });
    // What a further dial cannot mend (an address that is no address, a permission) is told at once.
    if (this.#lastFailure.code !== "UNAVAILABLE") this.#failWaiting(this.#lastFailure);
    this.#pause();
  }

  #failWaiting(error: unknown): void {
    const failure = isTrunklineError(error)
      ? error
      : systemError("INTERNAL", "the connection could not begin", { executed: "no", cause: error });
    for (const request of [...this.#waiting]) request.fail(locate(failure, {}));
  }

  /** Waits before the next dial; nobody dials for nobody. */
  #pause(): void {
    const waitMs = backoff(this.#failures - 1, dialBackoff, this.env.random);
    this.#backoff = alarmAt(this.env, this.env.now() + waitMs, () => {
      this.#backoff = undefined;
      if (this.#waiting.size > 0) this.#dial();
    });
  }

  // ---- SessionOwner -------------------------------------------------------------------------------------------------

  draining(session: Session): void {
    this.#publish("draining");
    this.#retire(session, "the server sends everybody away");
    this.settled(session);
  }

  settled(session: Session): void {
    if (session.draining && session.outstanding === 0) session.finish();
  }

  closed(session: Session, reason: CloseReason): void {
    this.#publish("closed", reason.message);
    this.#retire(session, reason.message);
    this.#leaving.delete(session);
    if (reason.kind === "lost" || reason.kind === "broken") this.#stumbled(reason.message);
    if (this.#waiting.size > 0) this.#dial();
    if (this.#leaving.size === 0 && this.#session === undefined) this.#closing?.();
  }

  /** A connection that is lost at once each time must not be dialled in a loop. */
  #stumbled(reason: string): void {
    // A dial that is under way already makes its own experience.
    if (this.#closed !== undefined || this.#backoff !== undefined || this.#dialling) return;
    this.#failures++;
    this.#lastFailure = systemError("UNAVAILABLE", reason, { executed: "no" });
    this.#pause();
  }

  pushed(session: Session, text: string): void {
    const { hello } = readPush(text);
    if (hello !== undefined) session.itemBytesMax = hello.itemBytesMax;
  }

  introduced(session: Session): void {
    session.violation("a client received a SETUP");
  }

  /** The session takes no new requests; with a reason when it was not we who wanted so. */
  #retire(session: Session, reason?: string): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#leaving.add(session);
    if (this.env.now() - this.#connectedAt >= provenMs) this.#failures = 0;
    else if (reason !== undefined) this.#stumbled(reason);
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
    const session = this.#session;
    if (session !== undefined) {
      session.draining = true;
      this.#retire(session);
    }
    if (this.#leaving.size === 0) return;
    const gone = new Promise<void>((resolve) => (this.#closing = resolve));
    const budget = alarmAt(this.env, this.env.now() + withinMs, () => this.#cutAll());
    if (withinMs === 0) this.#cutAll();
    else for (const leaving of [...this.#leaving]) this.settled(leaving);
    await gone;
    this.env.clear(budget);
  }

  /** Cancels what is under way, then leaves in order. */
  #cutAll(): void {
    for (const session of [...this.#leaving]) {
      session.cancelAll();
      session.finish();
    }
  }
}
