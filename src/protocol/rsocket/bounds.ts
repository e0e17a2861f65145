import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Format } from "../../codec/format.ts";
import { durationMsMax, frameBytesMax } from "../../wire/limits.ts";
import { maxAgeMsDefault } from "../connection-age.ts";
import type { ConnectOptions, ServeOptions } from "../protocol.ts";
import { turnsMax } from "./frames/fragment-queue.ts";

/** Frames may be this much larger than their item: header, metadata, headers of the call. */
export const frameOverheadBytes: number = 64 * 1024;

/**
 * The longest text that V8 makes, 512 MiB less a few bytes: a larger item could not be read as JSON. An item is held whole
 * on both sides; what comes near to this is better sent in parts.
 */
export const itemBytesLimit = 0x1fff_ffe8;

const itemBytesMaxDefault: number = 4 * 1024 * 1024;

/** Requests under way on one connection, in each direction. */
const requestsMaxDefault = 4_096;

/**
 * The largest frame that is taken, and sent. Our own are smaller; other peers, and older builds, send items whole.
 */
export function frameBytesMaxOf(itemBytesMax: number, transportBytesMax: number): number {
  return Math.min(transportBytesMax, frameBytesMax, itemBytesMax + frameOverheadBytes);
}

/**
 * What all payloads of one connection may hold whose last fragment has not come: twice of what a peer like us sends side
 * by side, and never so little that many small ones fail. A peer that has asked for answers of so many bytes, all of them
 * unsent, is read no further.
 */
export function unfinishedBytesMax(itemBytesMax: number): number {
  return Math.max(64 * 1024 * 1024, 2 * turnsMax * itemBytesMax);
}

/** The bounds of a caller, defaults filled in. */
export interface CallerBounds {
  readonly instance: string;
  /** The id of the host's clock. */
  readonly clock: string | undefined;
  readonly connectWaitMs: number;
  readonly failFast: boolean;
  readonly maxAgeMs: number;
  readonly outstandingMax: number;
  readonly itemBytesMax: number;
  readonly keepaliveMs: number;
  readonly lifetimeMs: number;
  readonly inFlightMax: number;
  readonly metadata: MetadataForm;
  /** What is spoken beside JSON. */
  readonly format: Format | undefined;
}

/** How a client describes its requests. */
export type MetadataForm = NonNullable<ConnectOptions["metadata"]>;

/** Throws INVALID_ARGUMENT for what could not be kept. */
export function callerBounds(options: ConnectOptions, env: Env): CallerBounds {
  const keepaliveMs = options.keepaliveMs ?? 5_000;
  return {
    instance: options.instance ?? "anonymous",
    clock: env.hostClock?.id,
    connectWaitMs: atLeast("connectWaitMs", options.connectWaitMs ?? 2_000, 0),
    failFast: options.failFast ?? false,
    maxAgeMs: atLeast("maxAgeMs", options.maxAgeMs ?? maxAgeMsDefaultOf(options), 1),
    outstandingMax: atLeast("outstandingMax", options.outstandingMax ?? requestsMaxDefault, 1),
    inFlightMax: atLeast("inFlightMax", options.inFlightMax ?? requestsMaxDefault, 1),
    itemBytesMax: itemBytes(options.itemBytesMax),
    keepaliveMs: whole("keepaliveMs", keepaliveMs, 1, durationMsMax),
    lifetimeMs: whole("lifetimeMs", options.lifetimeMs ?? 15_000, keepaliveMs, durationMsMax),
    metadata: metadataForm(options.metadata ?? "compact"),
    format: options.format,
  };
}

/** Who calls a client back holds its connection. */
function maxAgeMsDefaultOf({ dispatcher }: ConnectOptions): number {
  return dispatcher === undefined ? maxAgeMsDefault : Infinity;
}

/** The bounds of a server, defaults filled in; those that the transport keeps are not among them. */
export interface ServerBounds {
  readonly instance: string;
  readonly bootId: string;
  readonly inFlightMax: number;
  readonly outstandingMax: number;
  readonly itemBytesMax: number;
  readonly setupMs: number;
  /** How many more requests the process could begin now; undefined where nobody knows. */
  readonly room: (() => number) | undefined;
  /** What is spoken beside JSON. */
  readonly formats: readonly Format[];
}

/** Throws INVALID_ARGUMENT for what could not be kept. */
export function serverBounds(options: ServeOptions, env: Env): ServerBounds {
  return {
    instance: options.instance ?? "anonymous",
    bootId: options.bootId ?? uuidv7(env),
    inFlightMax: atLeast("inFlightMax", options.inFlightMax ?? requestsMaxDefault, 1),
    outstandingMax: atLeast("outstandingMax", options.outstandingMax ?? requestsMaxDefault, 1),
    itemBytesMax: itemBytes(options.itemBytesMax),
    room: options.room,
    setupMs: whole("setupMs", options.setupMs ?? 5_000, 1, durationMsMax),
    formats: options.formats ?? [],
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
