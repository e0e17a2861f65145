import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { Operation } from "../../operation.ts";
import type { Connection } from "../../../transport/transport.ts";
import type { CallerBounds } from "../bounds.ts";
import type { FrameSender } from "../frames/frame-sender.ts";
import type { Request } from "./request.ts";

/** How the requests of one session are described to its peer: what SETUP says of it, and the metadata of each. */
export interface RequestForm {
  readonly name: "compact" | "composite";
  /** Sends the SETUP; nobody waits for an answer. `operations` are those about to be used. */
  introduce(connection: Connection, client: CallerBounds, operations: readonly Operation[]): void;
  /** True when an upload or duplex cannot be sent yet: the peer wants its first item with it. */
  holds(request: Request): boolean;
  /** Writes the first frame of a request. Throws, with `executed: "no"`, when it cannot. */
  write(sender: FrameSender, streamId: number, request: Request, now: number): void;
}

/** What does not fit into metadata is the caller's mistake. */
export function misfit(cause: unknown): TrunklineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", cause });
}
