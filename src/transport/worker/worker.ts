import { frameBytesLimit } from "../outgoing-bounds.ts";
import type { Transport } from "../transport.ts";
import { dialWorker } from "./dial.ts";
import { listenWorker } from "./listen.ts";
import { openSwitchboard } from "./switchboard.ts";

/**
 * Connections between the threads of one process, over message ports: `worker:orders`. Any thread listens, any thread
 * dials, and within one thread it works too. A thread needs nothing but the address; the bytes go from thread to
 * thread, not through the main thread.
 *
 * The main thread knows who listens under which name, so it must have made this transport as well (importing
 * `trunkline` is enough there) and must not be blocked while others dial and listen.
 *
 * `dial` rejects with UNAVAILABLE: nobody listens, or not in time. `listen` rejects with UNAVAILABLE when the name is in
 * use, RESOURCE_EXHAUSTED when there are 10,000 names. Both say UNAVAILABLE when the main thread does not take part.
 */
export function worker(): Transport {
  openSwitchboard();
  return {
    name: "worker",
    capabilities: {
      ordered: true,
      reliable: true,
      frameBytesMax: frameBytesLimit,
      crossProcess: false,
      crossHost: false,
      noticesDeath: true,
    },
    dial: dialWorker,
    listen: listenWorker,
  };
}
