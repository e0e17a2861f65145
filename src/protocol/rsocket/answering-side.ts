import type { TrunklineError } from "../../base/error.ts";
import type { Session } from "./session.ts";

/** What a served call or stream needs of its responder. */
export interface AnsweringSide {
  readonly session: Session;
  readonly itemBytesMax: number;
  /** Sends the failure of a stream. */
  fail(streamId: number, error: TrunklineError): void;
  /** Writes an answer, and holds the peer off while it does not read its answers. */
  write(write: () => void): void;
  /** The handler has settled. */
  settled(): void;
}
