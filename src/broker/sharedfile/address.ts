import { resolve } from "node:path";

import { milliseconds, type Duration } from "../../base/duration.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";

/** What stands in an address: `sharedfile:./talk?sync=disk&segmentBytes=1000000`. */
export interface SharedFileAddress {
  readonly text: string;
  readonly folder: string;
  readonly synced: boolean;
  readonly segmentBytes: number;
  readonly logBytes: number;
  readonly keepMs: number;
}

/** A segment has this many bytes before the next one is begun: small enough that what is consumed is soon removed, large enough that there are few. */
const segmentBytesDefault = 16 * 1_024 * 1_024;
const segmentBytesLeast = 1_024;
/** What one log may have on the disk. */
const logBytesDefault = 1_024 * 1_024 * 1_024;

const form =
  "write sharedfile:./folder, and behind a question mark sync=os or disk, segmentBytes=…, logBytes=…, keep=24h, each at most once";

/** @throws TrunklineError INVALID_ARGUMENT. */
export function sharedFileAddress(text: string): SharedFileAddress {
  const [, path, query] = /^sharedfile:([^?]+)(?:\?(.*))?$/s.exec(text) ?? [];
  if (path === undefined || path.startsWith("//") || path.includes("\0")) throw refused(text, form);
  const given = new Map<string, string>();
  for (const part of query?.split("&") ?? []) {
    const [, name = "", value = ""] = /^(sync|segmentBytes|logBytes|keep)=(\w+)$/.exec(part) ?? [];
    if (name === "" || given.has(name)) throw refused(text, form);
    given.set(name, value);
  }
  const bytes = (name: string, usual: number, least: number): number => {
    const count = Number(given.get(name) ?? usual);
    if (Number.isSafeInteger(count) && count >= least) return count;
    throw refused(text, `${name} is a number of bytes, at least ${least}`);
  };
  const sync = given.get("sync") ?? "os";
  if (sync !== "os" && sync !== "disk") throw refused(text, form);
  const segmentBytes = bytes("segmentBytes", segmentBytesDefault, segmentBytesLeast);
  const logBytes = bytes("logBytes", Math.max(logBytesDefault, 2 * segmentBytes), 2 * segmentBytes);
  const keepMs = milliseconds((given.get("keep") ?? "0ms") as Duration);
  const folder = resolve(path);
  return { text, folder, synced: sync === "disk", segmentBytes, logBytes, keepMs };
}

function refused(text: string, advice: string): TrunklineError {
  return systemError("INVALID_ARGUMENT", `"${text}" is no address of a shared folder`, {
    executed: "no",
    advice,
  });
}
