import type { RelayOptions } from "trunkline/store";

/** Where the processes of one torture meet, and how they behave: handed to each as JSON. */
export interface Place {
  /** Of the database: `sqlite:PATH`, `postgres://…`, `mysql://…`. */
  readonly store: string;
  /** Of the broker: `file:FOLDER`, `amqp://…`. */
  readonly broker: string;
  /** Transactions that one writer begins in a second. */
  readonly rate: number;
  /** A relay that was not heard of for so long has lost its lanes, in milliseconds. */
  readonly leaseMs: number;
}

/** How relays there publish. */
export function relayOf({ leaseMs }: Place): RelayOptions {
  return { lease: `${leaseMs}ms` };
}

/** What a process was started with: place, name, and where it logs. */
export function placeOf(args: readonly string[]): {
  readonly place: Place;
  readonly name: string;
  readonly log: string;
} {
  const [text = "{}", name = "", log = ""] = args;
  return { place: JSON.parse(text) as Place, name, log };
}

/** Keys whose number is taken before anything is published, so that their order is that of a lock of the user's. */
export const countedFirst: readonly string[] = named("first", 24);
/**
 * Keys whose number is taken after the message was written: only the lane's own lock keeps their order. One such key in a
 * transaction at most, and never with another, or whoever holds a lane would wait for who waits for it.
 */
export const countedAfter: readonly string[] = named("after", 4);

function named(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index}`);
}
