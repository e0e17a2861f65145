import { equal, ok } from "node:assert/strict";
import { ErrorCode, errorName } from "../src/wire/error-code.ts";
import { Flag, frameName, FrameType } from "../src/wire/frame-type.ts";
import { FrameView, readErrorText } from "../src/wire/frame-view.ts";

/** An announcement up to this size holds fewer operations than a connection can number. */
const operationsBytesMax = 64 * 1024;

/** What was asked on one stream id, summed up over its lives. */
interface Asked {
  /** Requests that are owed one end each, at most. */
  answers: number;
  /** The part of those that are no streams: one item each. */
  singles: number;
  credit: number;
  ends: number;
  items: number;
  following: boolean;
  /** The last fragment of a request has not been sent. */
  unfinished: boolean;
  /** Requests that were channels: the server gives credit for items, or says that it wants no more. */
  channels: number;
  /** Items that the server has asked for and that have not been sent. */
  granted: number;
}

/**
 * Watches a server's frames from the client's side: none is malformed, none without a request, no more items than
 * credit, one end a request, each keep-alive echoed in order, nothing after the last word. Requests that were on their
 * way count at once, so what crossed on the way is never a complaint.
 */
export class Observer {
  /** The code of the ERROR on stream 0 that ended the connection. */
  lastWord: number | undefined;
  /** The client has said ERROR on stream 0: it wants no further word. */
  dismissed = false;
  #offended = false;
  /** No frame has been sent yet. */
  #first = true;
  /** The client wants to be told how much it may ask. */
  #leases = false;
  readonly #sent = new FrameView();
  readonly #got = new FrameView();
  readonly #asked = new Map<number, Asked>();
  readonly #echoes: string[] = [];
  /** The highest stream id that the server has given. */
  #lastBack = 0;

  /** KEEPALIVE frames that ask for an answer and have not got it. */
  get echoesMissing(): number {
    return this.#echoes.length;
  }

  sent(frame: Buffer): void {
    const view = this.#sent;
    const fault = view.read(frame, 0, frame.length);
    this.#offended ||= fault === undefined ? this.#offends(view) : !view.ignorable || this.#first;
    const first = this.#first;
    this.#first = false;
    if (fault !== undefined) return;
    const { streamId, type, flags, requestN } = view;
    const follows = (flags & Flag.FOLLOWS) !== 0;
    if (type === FrameType.SETUP && first) this.#leases = (flags & Flag.LEASE) !== 0;
    if (type === FrameType.PAYLOAD) this.#of(streamId).unfinished &&= follows;
    if (type === FrameType.KEEPALIVE && (flags & Flag.RESPOND) !== 0) {
      this.#echoes.push(shortened(frame, view));
    } else if (type === FrameType.REQUEST_RESPONSE) {
      const asked = this.#of(streamId);
      asked.answers++;
      asked.singles++;
      asked.unfinished ||= follows;
    } else if (type === FrameType.REQUEST_STREAM || type === FrameType.REQUEST_CHANNEL) {
      const asked = this.#of(streamId);
      asked.answers++;
      asked.credit += requestN;
      asked.unfinished ||= follows;
      if (type === FrameType.REQUEST_CHANNEL) asked.channels++;
    } else if (type === FrameType.REQUEST_N) {
      this.#of(streamId).credit += requestN;
    } else if (type === FrameType.ERROR && streamId === 0) {
      this.dismissed = true;
    }
  }

  /**
   * Frames that a server may close the connection for; whatever else is well-formed it must answer or ignore. The
   * standard would have a second SETUP and a request on an id in use ignored too; there we leave it the choice.
   */
  #offends({ streamId, type, metadataFrom, metadataTo }: FrameView): boolean {
    switch (type) {
      case FrameType.SETUP:
      case FrameType.RESUME:
        return !this.#first;
      case FrameType.METADATA_PUSH:
        return metadataTo - metadataFrom > operationsBytesMax;
      case FrameType.REQUEST_RESPONSE:
      case FrameType.REQUEST_FNF:
      case FrameType.REQUEST_STREAM:
      case FrameType.REQUEST_CHANNEL:
        return (streamId & 1) === 0 || this.#asked.has(streamId);
      case FrameType.PAYLOAD:
        return this.#beyond(streamId) || this.#first;
      default:
        return this.#first;
    }
  }

  /** Something that may be an item on a channel, and for which no credit has been seen. */
  #beyond(streamId: number): boolean {
    const asked = this.#asked.get(streamId);
    return asked !== undefined && asked.channels > 0 && asked.granted-- <= 0;
  }

  received(memory: Buffer, from: number, to: number): void {
    const view = this.#got;
    const fault = view.read(memory, from, to);
    equal(fault, undefined, `the server sent ${memory.toString("hex", from, to)}`);
    const told = `${frameName(view.type)} on stream ${view.streamId}`;
    ok(this.lastWord === undefined, `${told} after ERROR[${errorName(this.lastWord ?? 0)}]`);
    if (view.streamId === 0) this.#connection(memory, view, told);
    else if ((view.streamId & 1) === 0) this.#calledBack(view, told);
    else this.#stream(view, told);
  }

  #connection(memory: Buffer, view: FrameView, told: string): void {
    switch (view.type) {
      case FrameType.KEEPALIVE: {
        equal(view.flags & Flag.RESPOND, 0, "the server must not be the first to ask");
        equal(shortened(memory, view), this.#echoes.shift(), "the data of a KEEPALIVE is echoed");
        return;
      }
      case FrameType.METADATA_PUSH:
        return;
      case FrameType.LEASE:
        ok(this.#leases, "a LEASE that nobody asked for");
        return;
      case FrameType.ERROR:
        ok(readErrorText(memory, view).length < 2_000, "an error text is for people");
        if (view.errorCode !== ErrorCode.CONNECTION_CLOSE) this.lastWord = view.errorCode;
        // A refusal of the first frame has a code of its own.
        if (view.errorCode === ErrorCode.CONNECTION_ERROR) {
          ok(this.#offended, `closed without reason: ${readErrorText(memory, view)}`);
        }
        return;
      default:
        throw new Error(`the server sent ${told}`);
    }
  }

  /** What the server asks: calls, which it may give up. */
  #calledBack({ streamId, type }: FrameView, told: string): void {
    if (type === FrameType.REQUEST_RESPONSE) {
      ok(streamId > this.#lastBack, `${told}: the number was given before`);
      this.#lastBack = streamId;
    } else {
      ok(type === FrameType.CANCEL && streamId <= this.#lastBack, told);
    }
  }

  #stream(view: FrameView, told: string): void {
    const asked = this.#of(view.streamId);
    ok(asked.ends < asked.answers, `${told}, of which nothing was asked, or which has ended`);
    if (view.type === FrameType.REQUEST_N || view.type === FrameType.CANCEL) {
      ok(asked.channels > 0, `${told}, which is no channel`);
      asked.granted += view.type === FrameType.REQUEST_N ? view.requestN : 0;
      return;
    }
    if (view.type === FrameType.ERROR) {
      asked.ends++;
      asked.following = false;
      return;
    }
    equal(view.type, FrameType.PAYLOAD, told);
    ok(!asked.unfinished || asked.answers > 1, `${told}, of which fragments are missing`);
    if ((view.flags & Flag.NEXT) !== 0 && !asked.following) asked.items++;
    asked.following = (view.flags & Flag.FOLLOWS) !== 0;
    if ((view.flags & Flag.COMPLETE) !== 0) asked.ends++;
    const allowed = asked.credit + asked.singles;
    ok(asked.items <= allowed, `${told}: ${asked.items} items, ${allowed} allowed`);
  }

  #of(streamId: number): Asked {
    let asked = this.#asked.get(streamId);
    if (asked === undefined) {
      asked = {
        answers: 0,
        singles: 0,
        credit: 0,
        ends: 0,
        items: 0,
        following: false,
        unfinished: false,
        channels: 0,
        granted: 0,
      };
      this.#asked.set(streamId, asked);
    }
    return asked;
  }
}

/** Long data is told by its length and its first bytes. */
function shortened(memory: Buffer, { dataFrom, dataTo }: FrameView): string {
  return `${dataTo - dataFrom}: ${memory.toString("hex", dataFrom, Math.min(dataTo, dataFrom + 100))}`;
}
