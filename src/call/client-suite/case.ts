import type { ProtocolCapabilities } from "../../protocol/protocol.ts";
import type { ClientSubject } from "./subject.ts";
import type { Stage } from "./stage.ts";

/** One sentence about clients and what serves them, with its proof. */
export interface Case {
  readonly name: string;
  /** The capabilities of the protocol, and the ways between, for which it holds. Default: all. */
  readonly when?: (capabilities: ProtocolCapabilities, subject: ClientSubject) => boolean;
  readonly play: (stage: Stage) => Promise<void>;
}
