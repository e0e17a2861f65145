import type { TrunklineError } from "../../../base/error.ts";
import type { CloseReason } from "../../../transport/transport.ts";
import type { FrameView } from "../../../wire/frame-view.ts";

/** Our end of one stream of a session: what the session tells it when a frame for its stream id arrives. */
export interface StreamEnd {
  /** Takes payloads of the peer, which may come in fragments. */
  readonly takesPayloads: boolean;
  /** An item, the end, or both; the bytes are borrowed for the time of the call. */
  payload(memory: Buffer, view: FrameView): void;
  /** A payload passes a bound, `reason` says which and how; no more of it is taken, and the stream is over. */
  tooLarge(reason: string): void;
  /** The other end failed; the stream is over. */
  failed(error: TrunklineError): void;
  /** The other end may be sent that many more items. */
  requested(items: number): void;
  /** The other end wants no more; the stream is over. */
  cancelled(): void;
  /** The other end sends nothing more on the whole connection, though it may still read. */
  peerEnded(): void;
  /** The session is gone; the stream is over. */
  lost(reason: CloseReason): void;
}
