import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import { durationMsMax, frameBytesMax } from "../../wire/limits.ts";
import type { ConnectOptions, ServeOptions } from "../protocol.ts";

/** Frames may be this much larger than their item: header, metadata, headers of the call. */
export const frameOverheadBytes: number = 64 * 1024;

/** An item travels in one frame. */
const itemBytesLimit: number = frameBytesMax - frameOverheadBytes;

const itemBytesMaxDefault: number = 4 * 1024 * 1024;

/** Requests under way on one connection, in each direction. */
const requestsMaxDefault = 4_096;

/** The bounds of a caller, defaults filled in. */
export interface CallerBounds {
  readonly instance: string;
  readonly connectWaitMs: number;
  readonly outstandingMax: number;
  readonly itemBytesMax: number;
  readonly keepaliveMs: number;
  readonly lifetimeMs: number;
  readonly inFlightMax: number;
  readonly metadata: MetadataForm;
}

/** How a client describes its requests. */
export type MetadataForm = NonNullable<ConnectOptions["metadata"]>;

/** Throws INVALID_ARGUMENT for what could not be kept. */
export function callerBounds(options: ConnectOptions): CallerBounds {
  const keepaliveMs = options.keepaliveMs ?? 5_000;
  return {
    instance: options.instance ?? "anonymous",
    connectWaitMs: atLeast("connectWaitMs", options.connectWaitMs ?? 2_000, 0),
    outstandingMax: atLeast("outstandingMax", options.outstandingMax ?? requestsMaxDefault, 1),
    inFlightMax: atLeast("inFlightMax", options.inFlightMax ?? requestsMaxDefault, 1),
    itemBytesMax: itemBytes(options.itemBytesMax),
    keepaliveMs: whole("keepaliveMs", keepaliveMs, 1, durationMsMax),
    lifetimeMs: whole("lifetimeMs", options.lifetimeMs ?? 15_000, keepaliveMs, durationMsMax),
    metadata: metadataForm(options.metadata ?? "compact"),
  };
}

/** The bounds of a server, defaults filled in; those that the transport keeps are not among them. */
export interface ServerBounds {
  readonly instance: string;
  readonly bootId: string;
  readonly inFlightMax: number;
  readonly outstandingMax: number;
  readonly itemBytesMax: number;
  readonly setupMs: number;
}

/** Throws INVALID_ARGUMENT for what could not be kept. */
export function serverBounds(options: ServeOptions, env: Env): ServerBounds {
  return {
    instance: options.instance ?? "anonymous",
    bootId: options.bootId ?? uuidv7(env),
    inFlightMax: atLeast("inFlightMax", options.inFlightMax ?? requestsMaxDefault, 1),
    outstandingMax: atLeast("outstandingMax", options.outstandingMax ?? requestsMaxDefault, 1),
    itemBytesMax: itemBytes(options.itemBytesMax),
    setupMs: whole("setupMs", options.setupMs ?? 5_000, 1, durationMsMax),
  };
}

function itemBytes(given: number | undefined): number {
  return whole("itemBytesMax", given ?? itemBytesMaxDefault, 1, itemBytesLimit);
}

function metadataForm(given: string): MetadataForm {
  if (given === "compact" || given === "composite") return given;
  throw refused(`metadata must be "compact" or "composite", not ${JSON.stringify(given)}`);
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw refused(`${name} must be a whole number from ${least} to ${most}, not ${value}`);
}

function atLeast(name: string, value: number, least: number): number {
  if (value >= least) return value;
  throw refused(`${name} must be ${least} or more, not ${value}`);
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
