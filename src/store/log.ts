import type { Env } from "../base/env.ts";
import type { Finding } from "./finding.ts";

/**
 * The log of a database, read as it is written (transaction log tailing). It tells that something was committed, earlier than any look at
 * the tables could, and whoever has written it. What was committed, and what of it is still there, only the tables say: so nothing
 * is lost, doubled or out of order by it, and whatever is wrong with the log is no more than a delay.
 */
export interface StoreLog {
  /** Reads it from now on, for as long as it is not closed; what goes wrong is tried again. Only one process reads it at a time. */
  follow(ear: LogListener, env: Env): Following;
  /** Makes what it needs in the database, or mends it; an administrator does. Resolves with what was done. */
  enable(): Promise<readonly string[]>;
  /** Takes it away; whoever follows it goes on without. */
  disable(): Promise<readonly string[]>;
  /** Looks at what keeps it from being followed, or will. */
  examine(): Promise<readonly Finding[]>;
}

export interface LogListener {
  /** Rows of the outbox may be there that were not before, or will be in a moment: a commit is in the log before others see it. */
  committed(): void;
  /** Told once for each state and reason. */
  changed(state: LogState): void;
}

/**
 * `followed`: and `warnings` is what may become a problem; `elsewhere`: another process reads it; `lost`: it cannot be read now, and
 * `reason` says why and what to do.
 */
export type LogState =
  | { readonly is: "followed"; readonly warnings: readonly string[] }
  | { readonly is: "elsewhere" }
  | { readonly is: "lost"; readonly reason: string };

export interface Following {
  /** Rows that were told and are in the outbox still, as far as is known. */
  readonly unconfirmed: number;
  close(): Promise<void>;
}
