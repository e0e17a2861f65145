import type { TraceContext } from "../../../base/trace.ts";
import {
  authenticationMime,
  encodeCredentials,
  readCredentials,
  type Credentials,
} from "../../../wire/authentication.ts";
import {
  encodeMetadataEntry,
  readCompositeMetadata,
  type MetadataEntry,
} from "../../../wire/composite-metadata.ts";
import { encodeTags, readTags, routingMime } from "../../../wire/routing.ts";
import { encodeTracing, readTracing, tracingMime } from "../../../wire/tracing.ts";
import { encodeMimeType, readMimeType } from "../../../wire/well-known.ts";
import { raw } from "../../../codec/raw.ts";
import type { Attempt } from "../../attempt.ts";
import type { Operation } from "../../operation.ts";
import { isLane, toldTries, triesMax } from "../../standing.ts";
import { credentialsOf, headerOf } from "./authorization.ts";
import { headersOf, noHeaders, timeLeft } from "./metadata.ts";
import { routesOf } from "./route.ts";

/** The MIME type of the data of one stream. Extension "Stream Data MIME Types", version 0. */
const dataTypeMime = "message/x.rsocket.mime-type.v0";

/** An entry of our own, for what the standard has none for: time left, total, idempotency key, headers, lane, tries; JSON. */
export const callMime = "application/vnd.trunkline.call.v1+json";

/** The most bytes that the composite metadata of one request may take. */
export const compositeBytesMax: number = 32 * 1024;

/** What composite metadata says of a request. */
export interface CallMetadata {
  /** The tags of its route in their order. */
  tags: readonly string[];
  trace: TraceContext | undefined;
  /** The MIME type of the data, in lower case; undefined: as the SETUP says. */
  dataMime: string | undefined;
  /** Milliseconds; Infinity when there is no bound. */
  timeLeftMs: number;
  totalMs: number;
  idempotencyKey: string | undefined;
  lane: string | undefined;
  tries: number | undefined;
  onlyBoot: string | undefined;
  /** With `authorization` from the authentication entry. */
  headers: Readonly<Record<string, string>>;
}

const bytesOfRaw = "application/octet-stream";

/** The metadata of a request to a peer that knows composite metadata. Throws RangeError when it would take too much. */
export function encodeCallMetadata(operation: Operation, attempt: Attempt, now: number): Buffer {
  const { authorization, ...others } = attempt.headers ?? noHeaders;
  const credentials = credentialsOf(authorization);
  const headers = credentials === undefined ? (attempt.headers ?? noHeaders) : others;
  const parts = [
    encodeMetadataEntry(routingMime, encodeTags(routesOf(operation))),
    encodeMetadataEntry(tracingMime, encodeTracing(attempt.trace)),
  ];
  if (operation.first === raw)
    parts.push(encodeMetadataEntry(dataTypeMime, encodeMimeType(bytesOfRaw)));
  if (credentials !== undefined)
    parts.push(encodeMetadataEntry(authenticationMime, encodeCredentials(credentials)));
  const own = encodeOwn(attempt, headers, now);
  if (own !== "{}") parts.push(encodeMetadataEntry(callMime, Buffer.from(own)));
  const metadata = Buffer.concat(parts);
  if (metadata.length <= compositeBytesMax) return metadata;
  throw new RangeError(
    `headers and keys may take ${compositeBytesMax} bytes with the other metadata, these take ${metadata.length}`,
  );
}

function encodeOwn(
  attempt: Attempt,
  headers: Readonly<Record<string, string>>,
  now: number,
): string {
  const { deadlineAt, totalAt, idempotencyKey, lane, onlyBoot } = attempt;
  return JSON.stringify({
    timeLeftMs: deadlineAt === Infinity ? undefined : timeLeft(deadlineAt, now),
    totalMs: totalAt === Infinity ? undefined : timeLeft(totalAt, now),
    idempotencyKey,
    headers: Object.keys(headers).length === 0 ? undefined : headers,
    lane,
    tries: toldTries(attempt),
    onlyBoot,
  });
}

/**
 * Reads composite metadata; entries of types that nobody here knows are skipped. Returns a sentence for the peer when it
 * is malformed, or says something twice: which of two routes or credentials counts must not be a guess.
 */
export function readCallMetadata(memory: Buffer, from: number, to: number): CallMetadata | string {
  const read = readEntries(memory, from, to);
  if (typeof read === "string") return read;
  const found: CallMetadata = {
    tags: [],
    trace: undefined,
    dataMime: undefined,
    timeLeftMs: Infinity,
    totalMs: Infinity,
    idempotencyKey: undefined,
    lane: undefined,
    tries: undefined,
    onlyBoot: undefined,
    headers: noHeaders,
  };
  let credentials: Credentials | undefined;
  for (const [mime, { from: start, to: end }] of read) {
    let fault: string | undefined;
    if (mime === routingMime) {
      const tags = readTags(memory, start, end);
      if (typeof tags === "string") fault = tags;
      else found.tags = tags;
    } else if (mime === tracingMime) {
      const trace = readTracing(memory, start, end);
      if (typeof trace === "string") fault = trace;
      else found.trace = trace;
    } else if (mime === dataTypeMime) {
      const type = readMimeType(memory, start, end);
      if (type?.end === end) found.dataMime = type.name;
      else fault = "the data's MIME type is malformed";
    } else if (mime === authenticationMime) {
      const given = readCredentials(memory, start, end);
      if (typeof given === "string") fault = given;
      else credentials = given;
    } else if (mime === callMime) {
      fault = readOwn(memory.toString("utf8", start, end), found);
    }
    if (fault !== undefined) return fault;
  }
  return credentials === undefined ? found : authorized(found, credentials);
}

/** The credentials in the composite metadata of a SETUP, as the header; or a sentence for the peer. */
export function readSetupHeaders(metadata: Uint8Array): Readonly<Record<string, string>> | string {
  const memory = Buffer.from(metadata);
  const read = readEntries(memory, 0, memory.length);
  if (typeof read === "string") return read;
  const entry = read.get(authenticationMime);
  if (entry === undefined) return noHeaders;
  const credentials = readCredentials(memory, entry.from, entry.to);
  if (typeof credentials === "string") return credentials;
  const authorization = headerOf(credentials);
  return authorization === undefined ? nameWithColon : Object.freeze({ authorization });
}

const nameWithColon = "authentication metadata: a user name cannot contain a colon";

function authorized(found: CallMetadata, credentials: Credentials): CallMetadata | string {
  const authorization = headerOf(credentials);
  if (authorization === undefined) return nameWithColon;
  if (found.headers["authorization"] !== undefined)
    return "the credentials are given twice, as an entry and as a header";
  const headers: Record<string, string> = Object.create(null);
  return {
    ...found,
    headers: Object.freeze(Object.assign(headers, found.headers, { authorization })),
  };
}

/** The entries by their types, those of unknown types left out. */
function readEntries(
  memory: Buffer,
  from: number,
  to: number,
): ReadonlyMap<string, MetadataEntry> | string {
  if (to - from > compositeBytesMax)
    return `composite metadata: ${to - from} bytes, ${compositeBytesMax} are allowed`;
  const entries = readCompositeMetadata(memory, from, to);
  if (typeof entries === "string") return entries;
  const known = new Map<string, MetadataEntry>();
  for (const entry of entries) {
    if (!understood.has(entry.mime)) continue;
    if (known.has(entry.mime)) return `composite metadata: ${entry.mime} is there twice`;
    known.set(entry.mime, entry);
  }
  return known;
}

const understood: ReadonlySet<string> = new Set([
  routingMime,
  tracingMime,
  dataTypeMime,
  authenticationMime,
  callMime,
]);

/** Reads our own entry into `found`; returns what is wrong with it. Members that nobody here knows are passed over. */
function readOwn(text: string, found: CallMetadata): string | undefined {
  let own: unknown;
  try {
    own = JSON.parse(text);
  } catch {
    return `${callMime}: it is not JSON`;
  }
  if (typeof own !== "object" || own === null || Array.isArray(own))
    return `${callMime}: it is not an object`;
  const { timeLeftMs, totalMs, idempotencyKey, headers } = own as Record<string, unknown>;
  const { lane, tries, onlyBoot } = own as Record<string, unknown>;
  for (const time of [timeLeftMs, totalMs])
    if (time !== undefined && !(typeof time === "number" && time >= 0))
      return `${callMime}: a time is not a number of milliseconds`;
  if (idempotencyKey !== undefined && typeof idempotencyKey !== "string")
    return `${callMime}: the idempotency key is not a text`;
  if (lane !== undefined && !(typeof lane === "string" && isLane(lane)))
    return `${callMime}: the lane is not the name of one`;
  if (tries !== undefined && !(typeof tries === "number" && tries >= 0 && tries <= triesMax))
    return `${callMime}: the tries are not a number from 0 to ${triesMax}`;
  if (onlyBoot !== undefined && typeof onlyBoot !== "string")
    return `${callMime}: the boot id is not a text`;
  const read = headers === undefined ? noHeaders : headersOf(headers);
  if (read === undefined) return `${callMime}: the headers are not texts by name`;
  found.timeLeftMs = (timeLeftMs as number | undefined) ?? Infinity;
  found.totalMs = (totalMs as number | undefined) ?? Infinity;
  found.idempotencyKey = idempotencyKey;
  found.headers = read;
  found.lane = lane;
  found.tries = tries;
  found.onlyBoot = onlyBoot;
  return undefined;
}
