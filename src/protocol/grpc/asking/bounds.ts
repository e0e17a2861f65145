import { systemError } from "../../../base/error.ts";
import { maxAgeMsDefault } from "../../connection-age.ts";
import type { ConnectOptions } from "../../protocol.ts";

/** What a caller keeps to, complete and checked; the fields are those of `ConnectOptions`. */
export interface CallerBounds {
  readonly connectWaitMs: number;
  readonly failFast: boolean;
  readonly maxAgeMs: number;
  readonly outstandingMax: number;
  readonly itemBytesMax: number;
  readonly keepaliveMs: number;
  readonly lifetimeMs: number;
}

/** Throws INVALID_ARGUMENT for what could not be kept. */
export function callerBounds(options: ConnectOptions): CallerBounds {
  const { connectWaitMs = 2_000, outstandingMax = 4_096, itemBytesMax = 4 * 1024 * 1024 } = options;
  const { keepaliveMs = 5_000, lifetimeMs = 15_000 } = options;
  const { failFast = false, maxAgeMs = maxAgeMsDefault } = options;
  const waits = { connectWaitMs, failFast, maxAgeMs };
  const bounds = { ...waits, outstandingMax, itemBytesMax, keepaliveMs, lifetimeMs };
  atLeast("maxAgeMs", maxAgeMs, 1);
  atLeast("connectWaitMs", connectWaitMs, 0);
  atLeast("outstandingMax", outstandingMax, 1);
  atLeast("itemBytesMax", itemBytesMax, 1);
  atLeast("keepaliveMs", keepaliveMs, 1);
  atLeast("lifetimeMs", lifetimeMs, keepaliveMs);
  return bounds;
}

function atLeast(name: string, value: number, least: number): void {
  if (value >= least) return;
  const reason = `${name} must be ${least} or more, not ${value}`;
  throw systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
