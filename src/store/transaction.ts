/** A transaction that is open. */
export interface Transaction<Native = unknown> {
  /** What the user's client takes. */
  readonly native: Native;
  /** The store commits it. False: whoever has begun it does, and nobody knows when. */
  readonly managed: boolean;
  /** Runs just before it is committed, in the order of registration. Only where `managed`. */
  beforeCommit(act: () => Promise<void>): void;
  /** Runs when it is committed, and not when it is rolled back. Only where `managed`. */
  afterCommit(act: () => void): void;
}
