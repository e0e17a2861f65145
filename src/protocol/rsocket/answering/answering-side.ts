import type { TrunklineError } from "../../../base/error.ts";
import type { Incoming } from "../../incoming.ts";
import type { ServedOperation } from "../../protocol.ts";
import type { Payload } from "../frames/frame-sender.ts";
import type { Session } from "../session.ts";

/** What a served call or stream needs of its responder. */
export interface AnsweringSide {
  readonly session: Session;
  readonly itemBytesMax: number;
  /** Sends the failure of a stream that `served` has answered. */
  fail(streamId: number, error: TrunklineError, served: ServedOperation): void;
  /** Sends an item, with the flags NEXT and COMPLETE as they apply. */
  payload(streamId: number, flags: number, payload: Payload): void;
  /** Sends the end of a stream. */
  complete(streamId: number): void;
  /** The handler has settled. */
  settled(incoming: Incoming, answered: boolean): void;
}
