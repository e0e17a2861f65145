import { hash } from "node:crypto";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Env } from "../../base/env.ts";
import { reportIncident } from "../../base/diagnostics.ts";
import { uuidv7 } from "../../base/id.ts";
import { systemError, TrunklineError, type SystemError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import type { Cancellable, CancelReason } from "../../protocol/attempt.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import { unwanted } from "../expiry.ts";
import type { Claim, Ending, KeyStore } from "./key-store.ts";

/** When to ask again after work that another process is at, in milliseconds. */
const elsewhereMs = 500;

/** Does the work of a request. Rejects with TrunklineErrors only, whose `executed` is final. */
export type Work = (incoming: Incoming) => Promise<unknown>;

/** What runs under one key, and how many wait for it. */
class Running {
  readonly input: string;
  outcome!: Promise<unknown>;
  /** What the handler works on; undefined before it begins. */
  work: Incoming | undefined = undefined;
  #waiting = 0;

  constructor(input: string) {
    this.input = input;
  }

  /** One more waits, until `left`. */
  joined(): void {
    this.#waiting++;
  }

  /** One waits no more. Whose connection is lost may come back for the answer; who has given up will not. */
  left(reason: CancelReason): void {
    if (--this.#waiting === 0 && reason !== "peer") this.work?.cancel(reason);
  }
}

/**
 * Work of one operation under keys: it runs once for each, and whoever comes with the same key gets the same answer, joining the
 * work while it runs. It is given up when all have who waited for it, but not because a connection was lost: who asked may
 * come back for the answer.
 */
export class KeyedWork {
  readonly #store: KeyStore;
  readonly #operation: Operation;
  readonly #env: Env;
  /** By key; as many as there are requests that run. */
  readonly #running = new Map<string, Running>();

  constructor(store: KeyStore, operation: Operation, env: Env) {
    this.#store = store;
    this.#operation = operation;
    this.#env = env;
  }

  /** `first` is the input as it came. */
  async run(first: unknown, incoming: Incoming, work: Work): Promise<unknown> {
    const key = this.#keyOf(incoming);
    const input = this.#digest(first);
    const before = this.#running.get(key);
    if (before !== undefined) {
      if (before.input !== input) throw this.#otherInput();
      return this.#join(before, incoming);
    }
    const running = new Running(input);
    this.#running.set(key, running);
    running.joined();
    running.outcome = this.#begin(key, running, incoming, work);
    incoming.bind({ cancel: (reason) => running.left(reason) });
    const ended = (): void => void this.#running.delete(key);
    running.outcome.then(ended, ended);
    return running.outcome;
  }

  /** What was given up before somebody came back for it has come nobody knows how far. */
  async #join(running: Running, incoming: Incoming): Promise<unknown> {
    const joined = new Joined(running, incoming, this.#env);
    try {
      return await joined.outcome;
    } catch (failure) {
      const ending = joined.over ? endingOf(failure as TrunklineError) : undefined;
      if (ending?.kind === "unknown") return this.#replay(ending);
      throw failure;
    }
  }

  async #begin(key: string, running: Running, incoming: Incoming, work: Work): Promise<unknown> {
    const { input } = running;
    const claim = await this.#claim(key, input);
    if (claim.state === "full") {
      throw systemError("RESOURCE_EXHAUSTED", "too many requests with a key are under way", {
        executed: "no",
        gate: "keys",
        retryAfterMs: elsewhereMs,
      });
    }
    if (claim.state !== "new" && claim.input !== input) throw this.#otherInput();
    if (claim.state === "running") {
      throw systemError(
        "UNAVAILABLE",
        "another process is at the work of this key, or was when it died",
        {
          executed: "maybe",
          retryAfterMs: elsewhereMs,
          advice: "ask again with the same key, or look at what the work has done",
        },
      );
    }
    if (claim.state === "ended") return this.#replay(claim.ending);
    const gone = unwanted(incoming, this.#env.now());
    if (gone !== undefined) {
      await this.#settle(key, undefined);
      throw gone;
    }
    running.work = incoming.apart();
    return this.#work(key, running.work, work);
  }

  /** Gives up all that runs. */
  cut(): void {
    for (const { work } of this.#running.values()) work?.cancel("shutdown");
  }

  async #work(key: string, incoming: Incoming, work: Work): Promise<unknown> {
    let output: unknown;
    try {
      output = await work(incoming);
    } catch (failure) {
      const error = failure as TrunklineError;
      await this.#settle(key, endingOf(error));
      throw error;
    }
    await this.#settle(key, this.#answer(output));
    return output;
  }

  async #claim(key: string, input: string): Promise<Claim> {
    try {
      return await this.#store.claim(key, input);
    } catch (cause) {
      throw systemError("UNAVAILABLE", "what is known of the key could not be found out", {
        executed: "no",
        cause,
      });
    }
  }

  /** A store that fails now changes nothing of what was done: the key stays in use, and answers `maybe`. */
  async #settle(key: string, ending: Ending | undefined): Promise<void> {
    try {
      await (ending === undefined ? this.#store.forget(key) : this.#store.keep(key, ending));
    } catch (error) {
      reportIncident({ id: uuidv7(this.#env), operation: this.#operation.name, error });
    }
  }

  #answer(output: unknown): Ending {
    try {
      if (output === undefined) return { kind: "answer", output };
      const encoded = this.#operation.output.encode(output);
      // The handler may go on to use its bytes.
      const own = typeof encoded === "string" ? encoded : Uint8Array.from(encoded);
      return { kind: "answer", output: own };
    } catch {
      return { kind: "unknown" }; // it cannot be sent either
    }
  }

  #replay(ending: Ending): unknown {
    switch (ending.kind) {
      case "answer": {
        if (ending.output === undefined) return undefined;
        const { output } = ending;
        const memory = typeof output === "string" ? Buffer.from(output) : Buffer.from(output);
        return this.#operation.output.decode(memory, 0, memory.length);
      }
      case "error": {
        const { code, reason, declared, data, id } = ending.error;
        throw new TrunklineError(code, reason, {
          executed: "yes",
          declared,
          data: data === undefined ? undefined : JSON.parse(data),
          id,
        });
      }
      case "large":
        throw systemError(
          "RESOURCE_EXHAUSTED",
          `the work of this key was done; its answer of ${ending.bytes} bytes was not kept`,
          { executed: "yes", advice: "ask for what it has made, by an operation that reads" },
        );
      case "unknown":
        throw systemError(
          "UNKNOWN",
          "the work of this key was cut short: how far it came is not known, and it is not begun again",
          { executed: "maybe", advice: "look at what it has done; for a new try take a new key" },
        );
    }
  }

  #keyOf({ idempotencyKey, peer }: Incoming): string {
    const { owner, member } = this.#operation;
    const scope = `${owner.name}@${owner.major}/${member}\n${whoIs(peer)}\n${idempotencyKey}`;
    return hash("sha256", scope, "base64url");
  }

  #digest(first: unknown): string {
    if (first === undefined) return "";
    try {
      return hash("sha256", this.#operation.first.encode(first), "base64url");
    } catch {
      return "?"; // another format can say what JSON cannot: then the key alone has to do
    }
  }

  #otherInput(): SystemError {
    return systemError("INVALID_ARGUMENT", "the idempotencyKey was used for another input", {
      executed: "no",
      advice: "take a new key for each piece of work, and the same one only for its repetition",
    });
  }
}

/** A key is known to who has shown who he is; others share what they know. */
function whoIs({ certificate }: Peer): string {
  return certificate === undefined ? "" : certificate.subject;
}

/** Undefined: it never ran, so that the next one may. */
function endingOf(error: TrunklineError): Ending | undefined {
  const { code, reason, executed, declared, data, id } = error;
  if (executed === "no") return undefined;
  if (executed === "maybe" || code === "CANCELLED" || code === "DEADLINE_EXCEEDED")
    return { kind: "unknown" };
  if (!declared || data === undefined)
    return { kind: "error", error: { code, reason, declared, id } };
  try {
    return { kind: "error", error: { code, reason, declared, data: JSON.stringify(data) } };
  } catch {
    return { kind: "unknown" }; // it cannot be sent either
  }
}

/** A request that waits for what an earlier one with its key has begun; for as long as it is wanted itself. */
class Joined extends Alarm implements Cancellable {
  readonly outcome: Promise<unknown>;
  /** The work has ended before it was given up here. */
  over = false;
  readonly #running: Running;
  readonly #incoming: Incoming;
  readonly #env: Env;
  #reject!: (error: unknown) => void;

  constructor(running: Running, incoming: Incoming, env: Env) {
    super();
    this.#running = running;
    this.#incoming = incoming;
    this.#env = env;
    this.outcome = new Promise((resolve, reject) => {
      this.#reject = reject;
      const over = (settle: (value: never) => void) => (value: unknown) => {
        env.clear(this);
        this.over ||= this.#incoming.cancelled === undefined;
        settle(value as never);
      };
      running.outcome.then(over(resolve), over(reject));
    });
    running.joined();
    env.set(this, Math.min(incoming.deadlineAt, incoming.totalAt));
    incoming.bind(this);
  }

  ring(): void {
    this.#incoming.cancel("deadline");
  }

  cancel(reason: CancelReason): void {
    this.#env.clear(this);
    this.#running.left(reason);
    const late = reason === "deadline";
    this.#reject(
      systemError(
        late ? "DEADLINE_EXCEEDED" : "CANCELLED",
        "an earlier request with this key is still at work",
        { executed: "maybe" },
      ),
    );
  }
}
