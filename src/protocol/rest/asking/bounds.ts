import { systemError } from "../../../base/error.ts";
import { maxAgeMsDefault } from "../../connection-age.ts";
import type { ConnectOptions } from "../../protocol.ts";

/** The bounds of a caller, defaults filled in. */
export interface CallerBounds {
  /** The longest that a request waits for a connection while there is none. */
  readonly connectWaitMs: number;
  readonly failFast: boolean;
  readonly maxAgeMs: number;
  /** Requests under way and waiting, past which further ones are refused. */
  readonly outstandingMax: number;
  readonly itemBytesMax: number;
  readonly connectionsMax: number;
  readonly idleMs: number;
}

/** How many connections there may be to one endpoint. */
const connectionsMaxDefault = 256;

/** How long a connection without requests is kept, in milliseconds: less than the 5 s after which many servers close theirs. */
const idleMsDefault = 4_000;

/** Failures are read so far beyond the largest item. */
export const problemBytes: number = 64 * 1024;

/** Throws INVALID_ARGUMENT for what could not be kept. */
export function callerBounds(
  options: ConnectOptions,
  { connectionsMax, idleMs }: { readonly connectionsMax?: number; readonly idleMs?: number },
): CallerBounds {
  return {
    connectWaitMs: atLeast("connectWaitMs", options.connectWaitMs ?? 2_000, 0),
    failFast: options.failFast ?? false,
    maxAgeMs: atLeast("maxAgeMs", options.maxAgeMs ?? maxAgeMsDefault, 1),
    outstandingMax: atLeast("outstandingMax", options.outstandingMax ?? 4_096, 1),
    itemBytesMax: atLeast("itemBytesMax", options.itemBytesMax ?? 4 * 1024 * 1024, 1),
    connectionsMax: atLeast("connectionsMax", connectionsMax ?? connectionsMaxDefault, 1),
    idleMs: atLeast("idleMs", idleMs ?? idleMsDefault, 1),
  };
}

function atLeast(name: string, value: number, least: number): number {
  if (value >= least) return value;
  throw systemError("INVALID_ARGUMENT", `${name} must be ${least} or more, not ${value}`, {
    executed: "no",
  });
}
