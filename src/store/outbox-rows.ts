import type { Transaction } from "./transaction.ts";

/** Lanes of what has an ordering key; fixed for the life of a table, as a key must never change its lane. */
export const orderedLanes = 256;
/** Further lanes, for what has none: nobody waits for anybody there. */
export const unorderedLanes = 32;
/** Lanes are leased in so many shares: lane modulo shares. */
export const leaseShares = 32;

export function shareOf(lane: number): number {
  return lane % leaseShares;
}

export function isOrdered(lane: number): boolean {
  return lane < orderedLanes;
}

/** A message on its way into the outbox. */
export interface NewOutboxRow {
  /** Of the message, the same however often it is published: a UUID of version 7 unless its publisher says otherwise. */
  readonly id: string;
  readonly lane: number;
  /** The ordering key. */
  readonly key: string | undefined;
  /** The channel, as JSON. */
  readonly channel: string;
  /** The envelope without its data, and how it is to be sent, as JSON. */
  readonly head: string;
  readonly data: Uint8Array;
  /** Not read before this instant, in milliseconds since 1970 by the clock of the database. */
  readonly notBefore: number | undefined;
}

/** One that is there: pending. Confirmed ones are gone. */
export interface OutboxRow extends NewOutboxRow {
  /** Drawn by the database. In an ordered lane its order is that of the commits; nowhere else does it say anything of time. */
  readonly seq: number;
  /** When it was written, in milliseconds since 1970 by the clock of the database. */
  readonly writtenAt: number;
  /** How often it was refused for good reason; a broker that cannot be reached does not count. */
  readonly refusals: number;
}

/** By what a row is known where it is settled: by its number alone it might be another one, after a failover to an older state. */
export type RowName = Pick<OutboxRow, "seq" | "id">;

/** One that was given up. */
export interface DeadOutboxRow extends OutboxRow {
  readonly deadAt: number;
  readonly reason: string;
  readonly parking: Parking;
}

/** The right to publish the lanes of one share, until its relay has been silent for too long. */
export interface Lease {
  readonly share: number;
  /** Rises with each relay that takes the share: what is done under an older one does nothing (a fencing token). */
  readonly token: number;
}

/** What a relay is told when it says that it is there. */
export interface Kept {
  /** Relays that live, this one included. */
  readonly relays: number;
  /** All that it has now. */
  readonly leases: readonly Lease[];
}

/** Whether a row that is given up parks its key: later ones follow it. */
export type Parking = "none" | "first" | "follows";

export interface LaneStatus {
  readonly lane: number;
  readonly pending: number;
  /** Milliseconds since its oldest row was written. */
  readonly oldestMs: number;
  /** The most refusals of its rows: above 0 somebody should look. */
  readonly refusals: number;
}

export interface OutboxStatus {
  /** All rows, those included that are not due. */
  readonly pending: number;
  /** Since the oldest row that is due was written, in milliseconds; 0 when there is none. */
  readonly oldestMs: number;
  readonly dead: number;
  readonly relays: number;
  /** Shares that no living relay has. */
  readonly unleased: number;
  /** Those with the oldest rows first, as many as were asked for. */
  readonly lanes: readonly LaneStatus[];
}

/**
 * The tables of the outbox. What takes a transaction is part of it; everything else is a short transaction of its own. There is no
 * cursor: a row that is there is pending, and one that is gone was confirmed.
 */
export interface OutboxRows {
  /** Waits until nobody else has these lanes, and has them until `tx` ends (OB-3). Lanes ascend, so that nobody waits in a circle. */
  lock(tx: Transaction, lanes: readonly number[]): Promise<void>;
  /** Writes rows, whose order in a lane is the order here. Lanes that are ordered must be locked before. */
  insert(tx: Transaction, rows: readonly NewOutboxRow[]): Promise<void>;
  /**
   * Counts `by` further messages of a sequence, whose lane is locked in `tx`: resolves with the number of the last of them; the first of
   * all is 1. A sequence has a name of at most 100 characters, and is never forgotten. A rollback takes the numbers back.
   */
  count(tx: Transaction, sequence: string, by: number): Promise<number>;
  /** Locks the ordered lanes of these rows, ascending, and writes them: where that is quicker than one after the other. */
  append?(tx: Transaction, rows: readonly NewOutboxRow[]): Promise<void>;

  /**
   * A relay says that it lives for `leaseMs` more, gives back shares, and takes free ones up to its fair part of all. Shares whose
   * relay is silent for longer than it said are free.
   */
  keep(relay: string, leaseMs: number, giveBack: readonly number[]): Promise<Kept>;
  /** It is gone: its shares are free at once. */
  leave(relay: string): Promise<void>;
  /**
   * Rows that are due in lanes of these shares, without those of the lanes in `except`: of each ordered lane a beginning by `seq`, at
   * most about `limit` in all, and so shared among the lanes that a long one keeps none of the others waiting. One snapshot.
   */
  read(shares: readonly number[], except: readonly number[], limit: number): Promise<OutboxRow[]>;
  /** Takes out what is confirmed, as far as the leases still hold. Resolves with how many were taken out. */
  remove(leases: readonly Lease[], rows: readonly RowName[]): Promise<number>;
  /** A row was refused for good reason: resolves with how often by now; 0 when it is not this relay's to tell. */
  refused(leases: readonly Lease[], row: RowName): Promise<number>;
  /**
   * Moves rows to those that are given up, as far as the leases still hold. With `follows` only those whose key is parked in the very
   * same statement's eyes: somebody may redrive it at this moment. Resolves with how many.
   */
  bury(
    leases: readonly Lease[],
    rows: readonly RowName[],
    reason: string,
    parking: Parking,
  ): Promise<number>;
  /** Which keys are parked in lanes of these shares. */
  parkedKeys(shares: readonly number[]): Promise<readonly { lane: number; key: string }[]>;

  /** The oldest of those given up, as many as `limit`. */
  dead(limit: number): Promise<readonly DeadOutboxRow[]>;
  /**
   * Puts given up rows of one key, or the row of one id, back in at the end of their lane, in the order that they had. What is parked
   * is parked no more.
   */
  redrive(which: { readonly key: string } | { readonly id: string }): Promise<number>;
  /** How long the oldest row that is due waits, in milliseconds; cheap. 0: there is none. */
  oldestMs(): Promise<number>;
  /**
   * Gives back room that rows have left behind, where the database does not by itself; quick, and never waited for by who writes. A
   * relay asks for it now and then. Nothing depends on it but speed.
   */
  tidy?(): Promise<void>;
  /** Reads all rows: for people. */
  status(lanes: number): Promise<OutboxStatus>;
}
