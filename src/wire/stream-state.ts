import { Flag, FrameType, type RequestType } from "./frame-type.ts";

/**
 * Where a stream stands, as both sides can see it from its frames: bits that say who may still send items, and whose
 * fragmented payload is unfinished. 0 is the end: the stream id is unknown from then on.
 */
export type StreamState = number;

/** The requester may send more items. */
const requesterSends = 1;
/** The responder owes an answer or may send more items. */
const responderSends = 2;
/** The requester's last frame said that fragments follow. */
const requesterFollows = 4;
/** The responder's last frame said that fragments follow. */
const responderFollows = 8;

/** The frame has no meaning in this state and "MUST be ignored": section "Handling the Unexpected", item 9. */
export const ignored = -1;

/** The state after the frame that begins a stream. Section "Stream Sequences and Lifetimes". */
export function begin(type: RequestType, flags: number): StreamState {
  const follows = (flags & Flag.FOLLOWS) === 0 ? 0 : requesterFollows;
  switch (type) {
    case FrameType.REQUEST_FNF:
      return follows;
    case FrameType.REQUEST_RESPONSE:
    case FrameType.REQUEST_STREAM:
      return responderSends | follows;
    case FrameType.REQUEST_CHANNEL:
      return responderSends | follows | ((flags & Flag.COMPLETE) === 0 ? requesterSends : 0);
  }
}

/**
 * The state after the requester has sent a frame on the stream that `begun` began, or `ignored`. `flags` as
 * `FrameView` has them: only those that the type defines, and not FOLLOWS beside COMPLETE in a PAYLOAD.
 */
export function afterRequester(
  begun: RequestType,
  state: StreamState,
  type: number,
  flags: number,
): StreamState {
  if (state === 0) return ignored;
  const channel = begun === FrameType.REQUEST_CHANNEL;
  switch (type) {
    case FrameType.CANCEL:
      return 0; // "Upon receiving a CANCEL, the stream is terminated", unfinished fragments with it.
    case FrameType.ERROR:
      return channel ? 0 : ignored;
    case FrameType.REQUEST_N:
      if (begun === FrameType.REQUEST_RESPONSE) return ignored;
      return (state & responderSends) === 0 ? ignored : state;
    case FrameType.PAYLOAD:
      return afterPayload(state, flags, requesterSends, requesterFollows);
    default:
      return ignored; // A request "on a Stream ID that is already in use MUST be ignored".
  }
}

/** The state after the responder has sent a frame, or `ignored`. */
export function afterResponder(
  begun: RequestType,
  state: StreamState,
  type: number,
  flags: number,
): StreamState {
  if (state === 0 || begun === FrameType.REQUEST_FNF) return ignored;
  switch (type) {
    case FrameType.ERROR:
      return 0; // REJECTED and the like may come before the request's last fragment.
    case FrameType.REQUEST_N:
      return (state & requesterSends) === 0 ? ignored : state;
    case FrameType.CANCEL:
      // The standard knows only the requester's CANCEL. rsocket-java's responder sends one on a channel when it wants
      // no more items, so there it ends that direction.
      if ((state & requesterSends) === 0) return ignored;
      return state & ~(requesterSends | requesterFollows);
    case FrameType.PAYLOAD: {
      // "If a PAYLOAD for a REQUEST_RESPONSE is received that does not have a COMPLETE flag set, the implementation
      // MUST assume it is set."
      const single = begun === FrameType.REQUEST_RESPONSE && (flags & Flag.FOLLOWS) === 0;
      const complete = single ? flags | Flag.COMPLETE : flags;
      const next = afterPayload(state, complete, responderSends, responderFollows);
      // An answer ends the stream although the request's last fragments are missing; a channel has two directions.
      const answered = begun !== FrameType.REQUEST_CHANNEL && (next & responderSends) === 0;
      return next > 0 && answered ? 0 : next;
    }
    default:
      return ignored;
  }
}

function afterPayload(
  state: StreamState,
  flags: number,
  sends: number,
  follows: number,
): StreamState {
  if ((state & (sends | follows)) === 0) return ignored;
  if ((flags & Flag.COMPLETE) !== 0) return state & ~(sends | follows);
  return (flags & Flag.FOLLOWS) !== 0 ? state | follows : state & ~follows;
}
