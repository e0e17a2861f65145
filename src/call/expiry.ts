import { systemError, type SystemError } from "../base/error.ts";
import type { Incoming } from "../protocol/incoming.ts";

/** Why a request is not begun any more, its handler not having run: nobody waits for it. Undefined when somebody does. */
export function unwanted(incoming: Incoming, now: number): SystemError | undefined {
  if (incoming.cancelled !== undefined) {
    return systemError("CANCELLED", "the caller was gone before the handler began", {
      executed: "no",
    });
  }
  if (now >= Math.min(incoming.deadlineAt, incoming.totalAt)) {
    return systemError("DEADLINE_EXCEEDED", "the deadline was over before the handler began", {
      executed: "no",
    });
  }
  return undefined;
}
