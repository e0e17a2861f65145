import type { Env } from "../../../base/env.ts";
import { uuidv7 } from "../../../base/id.ts";
import { systemError } from "../../../base/error.ts";
import type { ServeOptions } from "../../protocol.ts";
import type { RestServeOptions } from "../options.ts";

/** The bounds of a server, defaults filled in. */
export interface RestBounds {
  readonly bootId: string;
  /** Requests under way on all connections: one of HTTP/1.1 carries no more than one at a time. */
  readonly inFlightMax: number;
  readonly itemBytesMax: number;
  /** Answers from so many bytes on are compressed; Infinity: none. */
  readonly compressedFromBytes: number;
}

/** How much of a body is read and thrown away after its request was refused, so that the refusal is heard: then it is cut. */
export const discardedBytesMax: number = 16 * 1024 * 1024;

/** The seconds after which who was refused for now may come again. */
export const retryAfterS = "1";

/** The pause after which a stream of events says that it is alive, in milliseconds: proxies cut what is silent for a minute. */
export const heartbeatMs: number = 15_000;

const requestsMaxDefault = 4_096;
const itemBytesMaxDefault: number = 4 * 1024 * 1024;
/** The longest text that V8 makes. */
const itemBytesLimit = 0x1fff_ffe8;
const compressedFromBytesDefault = 1_024;

/** Throws INVALID_ARGUMENT for what could not be kept. */
export function restBounds(
  given: ServeOptions,
  { compression }: RestServeOptions,
  env: Env,
): RestBounds {
  const fromBytes = compression === false ? Infinity : compression?.fromBytes;
  return {
    bootId: given.bootId ?? uuidv7(env),
    inFlightMax: atLeast("inFlightMax", given.inFlightMax ?? requestsMaxDefault),
    itemBytesMax: itemBytes(given.itemBytesMax ?? itemBytesMaxDefault),
    compressedFromBytes: atLeast("compression.fromBytes", fromBytes ?? compressedFromBytesDefault),
  };
}

function itemBytes(value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= itemBytesLimit) return value;
  throw refused(`itemBytesMax must be a whole number from 1 to ${itemBytesLimit}, not ${value}`);
}

function atLeast(name: string, value: number): number {
  if (value >= 1) return value;
  throw refused(`${name} must be 1 or more, not ${value}`);
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
