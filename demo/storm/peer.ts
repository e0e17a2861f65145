/** What may be said of an operation: that it may run twice, that it may with the same key, or nothing. */
export type Kind = "idempotent" | "byKey" | "plain";

export const kinds: readonly Kind[] = ["idempotent", "byKey", "plain"];

/** Whether it ran, as a rejection says; a library that says nothing of it has only `undefined`. */
export type Told = "no" | "maybe" | "yes" | undefined;

/** No answer is wanted later than this after a call was made, whoever makes it. */
export const deadlineMs: number = 3_000;

/** Where one of the replicas serves. Each library takes of it what it needs. */
export interface Seat {
  /** From 1. The caller has one too: 0. */
  readonly number: number;
  /** A free TCP port of this host. */
  readonly port: number;
  /** A private folder of all that take part. */
  readonly folder: string;
  /** What the seat was told beside that: for us, over which protocol. */
  readonly over: string;
  /** Where replicas are found, for who asks a registry. */
  readonly registry: string;
  /** The database that the replicas share; empty: none. */
  readonly store: string;
}

/** A handler's work: writes down that it ran, and takes its time. Resolves with the id. */
export type Work = (id: string) => Promise<string>;

/** Makes one call; resolves with the id that was given. */
export type Asks = (kind: Kind, id: string) => Promise<string>;

/** A library as it stands in the storm: three replicas of one service, and one process that calls them. */
export interface StormPeer {
  /** In the process of a replica: resolves when it can be called. It ends on SIGTERM as the library's documentation has it. */
  serve(seat: Seat, work: Work, all: readonly Seat[]): Promise<void>;
  /** In the process of the caller. */
  connect(replicas: readonly Seat[], own: Seat): Promise<Asks>;
  /** What a rejection says of whether the call ran. */
  told?(error: unknown): Told;
}
