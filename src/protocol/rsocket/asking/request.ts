import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { Env } from "../../../base/env.ts";
import { Alarm } from "../../../base/timer-wheel.ts";
import type { Codec } from "../../../codec/codec.ts";
import type { Format } from "../../../codec/format.ts";
import type { CloseReason } from "../../../transport/transport.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import type { Attempt, Cancellable, CancelReason } from "../../attempt.ts";
import type { Codecs, Operation } from "../../operation.ts";
import { fragmentBytesMax } from "../frames/fragment-queue.ts";
import { bytesBeyond, bytesOf, type Payload } from "../frames/frame-sender.ts";
import type { Outgoing } from "../items/item-sink.ts";
import type { StreamEnd } from "../frames/stream-end.ts";

/** What a request needs of the session that carries it. */
export interface Carrier extends Outgoing {
  /** The peer takes no new requests here. */
  readonly draining: boolean;
  /** The largest input or item that the peer takes, as far as it has said so. */
  readonly itemBytesMax: number;
  /** The life of the peer's process, as far as it has said so. */
  readonly bootId: string | undefined;
  /** How values are written on this connection, if not as JSON: both sides speak it. */
  readonly format: Format | undefined;
  /** The request is over: frames that still come for it are ignored. */
  forget(streamId: number): void;
  /** Tells the peer to stop. */
  cancel(streamId: number): void;
  /** Gives the peer credit for more items. */
  request(streamId: number, items: number): void;
  /** Sends an item, or the end of our items, as the flags NEXT and COMPLETE say. */
  payload(streamId: number, flags: number, payload: Payload): void;
  /** The peer broke the protocol. */
  violation(message: string): void;
}

/** Who holds requests that have no connection yet, and takes back those that a draining peer refused. */
export interface RequestHome {
  readonly env: Env;
  /** How the values of a request are written that begins now; undefined: as JSON. */
  readonly format: Format | undefined;
  /** The request waited for a connection as long as it may. */
  expired(request: Request): void;
  /** The request is over; it need not be held any more. */
  left(request: Request): void;
  /** A draining peer refused: the request never ran and may go to another connection. False when it may not. */
  elsewhere(request: Request): boolean;
  /** The first item of a request is there, which is to go with it: it may be sent now. */
  resume(request: Request): void;
}

/**
 * A request of ours, from the call until it is answered. It is its own alarm and its own place in the session's table,
 * so that a call allocates little. It may wait for a connection first, and move to another when a peer drains.
 */
export abstract class Request extends Alarm implements Cancellable, StreamEnd {
  readonly operation: Operation;
  readonly attempt: Attempt;
  /** How its values are written, all of them; undefined: as JSON. */
  format: Format | undefined;
  codecs: Codecs;
  payloadOut: Payload;
  readonly startedAt: number;
  protected readonly home: RequestHome;
  /** The session that carries it; undefined while it waits for one. */
  session: Carrier | undefined = undefined;
  streamId = 0;
  /** It goes in fragments and the last one has not gone: the peer cannot have begun. */
  unsent = false;
  over = false;

  constructor(
    home: RequestHome,
    operation: Operation,
    attempt: Attempt,
    input: unknown,
    itemBytesMax: number,
  ) {
    super();
    this.home = home;
    this.operation = operation;
    this.attempt = attempt;
    this.startedAt = attempt.beganAt ?? home.env.now();
    const { format } = home;
    this.format = format;
    this.codecs = format === undefined ? operation : operation.codecs(format);
    this.payloadOut = encodeInput(this.codecs.first, input, itemBytesMax, "no");
  }

  /** What its metadata says of how its values are written. */
  get codecId(): number {
    return this.format === undefined ? this.operation.first.id : this.format.id;
  }

  /** It goes to a connection whose peer does not speak its format. */
  speakJson(bytesMax: number): void {
    const { operation, codecs, payloadOut } = this;
    // Written again from what was written, not from what the caller may have changed meanwhile.
    const bytes = Buffer.from(bytesOf(payloadOut));
    const input = codecs.first.decode(bytes, 0, bytes.length);
    this.format = undefined;
    this.codecs = operation;
    this.payloadOut = encodeInput(operation.first, input, bytesMax, "no");
  }

  /** The frame type that begins it. */
  abstract readonly type: number;
  /** The initial credit; 0 where the type has none. */
  abstract readonly credit: number;
  abstract payload(memory: Buffer, view: FrameView): void;
  abstract tooLarge(reason: string): void;
  /** Gives the failure to whoever waits. */
  protected abstract reject(error: TrunklineError): void;

  /** For a peer that wants the first item in the request itself: true while that is still to come. */
  hold(): boolean {
    return false;
  }

  /** The first item, once it is there; it was asked for when `fetching`. */
  get fetched(): Payload | undefined {
    return undefined;
  }

  get fetching(): boolean {
    return false;
  }

  /** Called by the session when its first frame was committed. */
  sent(session: Carrier, streamId: number): void {
    this.session = session;
    this.streamId = streamId;
    this.unsent = session.unsent.has(streamId);
    if (!this.unsent) return;
    session.unsent.whenSettled(streamId, (all) => {
      if (all && !this.over) this.departed();
    });
  }

  /** The last of its fragments was handed to the connection. */
  protected departed(): void {
    this.unsent = false;
  }

  /** What can be said of the handler when no answer comes: it cannot run before it has the whole request. */
  protected get executed(): "no" | "maybe" {
    return this.session === undefined || this.unsent ? "no" : "maybe";
  }

  get takesPayloads(): boolean {
    return true;
  }

  failed(error: TrunklineError): void {
    const { session, streamId } = this;
    const refused =
      error.executed === "no" && error.code === "UNAVAILABLE" && error.retryAfterMs !== "never";
    if (session?.draining === true && refused && this.movable) {
      session.forget(streamId);
      this.session = undefined;
      this.unsent = false;
      if (this.home.elsewhere(this)) return;
    }
    this.fail(error);
  }

  lost(reason: CloseReason): void {
    const told = `the connection was lost before the answer came: ${reason.message}`;
    this.fail(systemError("UNAVAILABLE", told, { executed: this.executed }));
  }

  /** All of it can be sent a second time. */
  protected get movable(): boolean {
    return true;
  }

  /** Who sends nothing more answers nothing more. */
  peerEnded(): void {
    this.lost({ kind: "lost", message: "the peer ended its side" });
  }

  // Where only the peer sends items, what we are told to send or to stop has no meaning.
  requested(_items: number): void {}
  cancelled(): void {}

  /** Settles the request with a failure. */
  fail(error: TrunklineError): void {
    if (this.over) return;
    this.attempt.reachedBoot = this.session?.bootId;
    this.finish();
    this.reject(error);
  }

  /** Takes the request out of every table; no frame and no alarm reaches it any more. */
  protected finish(): void {
    this.over = true;
    this.home.env.clear(this);
    if (this.session === undefined) this.home.left(this);
    else this.session.forget(this.streamId);
  }

  /** Fails here and tells the peer to stop. */
  abandon(error: TrunklineError): void {
    if (this.over) return;
    this.session?.cancel(this.streamId);
    this.fail(error);
  }

  cancel(reason: CancelReason, cause?: unknown): void {
    if (this.over) return;
    const { executed } = this;
    // The peer is told first: a session that is to close does so with its last request.
    this.session?.cancel(this.streamId);
    this.fail(cancelError(reason, executed, cause));
  }

  ring(): void {
    if (this.over) return;
    if (this.session === undefined) this.home.expired(this);
    else this.timedOut();
  }

  /** The deadline is over while the request is under way. */
  protected timedOut(): void {
    const reason = `no answer within ${Math.round(this.home.env.now() - this.startedAt)} ms`;
    this.abandon(late(reason, this.executed));
  }
}

export function late(reason: string, executed: "no" | "maybe"): TrunklineError {
  return systemError("DEADLINE_EXCEEDED", reason, { executed });
}

/** What the peer sends is more than we take. */
export function excess(reason: string, executed: "maybe" | "yes"): TrunklineError {
  const advice = "let it be sent in parts, or raise itemBytesMax on both sides";
  return systemError("RESOURCE_EXHAUSTED", reason, { executed, advice });
}

function cancelError(
  reason: CancelReason,
  executed: "no" | "maybe",
  cause: unknown,
): TrunklineError {
  if (reason === "deadline") {
    return systemError("DEADLINE_EXCEEDED", "the deadline of the work that asked for it is over", {
      executed,
      cause,
    });
  }
  const why = reason === "shutdown" ? "the client was closed" : "the caller gave up";
  return systemError("CANCELLED", why, { executed, cause });
}

/** What the caller gave, as bytes or text. Throws when it cannot be written, or is too large. */
export function encodeInput(
  codec: Codec,
  input: unknown,
  bytesMax: number,
  executed: "no" | "maybe",
): Payload {
  let payload: Payload;
  try {
    payload = codec.encode(input);
  } catch (cause) {
    const told = cause instanceof Error ? cause.message : String(cause);
    const reason = `the input cannot be written as ${codec.name}: ${told}`;
    throw systemError("INVALID_ARGUMENT", reason, { executed, cause });
  }
  const bytes = bytesBeyond(payload, bytesMax);
  if (bytes > 0) throw inputTooLarge(bytes, bytesMax, executed);
  // What goes in fragments is needed as bytes, and not to be held as text beside them.
  const cut = typeof payload === "string" && payload.length > fragmentBytesMax;
  return cut ? Buffer.from(payload) : payload;
}

export function inputTooLarge(
  bytes: number,
  bytesMax: number,
  executed: "no" | "maybe" = "no",
): TrunklineError {
  const reason = `the input takes ${bytes} bytes, ${bytesMax} are allowed`;
  const advice = "send it in parts, or raise itemBytesMax on both sides";
  return systemError("RESOURCE_EXHAUSTED", reason, { executed, advice });
}
