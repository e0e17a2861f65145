import { resolve } from "node:path";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { isRingSize, ringBytesLeast, ringBytesMost } from "./ring-file.ts";

/** Where rings are, and what they are like. */
export interface MmapPlace {
  /** As people read it: the path absolute. */
  readonly text: string;
  /** What the paths of all its files begin with. */
  readonly path: string;
  /** The size of rings that have to be made, in bytes. */
  readonly ringBytes: number;
  /** The address says so: then those that are there must have it, too. */
  readonly sized: boolean;
  readonly sync: boolean;
}

/** What a ring has that nobody has told otherwise: messages of up to a quarter of it, and few enough bytes to have many rings. */
export const ringBytesDefault: number = 4 * 1024 * 1024;

/** Reads `mmap:PATH?bytes=…&sync=disk`. */
export function mmapPlace(text: string): MmapPlace {
  const [, where = "", terms] = /^mmap:([^?\0]*)(?:\?(.*))?$/s.exec(text) ?? [];
  if (where === "" || where.endsWith("/") || where.startsWith("//"))
    throw refused(text, "write the path of a file: mmap:./shop");
  const read = new Map<string, string>();
  for (const part of terms?.split("&") ?? []) {
    const [, key = "", value = ""] = /^(bytes|sync)=([a-z0-9]+)$/.exec(part) ?? [];
    if (key === "" || read.has(key))
      throw refused(
        text,
        "after the question mark mmap: has bytes=… and sync=os or disk, each once",
      );
    read.set(key, value);
  }
  const [bytes, sync] = [read.get("bytes"), read.get("sync")];
  if (bytes !== undefined && !(/^\d{1,9}$/.test(bytes) && isRingSize(Number(bytes))))
    throw refused(text, `bytes is a power of two from ${ringBytesLeast} to ${ringBytesMost}`);
  if (sync !== undefined && sync !== "os" && sync !== "disk")
    throw refused(text, "sync is os, or disk: each receipt waits for that");
  const path = resolve(where);
  const shown = [bytes && `bytes=${bytes}`, sync && `sync=${sync}`].filter(Boolean).join("&");
  return {
    text: `mmap:${path}${shown && `?${shown}`}`,
    path,
    ringBytes: bytes === undefined ? ringBytesDefault : Number(bytes),
    sized: bytes !== undefined,
    sync: sync === "disk",
  };
}

function refused(text: string, advice: string): TrunklineError {
  return systemError("INVALID_ARGUMENT", `"${text}" is not an address of rings`, {
    executed: "no",
    advice,
  });
}
