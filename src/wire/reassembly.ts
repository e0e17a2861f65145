import { givenBytesMin, mayBeKept } from "../base/given.ts";
import { Slab, slabBytes } from "../base/slab.ts";
import { Flag, flagsOf, FrameType } from "./frame-type.ts";
import type { FrameView } from "./frame-view.ts";
import { requestNMax } from "./limits.ts";

/** What an unfinished payload is taken to hold beside its bytes: a flood of first fragments is bounded by it. */
export const unfinishedCostBytes = 1024;

/** What a fragment is taken to hold beside its bytes: otherwise fragments of one byte would hold a hundred times that. */
export const fragmentCostBytes = 256;

/** How much may be held for fragments whose last one has not come, in bytes. */
export interface ReassemblyBounds {
  /** The data of one payload. */
  readonly dataBytesMax: number;
  /** The metadata of one payload. */
  readonly metadataBytesMax: number;
  /** All unfinished payloads together, with what they cost beside their bytes. */
  readonly heldBytesMax: number;
}

/** Which bound a fragment has passed; its payload was dropped. */
export interface Excess {
  readonly of: "data" | "metadata" | "held";
  readonly bytesMax: number;
}

/** A payload that is whole: metadata and data in one piece, as the view then says. */
export interface Whole {
  readonly memory: Buffer;
  /** When its first fragment came. */
  readonly beganAt: number;
}

/** A copy of what a fragment brought. */
interface Piece {
  readonly bytes: Buffer;
  /** What it stands in, to be used again; without one the memory is its own. */
  readonly slab: Slab | undefined;
}

interface Unfinished {
  readonly type: number;
  readonly beganAt: number;
  /** The flags of the frames so far. */
  flags: number;
  requestN: number;
  readonly metadata: Piece[];
  readonly data: Piece[];
  metadataBytes: number;
  dataBytes: number;
  /** What it counts against `heldBytesMax`. */
  held: number;
}

/** Stands for the map that has not been made yet; nothing is put into it. */
const none = new Map<number, Unfinished>();

/**
 * Puts the fragments of one connection's incoming requests and payloads together. The bytes are copied when they come,
 * for the memory is borrowed, and once more into one piece when the last of them is there: that one is the receiver's to keep.
 */
export class Reassembly {
  /** Requests among the unfinished payloads. */
  requests = 0;
  readonly #bounds: ReassemblyBounds;
  /** Made with the first fragment: most connections never see one, and idle ones are many. */
  #unfinished: Map<number, Unfinished> = none;
  #held = 0;

  constructor(bounds: ReassemblyBounds) {
    this.#bounds = bounds;
  }

  /** Unfinished payloads. */
  get size(): number {
    return this.#unfinished.size;
  }

  /** What they are taken to hold, in bytes. */
  get held(): number {
    return this.#held;
  }

  /** True when fragments of a payload of this stream are missing. */
  has(streamId: number): boolean {
    return this.#unfinished.has(streamId);
  }

  /**
   * Takes a fragment in: the first one, with FOLLOWS, or a PAYLOAD that goes on with it. Undefined when more follow.
   * Otherwise `view` is made to say what the whole is, of which type and with which credit; of an `Excess` the type only.
   */
  take(memory: Buffer, view: FrameView, now: number): Whole | Excess | undefined {
    const { streamId } = view;
    let payload = this.#unfinished.get(streamId);
    if (payload === undefined) {
      if (this.#unfinished === none) this.#unfinished = new Map();
      this.#unfinished.set(streamId, (payload = this.#begin(view, now)));
    }
    const excess = this.#add(payload, memory, view);
    const last = (view.flags & Flag.FOLLOWS) === 0;
    if (excess === undefined && !last) return undefined;
    view.type = payload.type;
    if (excess !== undefined) {
      this.drop(streamId);
      return excess;
    }
    view.flags = wholeFlags(payload);
    view.requestN = payload.requestN;
    view.from = view.metadataFrom = 0;
    view.metadataTo = view.dataFrom = payload.metadataBytes;
    view.to = view.dataTo = payload.metadataBytes + payload.dataBytes;
    const pieces = [...payload.metadata, ...payload.data].map(({ bytes }) => bytes);
    const whole = Buffer.concat(pieces, view.to);
    this.drop(streamId);
    if (payload.dataBytes >= givenBytesMin) mayBeKept(whole.buffer);
    return { memory: whole, beganAt: payload.beganAt };
  }

  /** More credit for a request of which fragments are missing. */
  grant(streamId: number, items: number): void {
    const payload = this.#unfinished.get(streamId);
    if (payload !== undefined && payload.requestN > 0)
      payload.requestN = Math.min(requestNMax, payload.requestN + items);
  }

  /** Forgets what has come of a stream's unfinished payload, if there is one. */
  drop(streamId: number): void {
    const payload = this.#unfinished.get(streamId);
    if (payload === undefined) return;
    this.#unfinished.delete(streamId);
    this.#held -= payload.held;
    if (payload.type !== FrameType.PAYLOAD) this.requests--;
    for (const { slab } of payload.metadata) slab?.giveBack();
    for (const { slab } of payload.data) slab?.giveBack();
  }

  /** Forgets all of them. */
  clear(): void {
    for (const streamId of [...this.#unfinished.keys()]) this.drop(streamId);
  }

  #begin({ type, requestN }: FrameView, beganAt: number): Unfinished {
    if (type !== FrameType.PAYLOAD) this.requests++;
    this.#held += unfinishedCostBytes;
    return {
      ...{ type, beganAt, requestN, flags: 0, metadataBytes: 0, dataBytes: 0 },
      metadata: [],
      data: [],
      held: unfinishedCostBytes,
    };
  }

  #add(payload: Unfinished, memory: Buffer, view: FrameView): Excess | undefined {
    const metadataBytes = view.metadataTo - view.metadataFrom;
    const dataBytes = view.dataTo - view.dataFrom;
    const { dataBytesMax, metadataBytesMax, heldBytesMax } = this.#bounds;
    if (payload.dataBytes + dataBytes > dataBytesMax) return { of: "data", bytesMax: dataBytesMax };
    if (payload.metadataBytes + metadataBytes > metadataBytesMax)
      return { of: "metadata", bytesMax: metadataBytesMax };
    const cost = metadataBytes + dataBytes + fragmentCostBytes;
    if (this.#held + cost > heldBytesMax) return { of: "held", bytesMax: heldBytesMax };
    this.#held += cost;
    payload.held += cost;
    payload.flags |= view.flags;
    payload.metadataBytes += metadataBytes;
    payload.dataBytes += dataBytes;
    if (metadataBytes > 0)
      payload.metadata.push(pieceOf(memory, view.metadataFrom, view.metadataTo));
    if (dataBytes > 0) payload.data.push(pieceOf(memory, view.dataFrom, view.dataTo));
    return undefined;
  }
}

/**
 * What all fragments say together. A first fragment of rsocket-java has no N although its payload is an item; only what
 * has neither N nor data is a bare end.
 */
function wholeFlags({ type, flags, dataBytes }: Unfinished): number {
  const next = dataBytes > 0 ? Flag.NEXT : 0;
  return (flags | next) & ~Flag.FOLLOWS & flagsOf(type);
}

/** In a slab where it fills a good part of one. Not from Node's pool: a small fragment would keep all of that alive. */
function pieceOf(memory: Buffer, from: number, to: number): Piece {
  const size = to - from;
  const slab = size > slabBytes / 2 && size <= slabBytes ? Slab.take() : undefined;
  const bytes = slab?.memory.subarray(0, size) ?? Buffer.allocUnsafeSlow(size);
  memory.copy(bytes, 0, from, to);
  return { bytes, slab };
}
