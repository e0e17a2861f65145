import { reportIncident } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import {
  isTrunklineError,
  systemError,
  type SystemError,
  type TrunklineError,
} from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import { replayed } from "./endings.ts";
import type { Claim } from "./key-store.ts";
import type { Running } from "./running.ts";

/** The handler of a request. */
export interface Work {
  /** Runs it; rejects with whatever escapes. */
  run(incoming: Incoming): Promise<unknown>;
  /** What its caller may know of what has escaped; its `executed` is final. */
  told(exception: unknown): Promise<TrunklineError>;
}

/** How work is done, once no other request of this process is at its key. */
export interface Doing {
  /** Where the database is in whose transactions handlers run: those of requests without a key as well. */
  readonly transactional: string | undefined;
  /** Rejects with TrunklineErrors only. */
  run(key: string, running: Running, incoming: Incoming, work: Work): Promise<unknown>;
}

/** What is known of a key that is not new. */
export type Known = Exclude<Claim, { readonly state: "new" }>;

/** While another process is at the work of a key it is looked for its end so long at most, in milliseconds. */
const elsewhereMsMax = 2_000;
/** … the first time after this, later ones twice as long after each other, */
const lookMs = 20;
/** … up to this. */
const lookMsMax = 250;

/** Most work that another process is at ends soon: who waits for that has its answer, and need not ask again. */
export class Looks {
  readonly #running: Running;
  readonly #env: Env;
  readonly #until: number;
  #pauseMs = lookMs;

  constructor(running: Running, { deadlineAt, totalAt }: Incoming, env: Env) {
    this.#running = running;
    this.#env = env;
    this.#until = Math.min(env.now() + elsewhereMsMax, deadlineAt, totalAt);
  }

  /** Resolves with true when it is time to look again, with false when that makes no sense any more. */
  async again(): Promise<boolean> {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, lookMsMax);
    if (this.#env.now() + pauseMs >= this.#until) return false;
    return this.#running.pause(pauseMs);
  }
}

/** When to ask again after work that another process is at, in milliseconds. */
const elsewhereMs = 500;

/** What there is to say when the key is not new: the answer, or what is thrown. */
export function knownAlready(claim: Known, input: string, operation: Operation): unknown {
  if (claim.state === "full") {
    throw systemError("RESOURCE_EXHAUSTED", "too many requests with a key are under way", {
      executed: "no",
      gate: "keys",
      retryAfterMs: elsewhereMs,
    });
  }
  if (claim.state === "busy") throw atWorkElsewhere();
  if (claim.input !== input) throw otherInput();
  if (claim.state === "running") throw atWorkElsewhere();
  return replayed(claim.ending, operation);
}

export function atWorkElsewhere(cause?: unknown): SystemError {
  const reason = "another process is at the work of this key, or was when it died";
  return systemError("UNAVAILABLE", reason, {
    executed: "maybe",
    retryAfterMs: elsewhereMs,
    advice: "ask again with the same key, or look at what the work has done",
    cause,
  });
}

/** Nothing is known of the key, and nothing ran. What no waiting mends is told to those who run the process. */
export function unasked(cause: unknown, { name }: Operation, env: Env): SystemError {
  if (!isTrunklineError(cause) || cause.code !== "UNAVAILABLE")
    reportIncident({ id: uuidv7(env), operation: name, error: cause });
  return systemError("UNAVAILABLE", "what is known of the key could not be found out", {
    executed: "no",
    cause,
  });
}

export function otherInput(): SystemError {
  return systemError("INVALID_ARGUMENT", "the idempotencyKey was used for another input", {
    executed: "no",
    advice: "take a new key for each piece of work, and the same one only for its repetition",
  });
}
