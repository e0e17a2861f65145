/** The frame types of RSocket 1.0, section "Frame Types". Six bits. */
export const FrameType = {
  SETUP: 0x01,
  LEASE: 0x02,
  KEEPALIVE: 0x03,
  REQUEST_RESPONSE: 0x04,
  REQUEST_FNF: 0x05,
  REQUEST_STREAM: 0x06,
  REQUEST_CHANNEL: 0x07,
  REQUEST_N: 0x08,
  CANCEL: 0x09,
  PAYLOAD: 0x0a,
  ERROR: 0x0b,
  METADATA_PUSH: 0x0c,
  RESUME: 0x0d,
  RESUME_OK: 0x0e,
  EXT: 0x3f,
} as const;

export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** The four types that begin a stream. */
export type RequestType =
  | typeof FrameType.REQUEST_RESPONSE
  | typeof FrameType.REQUEST_FNF
  | typeof FrameType.REQUEST_STREAM
  | typeof FrameType.REQUEST_CHANNEL;

/**
 * The ten flag bits of a frame header. One bit means different things in different frames (`RESUME`, `RESPOND` and
 * `FOLLOWS` are the same bit), so a flag says something only together with the frame's type.
 */
export const Flag = {
  /** A receiver that does not understand the frame may drop it. Any frame. */
  IGNORE: 0x200,
  /** The frame carries metadata. Requests, PAYLOAD, SETUP, LEASE, METADATA_PUSH, EXT. */
  METADATA: 0x100,
  /** More fragments follow. Requests and PAYLOAD. */
  FOLLOWS: 0x080,
  /** A resume token is present. SETUP. */
  RESUME: 0x080,
  /** The receiver must answer with a KEEPALIVE. KEEPALIVE. */
  RESPOND: 0x080,
  /** The sender sends no more items on this stream. REQUEST_CHANNEL and PAYLOAD. */
  COMPLETE: 0x040,
  /** The client waits for a LEASE before it sends requests. SETUP. */
  LEASE: 0x040,
  /** The frame carries an item, or a part of one. PAYLOAD. */
  NEXT: 0x020,
} as const;

/** The flags that each type defines. "Flag bits not specified for a particular frame MUST be ignored." */
const defined: Uint16Array = new Uint16Array(64).fill(Flag.IGNORE);
defined[FrameType.SETUP] = Flag.IGNORE | Flag.METADATA | Flag.RESUME | Flag.LEASE;
defined[FrameType.LEASE] = Flag.IGNORE | Flag.METADATA;
defined[FrameType.KEEPALIVE] = Flag.IGNORE | Flag.RESPOND;
defined[FrameType.REQUEST_RESPONSE] = Flag.IGNORE | Flag.METADATA | Flag.FOLLOWS;
defined[FrameType.REQUEST_FNF] = Flag.IGNORE | Flag.METADATA | Flag.FOLLOWS;
defined[FrameType.REQUEST_STREAM] = Flag.IGNORE | Flag.METADATA | Flag.FOLLOWS;
defined[FrameType.REQUEST_CHANNEL] = Flag.IGNORE | Flag.METADATA | Flag.FOLLOWS | Flag.COMPLETE;
defined[FrameType.PAYLOAD] = Flag.IGNORE | Flag.METADATA | Flag.FOLLOWS | Flag.COMPLETE | Flag.NEXT;
defined[FrameType.METADATA_PUSH] = Flag.IGNORE | Flag.METADATA;
defined[FrameType.EXT] = Flag.IGNORE | Flag.METADATA;

/** The bits that mean something in a frame of `type` (0 to 63); all others must be ignored on receipt. */
export function flagsOf(type: number): number {
  return defined[type]!;
}

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(FrameType).map(([name, type]) => [type, name]),
);

/** The name of a type for messages; `0x2a` for a type that the standard does not know. */
export function frameName(type: number): string {
  return names.get(type) ?? `0x${type.toString(16).padStart(2, "0")}`;
}
