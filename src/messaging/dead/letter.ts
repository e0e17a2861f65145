import { timestamp } from "../../base/timestamp.ts";
import { attribute } from "../../broker/attributes.ts";
import { channel, type Channel } from "../../broker/channel.ts";
import { attributeBytesMax, type Envelope } from "../../broker/envelope.ts";
import type { FailureNote } from "../work.ts";

/** Of texts in a provenance, which travels in headers and is read in tables. */
const reasonCharsMax = 500;
const codeCharsMax = 100;

/** What a dead letter says beside its message. */
export interface Provenance {
  /** The channel whose consumer gave it up, laid out as it was: by that a redrive finds it again. */
  readonly channel: Pick<Channel, "name" | "shape"> & Partial<Channel>;
  /** The group; empty for a queue. */
  readonly group: string;
  /** The process that gave it up. */
  readonly by: string;
  /** Where it was, as the broker's own tools say it. */
  readonly position?: string | undefined;
  readonly shard: string;
  /** Attempts until it was given up the last time. */
  readonly attempts: number;
  readonly first: FailureNote;
  readonly last: FailureNote;
  /** When it was given up the first time, and the last time, in milliseconds since 1970. */
  readonly diedAt: number;
  readonly buriedAt: number;
  /** How often it was given up. */
  readonly deaths: number;
  /** Its place among the dead letters of its key: the same however often it is given up. */
  readonly order: number;
  /** Later messages of its key follow it, and must be redriven after it. */
  readonly inOrder: boolean;
  /** Its own expiry, which does not hold for a dead letter. RFC 3339. */
  readonly expiry?: string | undefined;
  /** Attributes of the message that had no room beside these words. */
  readonly cut?: readonly string[] | undefined;
}

/** The channel of the dead letters of a group; of a queue, undefined. */
export function deadChannelOf({ name }: Pick<Channel, "name">, group: string | undefined): Channel {
  return channel({
    name: group === undefined || group === "" ? `${name}.dead` : `${name}.${group}.dead`,
    shape: "queue",
    guarantee: "at-least-once",
    mandatory: true,
  });
}

/**
 * The message as a dead letter: id, key, data and all that it said stay as they are. Its own expiry would let a broker drop it
 * silently, so that it goes into the provenance. `expiresAt`: of the letter, in milliseconds since 1970.
 */
export function letterOf(envelope: Envelope, provenance: Provenance, expiresAt?: number): Envelope {
  const {
    [attribute.redriven]: _redriven,
    [attribute.deadletter]: earlier,
    [attribute.expirytime]: expiry = readProvenance(earlier)?.expiry,
    ...attributes
  } = envelope.attributes;
  const told = {
    ...provenance,
    first: bounded(provenance.first),
    last: bounded(provenance.last),
    expiry,
  };
  const kept = {
    ...attributes,
    ...(expiresAt === undefined ? {} : { [attribute.expirytime]: timestamp(expiresAt) }),
  };
  return { ...envelope, attributes: fitting(kept, told) };
}

/** What a handler gives as its reason may be as long as it likes. */
function bounded(note: FailureNote): FailureNote {
  const { code, reason } = note;
  return { ...note, code: code.slice(0, codeCharsMax), reason: reason.slice(0, reasonCharsMax) };
}

/** Brokers bound what attributes have together: then the sender's own, the largest first, make room for what must be known. */
function fitting(
  attributes: Readonly<Record<string, string>>,
  provenance: Provenance,
): Readonly<Record<string, string>> {
  const kept = new Map(Object.entries(attributes));
  const cut = [...(provenance.cut ?? [])];
  for (;;) {
    const told = cut.length === 0 ? provenance : { ...provenance, cut };
    const all = { ...Object.fromEntries(kept), [attribute.deadletter]: JSON.stringify(told) };
    const largest = [...kept].toSorted((a, b) => b[1].length - a[1].length)[0];
    if (largest === undefined || bytesOf(all) <= attributeBytesMax) return all;
    kept.delete(largest[0]);
    cut.push(largest[0]);
  }
}

function bytesOf(attributes: Readonly<Record<string, string>>): number {
  return Object.entries(attributes).reduce(
    (sum, [name, value]) => sum + name.length + Buffer.byteLength(value),
    0,
  );
}

/** The layout of a channel as a provenance keeps it: what is not as it is by default. */
export function layoutOf(of: Channel): Provenance["channel"] {
  const usual = channel({ name: of.name, shape: of.shape });
  const { name, shape, ordered, guarantee, enqueued, shards, priorityMax, native } = of;
  return {
    name,
    shape,
    ...(ordered ? { ordered } : {}),
    ...(guarantee === usual.guarantee ? {} : { guarantee }),
    ...(enqueued === undefined ? {} : { enqueued }),
    ...(shards === usual.shards ? {} : { shards }),
    ...(priorityMax === 0 ? {} : { priorityMax }),
    ...(Object.keys(native).length === 0 ? {} : { native }),
  };
}

/** What a dead letter says; undefined for what is none, or cannot be read. */
export function provenanceOf({ attributes }: Envelope): Provenance | undefined {
  return readProvenance(attributes[attribute.deadletter]);
}

/** Whoever can publish could have written it: what is not as it must be counts as nothing. */
function readProvenance(text: string | undefined): Provenance | undefined {
  if (text === undefined) return undefined;
  try {
    const read = JSON.parse(text) as Partial<Provenance> | null;
    const sound =
      typeof read?.channel?.name === "string" &&
      typeof read.group === "string" &&
      [read.attempts, read.diedAt, read.buriedAt, read.deaths, read.order].every(Number.isFinite) &&
      isNote(read.first) &&
      isNote(read.last);
    return sound ? (read as Provenance) : undefined;
  } catch {
    return undefined;
  }
}

function isNote(note: Partial<FailureNote> | undefined): boolean {
  return [note?.why, note?.code, note?.reason].every((each) => typeof each === "string");
}
