import { hash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

import type { HostClock } from "./env.ts";

/**
 * On Linux CLOCK_MONOTONIC, which is what `now()` counts by from an instant of its own. It is one clock from one start of the
 * host to the next, but in each time namespace; both go into its id, as a digest, for the start's id is nobody else's concern.
 * Undefined on other systems, and where they do not tell.
 */
export function hostClock(now: () => number): HostClock | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const start = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    const space = readlinkSync("/proc/self/ns/time");
    const offsetMs = Number(process.hrtime.bigint()) / 1e6 - now();
    return { id: hash("sha256", `${start} ${space}`, "hex").slice(0, 32), offsetMs };
  } catch {
    return undefined;
  }
}
