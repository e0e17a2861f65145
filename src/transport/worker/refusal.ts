import { systemError, type SystemError } from "../../base/error.ts";
import type { Address } from "../address.ts";

export function nobodyListens(address: Address): SystemError {
  return unavailable(
    address,
    "no thread of this process listens under this name",
    "listen first; worker: does not leave the process, use unix: to reach another one",
  );
}

/** The listener was there when it was asked for, and ended before it answered. */
export function hungUp(address: Address): SystemError {
  return unavailable(address, "the thread that listens under this name ended while it was dialled");
}

export function notInTime(address: Address): SystemError {
  return unavailable(
    address,
    "not connected in time",
    "look whether the main thread or the one that listens is blocked",
  );
}

export function nameInUse(address: Address): SystemError {
  return unavailable(
    address,
    "the name is in use: a thread of this process listens under it",
    "close the other listener, or choose another name",
  );
}

export function namesUsedUp(address: Address): SystemError {
  return systemError("RESOURCE_EXHAUSTED", "as many names are in use as there may be", {
    executed: "no",
    endpoint: address.text,
    advice: "close listeners that are not needed any more",
  });
}

/** Translates what Node says when the main thread does not take a request. */
export function mainUnreachable(address: Address, cause: unknown): SystemError {
  const { code } = cause as NodeJS.ErrnoException;
  const reason =
    code === "ERR_WORKER_MESSAGING_FAILED"
      ? "the main thread does not take part, and it knows who listens where"
      : `the main thread cannot be asked who listens where (${(cause as Error).message})`;
  const advice = 'write `import "trunkline"` in the program that starts the threads';
  return unavailable(address, reason, advice, cause);
}

function unavailable(
  address: Address,
  reason: string,
  advice?: string,
  cause?: unknown,
): SystemError {
  return systemError("UNAVAILABLE", reason, {
    executed: "no",
    endpoint: address.text,
    advice,
    cause,
  });
}
