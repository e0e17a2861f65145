import type { ProtocolCapabilities } from "../protocol.ts";
import type { Stage } from "./stage.ts";

/** One sentence about protocols, with its proof. */
export interface Case {
  readonly name: string;
  /** The capabilities for which it holds. Default: all. */
  readonly when?: (capabilities: ProtocolCapabilities) => boolean;
  readonly play: (stage: Stage) => Promise<void>;
}
