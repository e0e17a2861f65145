import type { TransportCapabilities } from "../transport.ts";
import type { Stage } from "./stage.ts";

/** One sentence about transports, with its proof. */
export interface Case {
  readonly name: string;
  /** The capabilities for which it holds. Default: all. */
  readonly when?: (capabilities: TransportCapabilities) => boolean;
  readonly play: (stage: Stage) => Promise<void>;
}
