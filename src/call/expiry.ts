import { systemError, type SystemError } from "../base/error.ts";
import type { Incoming } from "../protocol/incoming.ts";

/** Why a request is not begun that was read after the process had stood still; undefined when it is. */
export function outlived(
  incoming: Incoming,
  now: number,
  stallMs: number,
): SystemError | undefined {
  const refusal = unwanted(incoming, now);
  if (refusal !== undefined || incoming.exact) return refusal;
  if (now + stallMs < Math.min(incoming.deadlineAt, incoming.totalAt)) return undefined;
  // How long it lay in the socket nobody knows: its caller may still wait, and then it may try again.
  const stood = `the process stood still for ${Math.round(stallMs)} ms`;
  const reason = `${stood}: the deadline may have been over before the handler began`;
  return systemError("UNAVAILABLE", reason, { executed: "no" });
}

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
