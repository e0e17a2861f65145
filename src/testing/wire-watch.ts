import { ErrorCode } from "../wire/error-code.ts";
import { Flag, frameName, FrameType } from "../wire/frame-type.ts";
import { FrameView } from "../wire/frame-view.ts";
import type { FrameObserver, SimConnection } from "./sim-connection.ts";

/** A stream as the end that is watched knows it. */
interface Stream {
  /** This end has asked. */
  readonly asked: boolean;
  readonly type: number;
  /** Items that this end may still send. */
  credit: number;
  /** The last fragment of our request, or of our item, has not been sent. */
  follows: boolean;
  /** On a channel: this end, or the other, has said that its items are complete. */
  complete: boolean;
  peerComplete: boolean;
  /** On a channel: the one who answers wants no more items. */
  stopped: boolean;
}

interface End {
  readonly streams: Map<number, Stream>;
  /** The highest stream id that this end has given. */
  lastId: number;
  introduced: boolean;
  /** The peer has said that it wants no new requests. */
  leaving: boolean;
}

/**
 * Watches every connection of a simulated network and complains about an end that breaks the rules of RSocket by what it
 * can know: items without credit, frames on a stream that is over, requests to a peer that is leaving.
 */
export class WireWatch implements FrameObserver {
  readonly #complain: (what: string) => void;
  readonly #tell: ((line: string) => void) | undefined;
  readonly #ends = new WeakMap<SimConnection, End>();
  readonly #view = new FrameView();

  /** `tell` gets a line for each frame. */
  constructor(complain: (what: string) => void, tell?: (line: string) => void) {
    this.#complain = complain;
    this.#tell = tell;
  }

  sent(connection: SimConnection, frame: Buffer): void {
    const view = this.#read(connection, frame, "→");
    const end = this.#end(connection);
    const wrong = connection.dialled ? introduction(end, view) : undefined;
    const fault = wrong ?? (view.streamId === 0 ? undefined : this.#streamSent(end, view));
    if (fault !== undefined) this.#complain(`${nameOf(connection)}: ${fault}`);
  }

  received(connection: SimConnection, frame: Buffer): void {
    const view = this.#read(connection, frame, "←");
    const end = this.#end(connection);
    const { streamId, type, flags } = view;
    if (streamId === 0) {
      end.leaving ||= type === FrameType.ERROR && view.errorCode === ErrorCode.CONNECTION_CLOSE;
      return;
    }
    const stream = end.streams.get(streamId);
    if (isRequest(type)) {
      if (type !== FrameType.REQUEST_FNF)
        end.streams.set(streamId, begun(false, type, view.requestN, false));
    } else if (stream?.type === FrameType.REQUEST_CHANNEL) {
      if (channelReceived(stream, view)) end.streams.delete(streamId);
    } else if (type === FrameType.REQUEST_N && stream !== undefined) {
      stream.credit += view.requestN;
    } else if (type === FrameType.CANCEL || (!ours(stream, type) && isLast(stream, type, flags))) {
      end.streams.delete(streamId);
    }
  }

  #streamSent(end: End, view: FrameView): string | undefined {
    const { streamId, type, flags } = view;
    const what = `${frameName(type)} on stream ${streamId}`;
    if (isRequest(type)) {
      if (streamId <= end.lastId) return `${what}: the number was given before`;
      end.lastId = streamId;
      if (end.leaving) return `${what}: the peer has said that it wants no new requests`;
      const follows = (flags & Flag.FOLLOWS) !== 0;
      if (type !== FrameType.REQUEST_FNF || follows)
        end.streams.set(streamId, begun(true, type, 0, follows));
      return undefined;
    }
    const stream = end.streams.get(streamId);
    if (stream === undefined) return `${what}, which is over`;
    // A fragment of what was begun: no item of its own.
    const continues = type === FrameType.PAYLOAD && stream.follows;
    if (type === FrameType.PAYLOAD) stream.follows = (flags & Flag.FOLLOWS) !== 0;
    else if (type === FrameType.ERROR && stream.follows) return `${what} in the middle of an item`;
    if (stream.type === FrameType.REQUEST_CHANNEL) {
      const wrong = channelSent(stream, view, continues);
      if (isOverAfter(stream, view)) end.streams.delete(streamId);
      return wrong && `${what}: ${wrong}`;
    }
    if (stream.asked) {
      const sent = stream.type === FrameType.REQUEST_FNF && !stream.follows;
      if (type === FrameType.CANCEL || sent) end.streams.delete(streamId);
      else if (type !== FrameType.REQUEST_N && !continues)
        return `${what}, which this end has asked for`;
      return undefined;
    }
    const item = type === FrameType.PAYLOAD && (flags & Flag.NEXT) !== 0 && !continues;
    if (item && isStream(stream.type) && stream.credit-- === 0)
      return `${what}: an item without credit`;
    if (isLast(stream, type, flags)) end.streams.delete(streamId);
    return undefined;
  }

  #read(connection: SimConnection, frame: Buffer, arrow: string): FrameView {
    const view = this.#view;
    const fault = view.read(frame, 0, frame.length);
    if (fault !== undefined) this.#complain(`${nameOf(connection)} ${arrow} ${fault}`);
    this.#tell?.(`${nameOf(connection)} ${arrow} ${describe(view)}`);
    return view;
  }

  #end(connection: SimConnection): End {
    let end = this.#ends.get(connection);
    if (end === undefined) {
      end = { streams: new Map(), lastId: 0, introduced: false, leaving: false };
      this.#ends.set(connection, end);
    }
    return end;
  }
}

function begun(asked: boolean, type: number, credit: number, follows: boolean): Stream {
  return { asked, type, credit, follows, complete: false, peerComplete: false, stopped: false };
}

/** What is wrong with a frame that this end sends on a channel. */
function channelSent(
  stream: Stream,
  { type, flags }: FrameView,
  continues: boolean,
): string | undefined {
  const { asked, complete, stopped } = stream;
  if (type === FrameType.CANCEL) {
    if (!asked && stopped) return "a second time";
    stream.stopped ||= !asked;
    return undefined;
  }
  if (type !== FrameType.PAYLOAD) return undefined;
  if (complete) return "after the end of its items";
  // An end may cross the CANCEL, and so may what is left of an item.
  if ((flags & Flag.NEXT) !== 0 && !continues) {
    if (asked && stopped) return "an item for a peer that wants no more";
    if (stream.credit-- === 0) return "an item without credit";
  }
  stream.complete = (flags & Flag.COMPLETE) !== 0;
  return undefined;
}

/** Whether a frame that this end has sent was its last on a channel. */
function isOverAfter({ asked, complete, peerComplete }: Stream, { type }: FrameView): boolean {
  if (type === FrameType.ERROR) return true;
  return asked ? type === FrameType.CANCEL || (complete && peerComplete) : complete;
}

/** Takes note of a frame that this end gets on a channel; true when it sends no more there. */
function channelReceived(stream: Stream, { type, flags, requestN }: FrameView): boolean {
  if (type === FrameType.REQUEST_N) stream.credit += requestN;
  else if (type === FrameType.ERROR) return true;
  else if (type === FrameType.CANCEL && !stream.asked) return true;
  else if (type === FrameType.CANCEL) stream.stopped = true;
  else if (type === FrameType.PAYLOAD) stream.peerComplete ||= (flags & Flag.COMPLETE) !== 0;
  // Who has asked still says that its items are over, unless nobody wants to know.
  return stream.asked && stream.peerComplete && (stream.complete || stream.stopped);
}

function introduction(end: End, view: FrameView): string | undefined {
  const first = !end.introduced;
  end.introduced = true;
  if ((view.type === FrameType.SETUP) === first) return undefined;
  return first ? `${frameName(view.type)} before SETUP` : "a second SETUP";
}

function isRequest(type: number): boolean {
  return type >= FrameType.REQUEST_RESPONSE && type <= FrameType.REQUEST_CHANNEL;
}

function isStream(type: number): boolean {
  return type === FrameType.REQUEST_STREAM || type === FrameType.REQUEST_CHANNEL;
}

/** The frame by which the one who answers ends the stream. */
function isLast(stream: Stream | undefined, type: number, flags: number): boolean {
  if (type === FrameType.ERROR) return true;
  if (type !== FrameType.PAYLOAD) return false;
  if ((flags & Flag.COMPLETE) !== 0) return true;
  return stream?.type === FrameType.REQUEST_RESPONSE && (flags & Flag.FOLLOWS) === 0;
}

/** A fragment of a request that the other end asks: this end still owes the answer. */
function ours(stream: Stream | undefined, type: number): boolean {
  return stream?.asked === false && type === FrameType.PAYLOAD;
}

function nameOf(connection: SimConnection): string {
  return `${connection.env.name} connection ${connection.id}`;
}

function describe(view: FrameView): string {
  const parts = [frameName(view.type), `stream ${view.streamId}`];
  if (view.requestN > 0) parts.push(`n ${view.requestN}`);
  if ((view.flags & Flag.COMPLETE) !== 0) parts.push("complete");
  const payload = isRequest(view.type) || view.type === FrameType.PAYLOAD;
  if (payload && (view.flags & Flag.FOLLOWS) !== 0) parts.push("follows");
  if (view.type === FrameType.ERROR) parts.push(`code ${view.errorCode.toString(16)}`);
  parts.push(`${view.dataTo - view.dataFrom} bytes`);
  return parts.join(" ");
}
