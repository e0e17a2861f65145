import { systemError } from "../../base/error.ts";
import { shmSettings, type ShmOptions, type ShmSettings } from "../shm/index.ts";

export interface SameHostOptions {
  /** Whether it moves on from the Unix socket to shared memory, as for `unix`. Default `auto`. */
  readonly shm?: "auto" | "off" | ShmOptions;
}

/** The options, complete and checked. */
export interface SameHostSettings {
  /** Undefined: it stays at the Unix socket. */
  readonly shm: ShmSettings | undefined;
}

/** Undefined: nothing moves. Refuses what makes no sense with INVALID_ARGUMENT. */
export function sameHostSettings(
  sameHost: "auto" | "off" | SameHostOptions = "auto",
): SameHostSettings | undefined {
  if (sameHost === "off") return undefined;
  if (sameHost === "auto") return { shm: shmSettings() };
  if (typeof sameHost !== "object" || sameHost === null) {
    throw systemError("INVALID_ARGUMENT", `sameHost is ${String(sameHost)}`, {
      executed: "no",
      advice: 'give "auto", "off", or an object with shm',
    });
  }
  const { shm = "auto" } = sameHost;
  if (shm === "off") return { shm: undefined };
  return { shm: shm === "auto" ? shmSettings() : shmSettings(shm) };
}
