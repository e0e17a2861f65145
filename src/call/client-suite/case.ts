import type { ProtocolCapabilities } from "../../protocol/protocol.ts";
import type { Stage } from "./stage.ts";

/** One sentence about clients and what serves them, with its proof. */
export interface Case {
  readonly name: string;
  /** The capabilities of the protocol for which it holds. Default: all. */
  readonly when?: (capabilities: ProtocolCapabilities) => boolean;
  readonly play: (stage: Stage) => Promise<void>;
}
