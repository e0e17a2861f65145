import { backoff } from "../../base/backoff.ts";
import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, locate, systemError, type TrunklineError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Format } from "../../codec/format.ts";
import type { Address } from "../../transport/address.ts";
import type { CloseReason, Connection, Transport } from "../../transport/transport.ts";
import { agedMax, agesAt } from "../connection-age.ts";
import { offerCallback } from "../callback.ts";
import type { Incoming } from "../incoming.ts";
import type { CallerState, ConnectionWay, ConnectOptions, Dispatcher } from "../protocol.ts";
import { AskingSide, clientClosed } from "./asking/asking-side.ts";
import { callerBounds, frameBytesMaxOf, type CallerBounds, type MetadataForm } from "./bounds.ts";
import { CompactForm } from "./asking/compact-form.ts";
import { CompositeForm } from "./asking/composite-form.ts";
import { noHeaders } from "./metadata/metadata.ts";
import type { Request } from "./asking/request.ts";
import { Responder, type ResponderHome } from "./answering/responder.ts";
import { RoutedResponder } from "./answering/routed-responder.ts";
import { tellConnection, tellMoves, wayOf } from "./movements.ts";
import { Session, type SessionOwner } from "./session.ts";
import { readPush, type Hello } from "./metadata/setup.ts";
import { UnderWay } from "./answering/under-way.ts";

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
export class RsocketCaller extends AskingSide implements SessionOwner, ResponderHome {
  readonly endpoint: string;
  readonly #transport: Transport;
  readonly #address: Address;
  readonly #bounds: CallerBounds;
  readonly #dispatcher: Dispatcher | undefined;
  /** What the other side asked of us. */
  readonly #underWay = new UnderWay();
  /** How requests are described on the next connection. */
  #metadata: MetadataForm;
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
  /** When the current connection is too old. */
  #agesAt = Infinity;
  #lastFailure: TrunklineError | undefined;
  #closing: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(transport: Transport, address: Address, options: ConnectOptions, env: Env) {
    const bounds = callerBounds(options, env);
    super(env, bounds.itemBytesMax);
    this.endpoint = address.text;
    this.#transport = transport;
    this.#address = address;
    this.#bounds = bounds;
    this.#metadata = bounds.metadata;
    this.#dispatcher = options.dispatcher;
  }

  get state(): CallerState {
    if (this.#closed !== undefined) return "closed";
    if (this.#session !== undefined) return "ready";
    if (this.#dialling) return "connecting";
    return this.#backoff === undefined ? "idle" : "waiting";
  }

  get format(): Format | undefined {
    return this.#stated ?? this.#session?.format;
  }

  /** A peer that was said not to be Trunkline never tells what it speaks: it is told instead. */
  get #stated(): Format | undefined {
    return this.#bounds.metadata === "composite" ? this.#bounds.format : undefined;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get bootId(): string | undefined {
    return this.#session?.bootId;
  }

  get way(): ConnectionWay | undefined {
    return this.#session && wayOf(this.#session.connection, this.#transport.name);
  }

  protected override begin(request: Request, now: number): void {
    if (this.#closed !== undefined) throw clientClosed();
    super.begin(request, now);
  }

  protected send(request: Request, now: number): void {
    if (this.#session === undefined || !this.#sent(this.#session, request, now))
      this.#wait(request);
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
    if (request.session === undefined && request.fetching) this.#waiting.add(request);
    this.watch(request);
    return true;
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
    if (this.#bounds.failFast && this.#backoff !== undefined) throw this.#unreachable(request);
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
    request.fail(this.#unreachable(request));
  }

  /** Why the request found no connection. */
  #unreachable(request: Request): TrunklineError {
    const now = this.env.now();
    const last = this.#lastFailure;
    const late = now >= Math.min(request.attempt.deadlineAt, request.attempt.totalAt);
    const elapsedMs = now - request.startedAt;
    const missing = request.fetching && request.fetched === undefined ? "first item" : "connection";
    const waited = `no ${missing} within ${Math.round(elapsedMs)} ms`;
    const details = {
      executed: "no",
      attempts: Math.max(1, this.#failures),
      elapsedMs,
      cause: last,
    } as const;
    if (last === undefined)
      return systemError(late ? "DEADLINE_EXCEEDED" : "UNAVAILABLE", waited, details);
    return systemError("UNAVAILABLE", last.reason, { ...details, advice: last.advice });
  }

  left(request: Request): void {
    this.#waiting.delete(request);
  }

  override resume(request: Request): void {
    this.#waiting.delete(request);
    super.resume(request);
  }

  elsewhere(request: Request): boolean {
    if (this.#closed !== undefined || request.over) return false;
    try {
      this.begin(request, this.env.now());
      return true;
    } catch {
      return false; // the refusal of the drained peer is the better story
    }
  }

  // ---- dialling -----------------------------------------------------------------------------------------------------

  #dial(): void {
    // Who waits although there is a connection waits for its first item.
    if (this.#session === undefined) this.#dialAnother();
  }

  #dialAnother(): void {
    if (this.#dialling || this.#backoff !== undefined || this.#closed !== undefined) return;
    this.#dialling = true;
    const options = {
      until: this.env.now() + dialMs,
      frameBytesMax: this.#frameBytesMax,
    };
    this.#transport.dial(this.#address, options, this.env).then(
      (connection) => this.#connected(connection),
      (error: unknown) => this.#failed(error),
    );
  }

  /** There can be no second connection beside the first. */
  get #single(): boolean {
    return this.#transport.capabilities.connections === "one";
  }

  get #frameBytesMax(): number {
    return frameBytesMaxOf(this.#bounds.itemBytesMax, this.#transport.capabilities.frameBytesMax);
  }

  #connected(connection: Connection): void {
    this.#dialling = false;
    if (this.#closed !== undefined) {
      connection.destroy("the client was closed");
      return;
    }
    this.#replace();
    const now = this.env.now();
    this.#connectedAt = now;
    this.#agesAt = this.#single ? Infinity : agesAt(now, this.#bounds.maxAgeMs, this.env.random);
    this.#lastFailure = undefined;
    const form =
      this.#metadata === "composite" ? new CompositeForm(this.#stated) : new CompactForm();
    const session = new Session(
      connection,
      this,
      { role: "client", frameBytesMax: this.#frameBytesMax, ...this.#bounds, form },
      this.env,
    );
    session.format = this.#stated;
    this.#session = session;
    if (this.#dispatcher !== undefined) this.#serve(session, this.#dispatcher);
    tellMoves(connection, "client", this.endpoint);
    session.start();
    const operations = [...this.#waiting].map((request) => request.operation);
    try {
      form.introduce(connection, this.#bounds, operations);
    } catch (error) {
      connection.destroy(error instanceof Error ? error.message : String(error));
      // Closed again already: then `closed` follows, and with it the next dial. All else would be so again.
      if (!isTrunklineError(error) || error.code !== "UNAVAILABLE") this.#failWaiting(error);
      return;
    }
    this.#publish(session, "open");
    for (const request of [...this.#waiting]) this.#sendWaiting(session, request);
  }

  /** Both ends may ask. */
  #serve(session: Session, dispatcher: Dispatcher): void {
    const { inFlightMax, itemBytesMax, format } = this.#bounds;
    const formats = format === undefined ? [] : [format];
    const options = { inFlightMax, itemBytesMax, formats };
    session.responder =
      session.form.name === "compact"
        ? new Responder(session, dispatcher, options, this)
        : new RoutedResponder(
            session,
            dispatcher,
            options,
            this,
            "composite",
            noHeaders,
            this.#stated,
          );
    offerCallback(session.connection.peer, () => this);
  }

  #sendWaiting(session: Session, request: Request): void {
    try {
      const sent = this.#sent(session, request, this.env.now());
      if (sent && (request.session !== undefined || request.over)) this.#waiting.delete(request);
    } catch (error) {
      request.fail(error as TrunklineError);
    }
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
    if (this.#lastFailure.code !== "UNAVAILABLE") this.#failWaiting(this.#lastFailure);
    this.#pause();
  }

  #failWaiting(error: unknown): void {
    const failure = isTrunklineError(error)
      ? error
      : systemError("INTERNAL", "the connection could not begin", { executed: "no", cause: error });
    for (const request of [...this.#waiting]) request.fail(locate(failure, {}));
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

  /** What we speak among ourselves a foreign server may refuse: then all goes to a new connection in the standard's form. */
  refused(session: Session): boolean {
    const again = session.form.name === "compact";
    // Where both are refused there may yet be another server at the address some day.
    this.#metadata = again ? "composite" : this.#bounds.metadata;
    if (again) this.#retire(session);
    else for (const request of [...this.#waiting]) if (request.fetching) request.fail(noForm());
    return again;
  }

  watched(session: Session, now: number): void {
    const due = session === this.#session && now >= this.#agesAt;
    if (due && this.#leaving.size < agedMax) this.#dialAnother();
  }

  /** There is a younger connection: the one before takes nothing new, and ends with what it has. */
  #replace(): void {
    const session = this.#session;
    if (session === undefined) return;
    if (session.responder !== undefined) session.leave("there is a younger connection");
    session.draining = true;
    this.#retire(session);
    this.settled(session);
  }

  draining(session: Session): void {
    this.#publish(session, "draining");
    this.#retire(session, "the server sends everybody away");
    this.settled(session);
  }

  settled(session: Session): void {
    if (session.draining && session.quiet) session.finish();
  }

  closed(session: Session, reason: CloseReason): void {
    this.#publish(session, "closed", reason.message);
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
    if (this.#session !== undefined) return; // so has the connection that took its place
    this.#failures++;
    this.#lastFailure = systemError("UNAVAILABLE", reason, { executed: "no" });
    this.#pause();
  }

  pushed(session: Session, text: string): void {
    const { contracts, hello } = readPush(text);
    if (hello !== undefined) this.#greeted(session, hello);
    const announced = session.responder?.announce(contracts) ?? true;
    if (!announced) session.violation("too many operations");
  }

  /** From here on it is sent what it says that it takes. */
  #greeted(session: Session, hello: Hello): void {
    const { format } = this.#bounds;
    session.itemBytesMax = hello.itemBytesMax;
    session.bootId = hello.bootId;
    session.knowClock(hello.clock);
    session.connection.moves?.heard(hello.moves ?? "");
    if (format !== undefined && hello.codecs.includes(format.name)) session.format = format;
  }

  began(incoming: Incoming, answered: boolean): void {
    this.#underWay.began(incoming, answered);
  }

  ended(session: Session, incoming: Incoming, answered: boolean): void {
    this.#underWay.ended(incoming, answered);
    this.settled(session);
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

  #publish(session: Session, state: "open" | "draining" | "closed", reason?: string): void {
    tellConnection(session.connection, "client", this.endpoint, { state, reason });
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
      if (session.responder !== undefined) session.leave("the client is closing");
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
    this.#underWay.stop();
    for (const session of [...this.#leaving]) {
      session.cancelAll();
      session.finish();
    }
  }
}

/** Its first item was taken out of the source, and cannot be sent in any other way. */
function noForm(): TrunklineError {
  const reason = "the server refuses the form in which the request is to go";
  return systemError("UNAVAILABLE", reason, { executed: "no" });
}
