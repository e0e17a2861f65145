import type { Envelope } from "../../broker/envelope.ts";
import { laneOf } from "../hot-keys/placement.ts";
import { provenanceOf, type Provenance } from "./letter.ts";

/** A message that is with the dead letters, and what is known of how it came there. */
export interface Letter {
  readonly envelope: Envelope;
  readonly provenance: Provenance;
}

/** Which dead letters are meant: all that is given must hold. Of a key that is blocked its first letter counts, and the others go with it. */
export interface LetterFilter {
  /** Why it was given up the last time: `failed`, `invalid`, `rejected`, … */
  readonly why?: string | undefined;
  /** The code of its last failure. */
  readonly code?: string | undefined;
  /** The hash of the stack of its last failure. */
  readonly stack?: string | undefined;
  readonly key?: string | undefined;
  readonly id?: string | undefined;
  /** Given up the first time at that instant or later, in milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Given up the first time before that instant, in milliseconds since 1970. */
  readonly before?: number | undefined;
}

/** Reads a letter; undefined for what is none of that group's: who put it there knows why, and it stays. */
export function letterIn(
  envelope: Envelope,
  channel: string,
  group: string | undefined,
): Letter | undefined {
  const provenance = provenanceOf(envelope);
  return provenance?.channel.name === channel && provenance.group === (group ?? "")
    ? { envelope, provenance }
    : undefined;
}

/** Letters of one sequence are redriven one after the other: those of a blocked key, or several of one message. */
export function sequenceOf({ envelope, provenance }: Letter): string {
  const { source, id } = envelope;
  const key = provenance.inOrder ? laneOf(envelope) : undefined;
  return key === undefined ? `id ${source} ${id}` : `key ${key}`;
}

/** The same message: a bury whose ack was lost leaves a second letter of it. */
export function sameMessage(a: Letter, b: Letter): boolean {
  return a.envelope.id === b.envelope.id && a.envelope.source === b.envelope.source;
}

/** Each message once. */
export function messagesIn<L extends Letter>(letters: readonly L[]): readonly L[] {
  const known = new Set<string>();
  return letters.filter(({ envelope: { source, id } }) => {
    const name = `${source} ${id}`;
    return !known.has(name) && known.add(name);
  });
}

/** In the order in which they were given up at first. */
export function inOrder(a: Letter, b: Letter): number {
  return a.provenance.order - b.provenance.order || a.provenance.diedAt - b.provenance.diedAt;
}

/** The sequences of which the first letter is meant, each in its order; those that have waited longest first. */
export function sequencesIn<L extends Letter>(
  letters: readonly L[],
  filter: LetterFilter,
): readonly (readonly L[])[] {
  const bySequence = Map.groupBy(letters, sequenceOf);
  return [...bySequence.values()]
    .map((each) => each.toSorted(inOrder))
    .filter(([first]) => isMeant(first!, filter))
    .toSorted(([a], [b]) => inOrder(a!, b!));
}

function isMeant({ envelope, provenance }: Letter, filter: LetterFilter): boolean {
  const { last, diedAt } = provenance;
  const { since = -Infinity, before = Infinity } = filter;
  const equal: readonly (readonly [string | undefined, string | undefined])[] = [
    [filter.why, last.why],
    [filter.code, last.code],
    [filter.stack, last.stackHash],
    [filter.key, envelope.subject],
    [filter.id, envelope.id],
  ];
  return (
    diedAt >= since &&
    diedAt < before &&
    equal.every(([wanted, found]) => wanted === undefined || wanted === found)
  );
}
