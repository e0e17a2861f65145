import type { ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";

import type { Env } from "../../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import { Alarm } from "../../../base/timer-wheel.ts";
import type { Attempt, Cancellable, CancelReason } from "../../attempt.ts";
import { bootHeader } from "../../standing-headers.ts";
import { unpacked } from "../answering/received.ts";
import type { CompressionName } from "../wire/compression.ts";
import { compress, compressedFromBytes, type Compression } from "../wire/compression.ts";
import { compressedFlag, envelope } from "../wire/envelope.ts";
import type { ErrorTypes } from "../wire/failure.ts";
import {
  ConnectStreamAnswer,
  ConnectUnaryAnswer,
  GrpcAnswer,
  type Answer,
  type AnswerOwner,
} from "./answer.ts";
import { encoded, tooLarge } from "./encoded.ts";
import { checkHeaders, headOf, type Dialect } from "./head.ts";
import type { CalledMethod } from "./method.ts";
import type { CallingSession } from "./session.ts";
import { lostBefore, refusedStream, resetBy } from "./truth.ts";

/** Who holds requests that have no connection, and takes back those that a server has refused. */
export interface RequestHome {
  readonly env: Env;
  readonly itemBytesMax: number;
  readonly compression: Compression | undefined;
  /** The request waited for a connection as long as it may. */
  expired(request: Request): void;
  /** The request is over; it need not be held any more. */
  left(request: Request): void;
  /** All of its first message has left. */
  departed(request: Request): void;
  /** The server has not looked at it: it may go to another connection. False when it may not. */
  elsewhere(request: Request): boolean;
}

/** Larger messages leave in pieces of so many bytes, so that it can be told when the last one has left. */
const pieceBytes = 64 * 1024;

/** The smallest that a peer may set for its frames, and what most of them take. */
const frameBytes = 16 * 1024;

/** CANCEL: whoever asked wants no answer any more. */
const cancelCode = 8;

/** How much earlier than we a server may find that our time is over, in milliseconds: alarms ring on ticks. */
const cutEarlyMsMax = 50;

/**
 * A request of ours, from the call until it is answered. It may wait for a connection first, and move to another when a
 * server sends it away unread.
 */
export abstract class Request extends Alarm implements Cancellable, AnswerOwner {
  readonly method: CalledMethod;
  readonly attempt: Attempt;
  readonly startedAt: number;
  protected readonly home: RequestHome;
  protected readonly dialect: Dialect;
  /** The message with which it begins; undefined: items follow, and nothing goes before them. */
  readonly #first: Uint8Array | undefined;
  session: CallingSession | undefined;
  protected stream: ClientHttp2Stream | undefined;
  #left = false;
  /** All of what the handler needs to begin has left: from here on nobody knows whether it runs. */
  protected departed = false;
  over = false;
  /** The server was told that nothing is wanted any more. */
  protected stopped = false;
  /** Where more is to follow: by `close` Node would end the request first, as if it were complete. */
  #abort: AbortController | undefined;

  constructor(
    home: RequestHome,
    method: CalledMethod,
    dialect: Dialect,
    attempt: Attempt,
    input: unknown,
  ) {
    super();
    this.home = home;
    this.method = method;
    this.dialect = dialect;
    this.attempt = attempt;
    this.startedAt = attempt.beganAt ?? home.env.now();
    checkHeaders(attempt);
    const { operation, codecs } = method;
    this.#first = operation.headless
      ? undefined
      : encoded(codecs.first, input, home.itemBytesMax, "no");
  }

  get errors(): ErrorTypes {
    return this.method.errors;
  }

  get bytesMax(): number {
    return this.home.itemBytesMax;
  }

  abstract accepted(reads: boolean): void;
  abstract message(flags: number, payload: Buffer, compression: CompressionName): void;
  abstract excessive(bytes: number): void;
  abstract finished(failure?: TrunklineError): void;
  /** Gives the failure to whoever waits. */
  protected abstract reject(error: TrunklineError): void;
  /** The first message has left. */
  protected abstract sent(): void;
  /** The deadline is over while it is under way. */
  protected abstract timedOut(): void;

  /** What can be said of the handler when no answer comes. */
  protected get executed(): "no" | "maybe" {
    return this.departed ? "maybe" : "no";
  }

  /** All of it can be sent a second time. */
  protected get movable(): boolean {
    return true;
  }

  // ---- sending ------------------------------------------------------------------------------------------------------

  /** Opens its stream. False when the connection turns out to take none. */
  send(session: CallingSession, now: number): boolean {
    const { compression } = this.home;
    const bytes = this.#first?.length ?? 0;
    if (bytes > session.itemBytesMax) {
      this.fail(tooLarge(bytes, session.itemBytesMax, "no"));
      return true;
    }
    const head = headOf(this.dialect, this.method, this.attempt, this.#encoding, now);
    const whole = this.ends && bytes <= pieceBytes;
    this.#abort = whole ? undefined : new AbortController();
    const stream = session.open(head, this.#abort?.signal, this);
    if (stream === undefined) return false;
    this.session = session;
    this.stream = stream;
    this.#hear(stream);
    const first = this.#first;
    if (first === undefined) {
      this.departed = true;
      this.sent();
    } else this.#write(stream, this.#framed(first, compression), this.ends);
    return true;
  }

  /** It was sent, and another message may overtake its first one. */
  get leaving(): boolean {
    return this.stream !== undefined && !this.#left;
  }

  /** The first message is the only one. */
  protected get ends(): boolean {
    return true;
  }

  get #encoding(): string | undefined {
    const { compression } = this.home;
    if (compression === undefined) return undefined;
    if (this.dialect !== "connect-unary") return compression;
    return this.#first!.length >= compressedFromBytes ? compression : undefined;
  }

  #framed(message: Uint8Array, compression: Compression | undefined): Uint8Array {
    if (this.dialect !== "connect-unary") return this.enveloped(message);
    if (compression === undefined || message.length < compressedFromBytes) return message;
    return compress(compression, message);
  }

  protected enveloped(message: Uint8Array): Buffer {
    const { compression } = this.home;
    if (compression === undefined || message.length < compressedFromBytes)
      return envelope(0, message);
    return envelope(compressedFlag, compress(compression, message));
  }

  /** In pieces where it is large: until the last of them is handed on, the handler cannot have begun. */
  #write(stream: ClientHttp2Stream, bytes: Uint8Array, ends: boolean): void {
    if (stream !== this.stream || stream.destroyed) return;
    if (bytes.length > pieceBytes) {
      stream.write(bytes.subarray(0, pieceBytes), (error) => {
        if (!error) this.#write(stream, bytes.subarray(pieceBytes), ends);
      });
      return;
    }
    this.departed = true;
    const whole = bytes.length <= frameBytes && stream.writableLength === 0;
    // What fits into one frame is not overtaken by what is handed on later.
    if (whole) this.#left = true;
    const left = this.method.operation.ordered ? () => this.#leave() : undefined;
    if (ends) stream.end(bytes, left);
    else stream.write(bytes, left);
    this.sent();
  }

  #leave(): void {
    this.#left = true;
    this.home.departed(this);
  }

  // ---- hearing ------------------------------------------------------------------------------------------------------

  #hear(stream: ClientHttp2Stream): void {
    const heard: Heard = stream;
    heard[hearing] = { request: this, answer: this.#answer() };
    heard.on("response", onHead).on("data", onData).on("trailers", onTrailers).on("end", onEnd);
  }

  /** What `stream` tells is about this request still. */
  hears(stream: ClientHttp2Stream): boolean {
    return this.stream === stream && !this.over;
  }

  /** The last word of `stream`. */
  closed(stream: ClientHttp2Stream): void {
    if (this.hears(stream)) this.#broken(stream);
  }

  #answer(): Answer {
    if (this.dialect === "grpc") return new GrpcAnswer(this);
    return this.dialect === "connect-stream"
      ? new ConnectStreamAnswer(this)
      : new ConnectUnaryAnswer(this);
  }

  /** The stream has ended without the answer. */
  #broken(stream: ClientHttp2Stream): void {
    const session = this.session!;
    const { rstCode, id = 0 } = stream;
    const unread = rstCode === refusedStream || id > session.lastStreamId;
    if (unread) {
      // A server that only has no room just now would be asked in a circle: that is for whoever repeats calls.
      if (session.leaving && this.movable) {
        this.#detach();
        if (this.home.elsewhere(this)) return;
      }
      const reason = session.leaving
        ? "the server is shutting down"
        : "the server has refused the stream";
      this.fail(systemError("UNAVAILABLE", reason, { executed: "no" }));
    } else if (rstCode === cancelCode && this.#leftMs < cutEarlyMsMax) {
      // The server has kept our deadline, by a clock of its own.
      const reason = "the server has cancelled the request when its time was over";
      this.fail(systemError("DEADLINE_EXCEEDED", reason, { executed: this.executed }));
    } else if (session.gone || rstCode === 0) {
      this.fail(lostBefore(this.awaited, session.reason, this.executed));
    } else this.fail(resetBy(rstCode, this.executed));
  }

  get #leftMs(): number {
    const { deadlineAt, totalAt } = this.attempt;
    return Math.min(deadlineAt, totalAt) - this.home.env.now();
  }

  /** What did not come. */
  protected get awaited(): string {
    return "the answer came";
  }

  #detach(): void {
    this.stream = undefined;
    this.session = undefined;
    this.departed = false;
    this.#left = false;
  }

  /** A message that came, decompressed and as a value. Throws what is told then. */
  protected unpacked(flags: number, payload: Buffer, compression: CompressionName): Buffer {
    try {
      return unpacked(flags, payload, compression, this.bytesMax);
    } catch (error) {
      const { code, reason, advice } = error as TrunklineError;
      const ours = code === "RESOURCE_EXHAUSTED" ? code : "INTERNAL";
      throw systemError(ours, `the answer: ${reason}`, { executed: "yes", advice });
    }
  }

  // ---- ending -------------------------------------------------------------------------------------------------------

  /** Settles the request with a failure. */
  fail(error: TrunklineError): void {
    if (this.over) return;
    this.attempt.reachedBoot = this.session?.bootId;
    this.finish();
    this.reject(error);
  }

  /** Takes the request out of every table; nothing that comes reaches it any more. */
  protected finish(): void {
    this.over = true;
    this.home.env.clear(this);
    this.home.left(this);
  }

  /** Fails here and tells the server to stop. */
  abandon(error: TrunklineError): void {
    if (this.over) return;
    this.stop();
    this.fail(error);
  }

  /** The server has said all that it says: it may wait for our end. */
  protected hangUp(): void {
    const { stream } = this;
    if (!this.stopped && stream?.destroyed === false && !stream.writableEnded) stream.end();
  }

  protected stop(): void {
    const { stream } = this;
    if (stream === undefined || stream.destroyed) return;
    this.stopped = true;
    const abort = this.#abort;
    if (abort === undefined || stream.writableEnded) stream.close(cancelCode);
    // From within its own reading Node would forget to tell.
    else this.home.env.yield(() => abort.abort());
  }

  cancel(reason: CancelReason, cause?: unknown): void {
    if (this.over) return;
    const { executed } = this;
    this.abandon(cancelled(reason, executed, cause));
  }

  ring(): void {
    if (this.over) return;
    if (this.stream === undefined) this.home.expired(this);
    else this.timedOut();
  }

  protected late(what: string): void {
    const { executed } = this;
    this.abandon(systemError("DEADLINE_EXCEEDED", what, { executed }));
  }

  protected get elapsedMs(): number {
    return Math.round(this.home.env.now() - this.startedAt);
  }

  protected sourceFailed(error: unknown): void {
    this.abandon(
      isTrunklineError(error)
        ? error
        : systemError("CANCELLED", "the items to send failed", {
            executed: this.executed,
            cause: error,
          }),
    );
  }
}

function cancelled(reason: CancelReason, executed: "no" | "maybe", cause: unknown): TrunklineError {
  if (reason === "deadline") {
    const told = "the deadline of the work that asked for it is over";
    return systemError("DEADLINE_EXCEEDED", told, { executed, cause });
  }
  const why = reason === "shutdown" ? "the client was closed" : "the caller gave up";
  return systemError("CANCELLED", why, { executed, cause });
}

/** Whose answer a stream brings. */
const hearing: unique symbol = Symbol("trunkline.hearing");

interface Heard extends ClientHttp2Stream {
  [hearing]?: { readonly request: Request; readonly answer: Answer };
}

// What a stream tells, by its `this`: a closure for each event would be made for each call.

function answerIn(stream: Heard): Answer | undefined {
  const { request, answer } = stream[hearing]!;
  return request.hears(stream) ? answer : undefined;
}

function onHead(this: Heard, headers: IncomingHttpHeaders): void {
  const answer = answerIn(this);
  if (answer === undefined) return;
  const boot = headers[bootHeader];
  if (boot !== undefined) this[hearing]!.request.session!.met(String(boot));
  answer.head(headers);
}

function onData(this: Heard, chunk: Buffer): void {
  answerIn(this)?.data(chunk);
}

function onTrailers(this: Heard, headers: IncomingHttpHeaders): void {
  answerIn(this)?.trailers(headers);
}

function onEnd(this: Heard): void {
  // Of a reset Node tells as of an end.
  if (this.rstCode === 0 && !this.destroyed) answerIn(this)?.end();
}
