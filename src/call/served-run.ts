import type { Incoming } from "../protocol/incoming.ts";
import type { Sink } from "../protocol/protocol.ts";
import type { Lane } from "./load/lane.ts";
import type { WorkEnd } from "./load/load-gate.ts";
import type { ServedContext } from "./served-context.ts";

/** One request while it is served: what must be known when it is over. */
export class ServedRun {
  readonly incoming: Incoming;
  readonly context: ServedContext;
  /** Where the handler's items go; undefined where it gives one answer. */
  readonly sink: Sink | undefined;
  /** Its place among what the process does; undefined: nobody counts, or it has none yet. */
  lane: Lane | undefined = undefined;
  /** When it got its place, if it had to wait for it. */
  waitedUntil: number | undefined = undefined;
  /** What is thrown is the handler's. */
  running = false;
  /** What comes is as the handler gave it, and not yet checked. */
  unchecked = false;
  ending: WorkEnd = "ignored";

  constructor(incoming: Incoming, context: ServedContext, sink: Sink | undefined) {
    this.incoming = incoming;
    this.context = context;
    this.sink = sink;
  }
}
