import type { TrunklineError } from "../../base/error.ts";
import type { Incoming } from "../incoming.ts";
import type { ServedOperation } from "../protocol.ts";
import type { Session } from "./session.ts";

/** What a served call or stream needs of its responder. */
export interface AnsweringSide {
  readonly session: Session;
  readonly itemBytesMax: number;
  /** Sends the failure of a stream that `served` has answered. */
  fail(streamId: number, error: TrunklineError, served: ServedOperation): void;
  /** Writes an answer, and holds the peer off while it does not read its answers. */
  write(write: () => void): void;
  /** The handler has settled. */
  settled(incoming: Incoming, answered: boolean): void;
}
