import type { FrameView } from "../../wire/frame-view.ts";
import type { ContractName } from "../operation.ts";

/** The answering half of a session: a `Responder`. */
export interface Answering {
  /** New requests are refused from now on. */
  draining: boolean;
  /** A request of the peer, which began to arrive at `arrivedAt`; default: now. */
  request(memory: Buffer, view: FrameView, arrivedAt?: number): void;
  /** Whether one more may come, in fragments, of which this is the first; false when it was refused. */
  takesOn(view: FrameView): boolean;
  /** Refuses one whose fragments pass a bound; `reason` says which. */
  tooLarge(view: FrameView, reason: string): void;
  /** The peer announces contracts; false when there are more operations than can be numbered. */
  announce(contracts: readonly ContractName[]): boolean;
}
