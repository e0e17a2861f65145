/** What `load.ts` is asked. */
export type Question =
  /** Forget all messages. */
  | { readonly ask: "clear" }
  /** Transactions, so many at once, for so long; nobody consumes. */
  | { readonly ask: "publish"; readonly connections: number; readonly seconds: number }
  /** So many transactions, and nobody is waited for. */
  | { readonly ask: "fill"; readonly connections: number; readonly count: number }
  /** Begin to consume. */
  | { readonly ask: "consume" }
  /** So many messages, until all are handled. */
  | { readonly ask: "through"; readonly connections: number; readonly count: number }
  /** Begin to consume what lies there, until all is handled. */
  | { readonly ask: "drain"; readonly count: number }
  /** So many messages a second for so long, while it is consumed. */
  | { readonly ask: "steady"; readonly perSecond: number; readonly seconds: number }
  /** Consume no more. */
  | { readonly ask: "end" };

export interface Answer {
  readonly committed: number;
  readonly handled: number;
  /** Committed transactions a second. */
  readonly committedPerSecond: number;
  /** Handled messages a second, from the first transaction to the last handler. */
  readonly handledPerSecond: number;
  /** Of transactions. */
  readonly commitP50Us: number;
  readonly commitP99Us: number;
  /** From the beginning of a transaction to its handler. */
  readonly handledP50Ms: number;
  readonly handledP99Ms: number;
  /** Of this process, for each transaction or message. */
  readonly cpuUs: number;
  /** Of the database, for each of them; measured by who asks. */
  readonly serverCpuUs?: number;
  readonly lost: number;
  readonly doubled: number;
  /** Messages that came before an earlier one of their key. */
  readonly disordered: number;
  readonly rows?: number;
  readonly kept?: number;
  readonly claimMs?: number | undefined;
}
