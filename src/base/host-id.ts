import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

let own: string | undefined;

/**
 * Tells which host, and which network of it, this process is on: `4f0c….18d2…`. The part before the dot is the same for all that
 * run on one kernel since its start, containers too (Linux: a hash of `boot_id`; elsewhere of the host's name); the part after it
 * for those of them that share one loopback (the network namespace).
 */
export function hostId(): string {
  return (own ??= `${hashed(kernel())}.${hashed(network())}`);
}

/** True when both are on one host, where they can meet at a socket file. */
export function sameHost(one: string, other: string): boolean {
  return one.split(".")[0] === other.split(".")[0];
}

function kernel(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return hostname();
  }
}

function network(): string {
  try {
    return readlinkSync("/proc/self/ns/net");
  } catch {
    return "";
  }
}

/** What is told to others is not the id by which the machine is known elsewhere. */
function hashed(text: string): string {
  return createHash("sha256").update(`trunkline ${text}`).digest("hex").slice(0, 12);
}
