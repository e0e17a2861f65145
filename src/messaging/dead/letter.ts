import { attribute } from "../../broker/attributes.ts";
import { channel, type Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { FailureNote } from "../work.ts";

/** What a dead letter says beside its message. */
export interface Provenance {
  /** The channel and the group (of a queue: empty) whose consumer gave it up. */
  readonly channel: string;
  readonly group: string;
  readonly attempts: number;
  readonly first: FailureNote;
  readonly last: FailureNote;
  /** When it was given up the first time, in milliseconds since 1970. */
  readonly diedAt: number;
  /** Its place among the dead letters of its key: the order in which they were given up at first. */
  readonly order: number;
}

/** The channel of the dead letters of a group. */
export function deadChannelOf(of: Channel, group: string | undefined): Channel {
  return channel({
    name: group === undefined ? `${of.name}.dead` : `${of.name}.${group}.dead`,
    shape: "queue",
    guarantee: "at-least-once",
    mandatory: true,
  });
}

/** The message as a dead letter: id, key, data and all that it said stay as they are. */
export function letterOf(envelope: Envelope, provenance: Provenance): Envelope {
  return {
    ...envelope,
    attributes: { ...envelope.attributes, [attribute.deadletter]: JSON.stringify(provenance) },
  };
}

/** What a dead letter says; undefined for what is none, or cannot be read. */
export function provenanceOf({ attributes }: Envelope): Provenance | undefined {
  const text = attributes[attribute.deadletter];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Provenance;
  } catch {
    return undefined;
  }
}
