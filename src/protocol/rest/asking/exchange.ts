import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";

import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { Env } from "../../../base/env.ts";
import { Alarm } from "../../../base/timer-wheel.ts";
import { jsonFormat } from "../../../codec/json-format.ts";
import type { Attempt, Cancellable, CancelReason } from "../../attempt.ts";
import { bootHeader, standingHeaders } from "../../standing-headers.ts";
import {
  codeHeader,
  executedHeader,
  headerValue,
  idempotencyKeyHeader,
  quoted,
  retryAfterMsHeader,
  timeoutHeader,
  totalHeader,
} from "../wire/header-names.ts";
import { headerOf, type Answer } from "./answer.ts";
import type { Ask, Written } from "./ask.ts";
import { problemBytes } from "./bounds.ts";
import { answerFailure, lossFailure } from "./failure.ts";
import { LaneOver, type Lane } from "./lane.ts";
import { inPieces, pieceBytes } from "./outgoing-items.ts";
import { userHeaders } from "./user-headers.ts";

/** What a request needs of its caller. */
export interface ExchangeHome {
  readonly env: Env;
  /** The process that has answered last, as far as it says so. */
  bootId: string | undefined;
  /** It has not been written, or was refused by a server that leaves: it may go to another connection. False when it may not. */
  again(exchange: Exchange): boolean;
  /** It waited for a connection as long as it may. */
  expired(exchange: Exchange): void;
  /** It is over. */
  left(exchange: Exchange): void;
  /** The server does not speak the format: from now on it is asked in JSON. Returns how. */
  inJson(ask: Ask): Ask;
}

const nothing: readonly string[] = [];

/** Less than the least memory for sending that a socket has, in bytes. */
const atomicBytes = 2_048;

/** The longest that a header of ours can say, in milliseconds: beyond all that a timer of anybody takes. */
const headerMsMax = 2 ** 53 - 1;

/**
 * A request of ours, from the call until it is answered: its own alarm, and undici's handler of its answer. It may wait for
 * a connection first, and goes to another one as long as nothing of it was read.
 */
export abstract class Exchange extends Alarm implements Cancellable, Dispatcher.DispatchHandler {
  readonly attempt: Attempt;
  readonly startedAt: number;
  protected readonly home: ExchangeHome;
  protected ask: Ask;
  protected written: Written;
  /** Until when it may wait for a connection; set by who lets it wait. */
  waitUntil: number | undefined = undefined;
  over = false;
  readonly #input: unknown;
  #lane: Lane | undefined;
  /** The bytes of its body that count there. */
  #laneBytes = 0;
  #controller: Dispatcher.DispatchController | undefined;
  /** Some of it may have left. */
  #begun = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  /** The headers that it was sent with. */
  #sent: readonly string[] = nothing;
  /** What came of the body of a failure. */
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(home: ExchangeHome, ask: Ask, attempt: Attempt, input: unknown) {
    super();
    this.home = home;
    this.attempt = attempt;
    this.startedAt = attempt.beganAt ?? home.env.now();
    this.ask = ask;
    this.#input = input;
    this.written = ask.write(input);
    userHeaders(attempt.headers); // what cannot be sent is refused before anything waits
  }

  /** Gives the failure to whoever waits. */
  protected abstract reject(error: TrunklineError): void;
  /** An answer of success begins. */
  protected abstract begin(headers: IncomingHttpHeaders): void;
  /** A part of its body. */
  protected abstract receive(chunk: Buffer): void;
  /** It is whole. */
  protected abstract end(): void;

  get operation(): Ask["operation"] {
    return this.ask.operation;
  }

  /** What can be said of the handler when no answer comes. */
  protected get executed(): "no" | "maybe" {
    return this.#begun ? "maybe" : "no";
  }

  /** What stands in the body; an upload gives its items. */
  protected get body(): NonNullable<Dispatcher.DispatchOptions["body"]> | null {
    return this.written.body ?? null;
  }

  /** Names and values by turns that only this kind of request has. */
  protected get extraHeaders(): readonly string[] {
    return nothing;
  }

  /** An answer has begun. */
  protected get answered(): boolean {
    return this.#status !== 0;
  }

  /** It can be sent a second time. */
  protected get movable(): boolean {
    return true;
  }

  // ---- sending ------------------------------------------------------------------------------------------------------

  sendOn(lane: Lane): void {
    this.#lane = lane;
    const { route } = this.ask;
    const now = this.home.env.now();
    this.watch(now);
    lane.dispatch(
      {
        method: route.method,
        path: this.written.target,
        headers: (this.#sent = this.#requestHeaders(now)),
        body: lane.shared ? this.#pieced(this.body) : this.body,
        blocking: false,
      },
      this,
      (this.#laneBytes = this.written.body?.length ?? 0),
    );
  }

  #pieced(body: Exchange["body"]): Exchange["body"] {
    const large = Buffer.isBuffer(body) && body.length > pieceBytes;
    return large ? (inPieces(body) as unknown as Readable) : body;
  }

  /** Sets the alarm for a request that is on its way. */
  protected watch(_now: number): void {
    const { deadlineAt, totalAt } = this.attempt;
    this.home.env.set(this, Math.min(deadlineAt, totalAt));
  }

  #requestHeaders(now: number): string[] {
    const { attempt, written } = this;
    const headers = [...written.headers, ...this.extraHeaders];
    headers.push("traceparent", attempt.trace.traceparent);
    const { deadlineAt, totalAt, idempotencyKey } = attempt;
    if (deadlineAt !== Infinity) headers.push(timeoutHeader, remaining(deadlineAt, now));
    if (totalAt !== Infinity) headers.push(totalHeader, remaining(totalAt, now));
    if (idempotencyKey !== undefined) headers.push(idempotencyKeyHeader, quoted(idempotencyKey));
    for (const [name, value] of standingHeaders(attempt)) headers.push(name, headerValue(value));
    for (const [name, value] of userHeaders(attempt.headers))
      headers.push(name, headerValue(value));
    return headers;
  }

  // ---- DispatchHandler ----------------------------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.over) controller.abort(new Error("it was given up before it was written"));
    else this.#begun = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (this.over) return;
    if (status < 200) {
      this.interim(status);
      return;
    }
    this.#status = status;
    this.#headers = headers;
    const boot = headerOf(headers, bootHeader);
    if (boot !== undefined) this.home.bootId = this.attempt.reachedBoot = boot;
    if (/\bclose\b/i.test(headerOf(headers, "connection") ?? "")) this.#lane?.leave();
    if (this.#succeeds) this.begin(headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return;
    if (this.#succeeds) {
      this.receive(chunk);
      return;
    }
    this.#bytes += chunk.length;
    if (this.#bytes <= this.ask.itemBytesMax + problemBytes) this.#parts.push(chunk);
    else this.#answered(true, false);
  }

  onResponseEnd(): void {
    const left = this.#lane?.leaving ?? false;
    if (this.#lane !== undefined) this.#lane.proven = true;
    this.#released();
    if (this.over) return;
    if (this.#succeeds) this.end();
    else this.#answered(false, left);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const lane = this.#lane;
    const unwritten =
      !this.#begun || error instanceof LaneOver || this.#refusedBySystem(lane, error);
    // A connection that others share goes on when one of them is given up; else it would be found free, and fail again.
    if (lane?.shared === true ? unwritten && !this.over : true) lane?.leave();
    this.#released();
    if (this.over) return;
    if (unwritten) {
      if (!this.#moved()) this.fail(lossFailure("unwritten", error.message, { cause: error }));
      return;
    }
    if (this.#status >= 300) {
      this.#answered(true, true);
      return;
    }
    this.lost(error);
  }

  /**
   * The system has taken nothing of a small request: its memory for sending was empty, so that it takes all or nothing. The
   * connection had been closed meanwhile.
   */
  #refusedBySystem(lane: Lane | undefined, error: Error): boolean {
    const { syscall, code } = error as NodeJS.ErrnoException;
    if (syscall !== "write" || (code !== "EPIPE" && code !== "ECONNRESET")) return false;
    const { body, head, target } = this.written;
    const bytes =
      (body?.length ?? 0) + (head?.length ?? 0) + target.length + this.#sent.join("    ").length;
    return this.movable && lane?.shared === false && bytes <= atomicBytes;
  }

  #released(): void {
    const lane = this.#lane;
    this.#lane = undefined;
    lane?.release(this.#laneBytes);
  }

  // ---- what it came to ----------------------------------------------------------------------------------------------

  get #succeeds(): boolean {
    const { route } = this.ask;
    const status = this.#status;
    return (status >= 200 && status < 300) || route.isFailure?.(status) === false;
  }

  /** An interim answer. */
  protected interim(_status: number): void {}

  /** A failure has come, whole or cut short; `left`: its connection takes no further request. */
  #answered(cut: boolean, left: boolean): void {
    const answer: Answer = {
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(cut ? [] : this.#parts),
      cut,
    };
    this.#parts = [];
    if (cut) this.stop();
    if (this.#speaksOtherwise() || (left && this.#leaves(answer))) return;
    const error = answerFailure(this.operation, this.ask.route, answer, this.home.env.wall());
    this.fail(error);
  }

  /** The server does not read, or write, the format: it is asked once more, in JSON. */
  #speaksOtherwise(): boolean {
    const told = headerOf(this.#headers, executedHeader);
    const unread = this.#status === 415 || (this.#status === 406 && told === "no");
    if (!unread || this.ask.format.id === jsonFormat.id || !this.movable) return false;
    try {
      this.ask = this.home.inJson(this.ask);
      this.written = this.ask.write(this.#input);
    } catch {
      return false; // what the server said is the better story
    }
    return this.#moved();
  }

  /** A server that leaves has refused: it never ran and may go to its successor. */
  #leaves({ status, headers }: Answer): boolean {
    const refused = status === 503 && headerOf(headers, executedHeader) === "no";
    const own = headerOf(headers, codeHeader) ?? "UNAVAILABLE";
    if (own !== "UNAVAILABLE" || headerOf(headers, retryAfterMsHeader) === "never") return false;
    return refused && this.movable && this.#moved();
  }

  #moved(): boolean {
    this.#begun = false;
    this.#controller = undefined;
    this.#status = 0;
    this.#bytes = 0;
    this.#parts = [];
    return this.home.again(this);
  }

  /** The connection was lost, or HTTP was broken, before the answer was whole. */
  protected lost(cause: Error): void {
    const { message } = cause;
    const code = (cause as { code?: unknown }).code;
    if (code === "UND_ERR_HEADERS_OVERFLOW") {
      this.fail(lossFailure("headers too large", message, { cause }));
      return;
    }
    const began = this.#status !== 0;
    const when = began ? "before the answer was whole" : "before the answer came";
    const reason = `the connection was lost ${when}: ${message}`;
    this.fail(lossFailure(began ? "cut" : "unanswered", reason, { cause }));
  }

  /** Settles the request with a failure. */
  fail(error: TrunklineError): void {
    if (this.over) return;
    this.finish();
    this.reject(error);
  }

  /** Takes the request out of every table; no answer and no alarm reaches it any more. */
  protected finish(): void {
    this.over = true;
    this.home.env.clear(this);
    this.home.left(this);
  }

  /** Fails here, and lets the server see that nobody waits. */
  abandon(error: TrunklineError): void {
    if (this.over) return;
    this.fail(error);
    this.stop();
  }

  /** Nothing more is wanted of the answer. */
  protected stop(): void {
    this.#controller?.abort(new Error("given up"));
  }

  protected pause(): void {
    this.#controller?.pause();
  }

  protected resume(): void {
    this.#controller?.resume();
  }

  cancel(reason: CancelReason, cause?: unknown): void {
    if (this.over) return;
    this.abandon(cancelError(reason, this.executed, cause));
  }

  ring(): void {
    if (this.over) return;
    if (this.#lane === undefined) this.home.expired(this);
    else this.timedOut();
  }

  /** The deadline is over while the request is under way. */
  protected timedOut(): void {
    const elapsed = Math.round(this.home.env.now() - this.startedAt);
    this.abandon(late(`no answer within ${elapsed} ms`, this.executed));
  }
}

export function late(reason: string, executed: "no" | "maybe"): TrunklineError {
  return systemError("DEADLINE_EXCEEDED", reason, { executed });
}

function cancelError(
  reason: CancelReason,
  executed: "no" | "maybe",
  cause: unknown,
): TrunklineError {
  if (reason === "deadline") {
    const told = "the deadline of the work that asked for it is over";
    return systemError("DEADLINE_EXCEEDED", told, { executed, cause });
  }
  const why = reason === "shutdown" ? "the client was closed" : "the caller gave up";
  return systemError("CANCELLED", why, { executed, cause });
}

/** Rounded up: what is left must not look like nothing. */
function remaining(at: number, now: number): string {
  return String(Math.min(headerMsMax, Math.max(1, Math.ceil(at - now))));
}
