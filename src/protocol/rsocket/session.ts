import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Format } from "../../codec/format.ts";
import type { CloseReason, Connection, Receiver } from "../../transport/transport.ts";
import { ErrorCode } from "../../wire/error-code.ts";
import { Flag, FrameType } from "../../wire/frame-type.ts";
import { FrameView, readErrorText } from "../../wire/frame-view.ts";
import type { Answering } from "./answering.ts";
import { Lease } from "./answering/lease.ts";
import { unfinishedBytesMax } from "./bounds.ts";
import { CompactForm } from "./asking/compact-form.ts";
import { decodeFailure, encodeFailure } from "./metadata/failure.ts";
import { FragmentQueue } from "./frames/fragment-queue.ts";
import { bytesBeyond, FrameSender, type Payload } from "./frames/frame-sender.ts";
import { IncomingPayloads } from "./frames/incoming-payloads.ts";
import type { PendingNotification } from "./asking/pending-notification.ts";
import { PeerWatch } from "./frames/peer-watch.ts";
import { inputTooLarge, Request, type Carrier } from "./asking/request.ts";
import type { RequestForm } from "./asking/request-form.ts";
import { Room } from "./frames/room.ts";
import type { StreamEnd } from "./frames/stream-end.ts";
import { StreamIds } from "./frames/stream-ids.ts";
import { StreamTable } from "./frames/stream-table.ts";

/** After this long a connection that was told to end is cut, in milliseconds. */
const lingerMs = 1_000;

export interface SessionOwner {
  /** The peer wants no new requests (CONNECTION_CLOSE). */
  draining(session: Session): void;
  /** The last word of a session; its streams have been told before. */
  closed(session: Session, reason: CloseReason): void;
  /** METADATA_PUSH: the text of it. */
  pushed(session: Session, text: string): void;
  /** The peer refuses our SETUP. True when our requests, of which it promises to have begun none, may go elsewhere. */
  refused(session: Session): boolean;
  /** A sign of life is due: the moment to look how old the connection is. */
  watched(session: Session, now: number): void;
  /** SETUP or RESUME: only a server, and only as the first frame, may see them. */
  introduced(session: Session, memory: Buffer, view: FrameView): void;
  /** A stream ended; a session that is to close may now be able to. */
  settled(session: Session): void;
}

export interface SessionOptions {
  /** Streams of a client have odd numbers, those of a server even ones. */
  readonly role: "client" | "server";
  readonly outstandingMax: number;
  /** The largest data of a payload that we take, and the largest frame that is sent. */
  readonly itemBytesMax: number;
  readonly frameBytesMax: number;
  /** Signs of life: how often the client asks, and after which silence the peer is dead. */
  readonly keepaliveMs: number;
  readonly lifetimeMs: number;
  /** How our requests are described. Default compact. */
  readonly form?: RequestForm;
  /** Where numbering begins: for tests of its end. Default 1, or 2 for a server. */
  readonly streamIdFirst?: number;
}

/**
 * One connection that speaks RSocket: gives each frame to the stream it is for, numbers our requests, keeps watch over
 * the peer. What we ask is in `Request` and its kinds, what we are asked in `Responder`.
 */
export class Session extends Alarm implements Receiver, Carrier {
  readonly env: Env;
  readonly sender: FrameSender;
  readonly connection: Connection;
  /** Who waits for room in the connection. */
  readonly room: Room;
  /** Payloads of ours of which fragments are still to be sent. */
  readonly unsent: FragmentQueue;
  /** Payloads of the peer, until they are whole. */
  readonly incoming: IncomingPayloads;
  /** How our requests are described; a server learns from the SETUP what its peer understands. */
  form: RequestForm;
  /** Answers requests of the peer; undefined where we only ask. */
  responder: Answering | undefined = undefined;
  /** How many requests the peer may still send; undefined where it has not asked to be told. */
  lease: Lease | undefined = undefined;
  /** No new requests go out on this session. */
  draining = false;
  /** The largest input that the peer takes, as far as it has said so. */
  itemBytesMax: number = Infinity;
  format: Format | undefined = undefined;
  bootId: string | undefined = undefined;
  /** Our requests under way. */
  outstanding = 0;
  /** The peer sends nothing more. */
  peerEnded = false;
  readonly #owner: SessionOwner;
  readonly #options: SessionOptions;
  readonly #view = new FrameView();
  readonly #streams = new StreamTable();
  readonly #streamIds: StreamIds;
  #state: "open" | "ending" | "closed" = "open";
  #broken: CloseReason | undefined;
  readonly #peer: PeerWatch;
  /** A client's SETUP has been accepted: whatever the peer sends shows it, but the refusal. */
  #established = false;
  /** Notifications sent before that: a refused SETUP leaves them unread. */
  readonly #unproven: PendingNotification[] = [];

  constructor(connection: Connection, owner: SessionOwner, options: SessionOptions, env: Env) {
    super();
    this.env = env;
    this.connection = connection;
    this.room = new Room(connection, env, unfinishedBytesMax(options.itemBytesMax), this);
    this.#streamIds = new StreamIds(options.role, options.streamIdFirst);
    this.unsent = new FragmentQueue(connection, this.room, this.#streamIds, options.frameBytesMax);
    this.sender = new FrameSender(connection, this.unsent, options.frameBytesMax);
    this.incoming = new IncomingPayloads(options.itemBytesMax, env);
    this.#owner = owner;
    this.#options = options;
    this.form = options.form ?? new CompactForm();
    this.#peer = new PeerWatch(options.keepaliveMs, options.lifetimeMs, env.now());
  }

  /** True until either side began to close. */
  get open(): boolean {
    return this.#state === "open";
  }

  /** Begins to receive. */
  start(): void {
    this.connection.open(this);
    this.#lookLater(this.env.now());
  }

  /** Keep-alive as the client's SETUP says it. */
  watch(keepaliveMs: number, lifetimeMs: number): void {
    this.#peer.retime(keepaliveMs, lifetimeMs);
    this.#lookLater(this.env.now());
  }

  /** The id of the clock that the peer's host has: where it is ours, requests say instants of it. */
  knowClock(id: string | undefined): void {
    const { hostClock } = this.env;
    if (id !== undefined && id === hostClock?.id) this.sender.clockOffsetMs = hostClock.offsetMs;
  }

  // ---- asking -------------------------------------------------------------------------------------------------------

  /** Sends a request, or the first fragment of it. Throws, with `executed: "no"`, when it cannot. */
  send(request: Request, now: number = this.env.now()): void {
    if (this.outstanding >= this.#options.outstandingMax) {
      throw systemError(
        "RESOURCE_EXHAUSTED",
        `${this.outstanding} requests are under way, ${this.#options.outstandingMax} are allowed`,
        {
          executed: "no",
          advice: "send fewer at once, or raise outstandingMax",
        },
      );
    }
    if (request.format !== undefined && request.format !== this.format)
      request.speakJson(this.#options.itemBytesMax);
    const bytes = bytesBeyond(request.payloadOut, this.itemBytesMax);
    if (bytes > 0) throw inputTooLarge(bytes, this.itemBytesMax);
    if (request.type === FrameType.REQUEST_CHANNEL && this.form.holds(request)) return;
    const streamId = this.#streamIds.next(this.#streams);
    this.form.write(this.sender, streamId, request, now);
    if (request.type !== FrameType.REQUEST_FNF || this.unsent.has(streamId)) {
      this.#streams.set(streamId, request);
      this.outstanding++;
      this.room.readOn();
    } else if (!this.#established && this.#unproven.length < this.#options.outstandingMax) {
      this.#unproven.push(request as PendingNotification);
    }
    request.sent(this, streamId);
  }

  /** One of our requests is over: frames that still come for it are ignored, as the standard asks. */
  forget(streamId: number): void {
    this.unsent.drop(streamId);
    this.incoming.drop(streamId);
    if (!this.#streams.delete(streamId)) return;
    this.outstanding--;
    if (this.draining || this.#state !== "open") this.#owner.settled(this);
  }

  /** Tells the peer to stop. */
  cancel(streamId: number): void {
    this.#guarded(() => this.sender.cancel(streamId));
  }

  /** Sends an item of a stream, or the end of its items. */
  payload(streamId: number, flags: number, payload: Payload): void {
    this.#guarded(() => this.sender.payload(streamId, flags, payload));
  }

  /** Gives the peer credit for more items. */
  request(streamId: number, items: number): void {
    this.#guarded(() => this.sender.requestN(streamId, items));
  }

  // ---- answering ----------------------------------------------------------------------------------------------------

  /** The responder's end of a stream that the peer began. */
  adopt(streamId: number, end: StreamEnd): void {
    this.#streams.set(streamId, end);
  }

  /** An end of the responder is over. */
  release(streamId: number): void {
    this.unsent.drop(streamId);
    this.incoming.drop(streamId);
    this.#streams.delete(streamId);
  }

  /** Nothing is to be sent any more: neither answers nor requests. */
  get quiet(): boolean {
    return this.#streams.size === 0;
  }

  // ---- receiving ----------------------------------------------------------------------------------------------------

  frame(memory: Buffer, from: number, to: number): void {
    if (this.#state === "closed" || this.#broken !== undefined) return;
    this.#peer.heard = true;
    const view = this.#view;
    const fault = view.read(memory, from, to);
    if (fault !== undefined) {
      if (this.#unintroduced) this.violation(fault, ErrorCode.INVALID_SETUP);
      else if (!view.ignorable) this.violation(fault);
      return;
    }
    if (this.#unintroduced && view.type !== FrameType.SETUP && view.type !== FrameType.RESUME) {
      this.violation("the first frame must be a SETUP", ErrorCode.INVALID_SETUP);
      return;
    }
    if (view.streamId === 0) this.#connectionFrame(memory, view);
    else this.#streamFrame(memory, view);
    if (!this.#established) {
      this.#established = true;
      this.#unproven.length = 0;
    }
  }

  /** True for a server until the peer has said who it is. */
  get #unintroduced(): boolean {
    return this.#options.role === "server" && this.responder === undefined;
  }

  #streamFrame(memory: Buffer, view: FrameView): void {
    const { streamId } = view;
    const end = this.#streams.get(streamId);
    switch (view.type) {
      case FrameType.PAYLOAD:
        if ((view.flags & Flag.FOLLOWS) === 0 && this.incoming.unfinished === 0) {
          const excess = this.incoming.excess(view);
          if (excess === undefined) end?.payload(memory, view);
          else end?.tooLarge(excess);
        } else this.incoming.payload(memory, view, end, this.responder);
        return;
      case FrameType.REQUEST_RESPONSE:
      case FrameType.REQUEST_FNF:
      case FrameType.REQUEST_STREAM:
      case FrameType.REQUEST_CHANNEL:
        this.#requested(memory, view, end);
        return;
      case FrameType.ERROR:
        if (end === undefined) this.incoming.drop(streamId);
        else end.failed(decodeFailure(view.errorCode, readErrorText(memory, view)));
        return;
      case FrameType.REQUEST_N:
        if (end === undefined) this.incoming.grant(streamId, view.requestN);
        else end.requested(view.requestN);
        return;
      case FrameType.CANCEL:
        if (end === undefined) this.incoming.drop(streamId);
        else end.cancelled();
        return;
    }
  }

  #requested(memory: Buffer, view: FrameView, end: StreamEnd | undefined): void {
    const { streamId } = view;
    // The standard asks to ignore a request on a stream in use; who has ended its side cannot answer.
    if (end !== undefined || this.incoming.has(streamId) || this.#state !== "open") return;
    if (this.responder === undefined) {
      this.#guarded(() =>
        this.sender.error(streamId, ErrorCode.REJECTED, "this side serves nothing"),
      );
      this.room.holdOff();
    } else if (!this.#streamIds.foreign(streamId)) {
      this.violation(`a request with the stream id ${streamId}, which is not the peer's to give`);
    } else if (this.lease !== undefined && !this.#leased(view)) {
      this.room.holdOff();
    } else if ((view.flags & Flag.FOLLOWS) !== 0) {
      this.incoming.request(memory, view, this.responder);
    } else {
      const excess = this.incoming.excess(view);
      if (excess === undefined) this.responder.request(memory, view);
      else this.responder.tooLarge(view, `the request ${excess}`);
    }
  }

  /** False: it was refused. */
  #leased({ streamId, type }: FrameView): boolean {
    const refusal = this.lease!.spend();
    if (refusal === undefined) return true;
    if (type !== FrameType.REQUEST_FNF) {
      const text = encodeFailure(refusal);
      this.#guarded(() => this.sender.error(streamId, ErrorCode.REJECTED, text));
    }
    return false;
  }

  /** Tells the peer, from now on, how many requests it may send. */
  giveLeases(room: () => number): void {
    const grant = (ttlMs: number, requests: number): void => {
      this.#guarded(() => this.sender.lease(ttlMs, requests));
    };
    this.lease = new Lease(grant, room, this.env);
    this.lease.renew();
  }

  #connectionFrame(memory: Buffer, view: FrameView): void {
    switch (view.type) {
      case FrameType.KEEPALIVE:
        if ((view.flags & Flag.RESPOND) !== 0) {
          const echo = Buffer.from(memory.subarray(view.dataFrom, view.dataTo));
          this.#guarded(() => this.sender.keepalive(false, echo));
          this.room.holdOff();
        }
        return;
      case FrameType.METADATA_PUSH:
        this.#owner.pushed(this, memory.toString("utf8", view.metadataFrom, view.metadataTo));
        return;
      case FrameType.ERROR:
        this.#connectionError(view.errorCode, readErrorText(memory, view));
        return;
      case FrameType.SETUP:
      case FrameType.RESUME:
        // The standard asks to ignore a second SETUP, and a client ignores whatever only servers are sent.
        if (this.#unintroduced) this.#owner.introduced(this, memory, view);
        return;
    }
  }

  #connectionError(code: number, text: string): void {
    if (code === ErrorCode.CONNECTION_CLOSE) {
      this.draining = true;
      this.#owner.draining(this);
      return;
    }
    if (code < ErrorCode.CONNECTION_ERROR) {
      if (this.#options.role === "server") return; // codes of a refused SETUP: a server must ignore them
      if (this.#established) return; // the standard asks to ignore them once the SETUP was accepted
      // The standard promises that nothing of what we sent behind the SETUP was processed.
      const refusal = decodeFailure(ErrorCode.REJECTED, text);
      // Who has enough connections would refuse any other description of requests too.
      this.draining = refusal.code !== "RESOURCE_EXHAUSTED" && this.#owner.refused(this);
      if (this.draining)
        for (const notification of this.#unproven.splice(0)) notification.unread(this);
      for (const end of this.#takeStreams()) end.failed(refusal);
    }
    const told = decodeFailure(code, text).reason;
    this.#end({ kind: "broken", message: `the peer closed the connection: ${told}` });
  }

  drain(): void {
    this.#peer.heard = true; // the peer reads: it lives
    this.room.wake();
  }

  ended(): void {
    this.peerEnded = true;
    this.incoming.clear();
    if (this.#options.role === "server") for (const end of this.#streams.all()) end.peerEnded();
    this.#owner.settled(this);
    if (this.#options.role === "client")
      this.#end({ kind: "lost", message: "the peer closed the connection" });
  }

  closed(reason: CloseReason): void {
    if (this.#state === "closed") return;
    const told = this.#broken ?? reason;
    this.#state = "closed";
    this.env.clear(this);
    this.lease?.stop();
    this.#loseStreams(told);
    this.room.close();
    this.#owner.closed(this, told);
  }

  // ---- closing ------------------------------------------------------------------------------------------------------

  /** The peer broke the protocol: it is told so, and the connection closes. */
  violation(message: string, code: number = ErrorCode.CONNECTION_ERROR): void {
    if (this.#broken !== undefined || this.#state === "closed") return;
    this.#guarded(() => this.sender.error(0, code, message));
    this.#end({ kind: "broken", message: `protocol error: ${message}` });
  }

  /** Says that we send nothing more; the connection is cut when the peer does not follow. */
  finish(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.connection.end();
    this.env.set(this, this.env.now() + lingerMs);
  }

  /** Sends a METADATA_PUSH. */
  tell(text: string): void {
    this.#guarded(() => this.sender.metadataPush(text));
  }

  /**
   * Drains: tells the peer to send no new requests (CONNECTION_CLOSE), refuses those that come nevertheless, and leaves
   * it to the peer to close when it has its answers.
   */
  leave(why: string): void {
    if (this.responder !== undefined) this.responder.draining = true;
    this.#guarded(() => this.sender.error(0, ErrorCode.CONNECTION_CLOSE, why));
  }

  /** Gives up all requests of ours. */
  cancelAll(): void {
    for (const end of this.#streams.all()) if (end instanceof Request) end.cancel("shutdown");
  }

  /** Cuts the connection. */
  destroy(message: string): void {
    this.connection.destroy(message);
  }

  #end(reason: CloseReason): void {
    this.#broken ??= reason;
    this.draining = true;
    this.#loseStreams(reason);
    this.finish();
  }

  #loseStreams(reason: CloseReason): void {
    for (const end of this.#takeStreams()) end.lost(reason);
    this.unsent.clear();
    this.incoming.clear();
  }

  #takeStreams(): StreamEnd[] {
    const ends = this.#streams.all();
    this.#streams.clear();
    this.outstanding = 0;
    return ends;
  }

  // ---- watching over the peer ---------------------------------------------------------------------------------------

  ring(): void {
    if (this.#state === "closed") return;
    if (this.#state === "ending") {
      this.connection.destroy("the peer did not close its side in time");
      return;
    }
    const now = this.env.now();
    const silentMs = this.#peer.silence(now);
    if (silentMs !== undefined) {
      const message = `nothing came from the peer for ${Math.round(silentMs)} ms`;
      this.#broken = { kind: "lost", message };
      this.connection.destroy(message);
      return;
    }
    if (this.#options.role === "client")
      this.#guarded(() => this.sender.keepalive(true, undefined));
    this.#lookLater(now);
    this.#owner.watched(this, now);
  }

  #lookLater(now: number): void {
    if (this.#state === "open") this.env.set(this, this.#peer.next(now));
  }

  /** For frames that nobody waits for: when the connection cannot take them it is beyond help. */
  #guarded(write: () => void): void {
    if (this.#state !== "open") return;
    try {
      write();
    } catch (error) {
      this.connection.destroy(error instanceof Error ? error.message : String(error));
    }
  }
}
