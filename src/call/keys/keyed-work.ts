import { hash } from "node:crypto";
import type { Env } from "../../base/env.ts";
import type { TrunklineError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Peer } from "../../base/peer.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import { endingOf, replayed } from "./endings.ts";
import { Joined, Running } from "./running.ts";
import { otherInput, type Doing, type Work } from "./work.ts";

/**
 * Work of one operation under keys: it runs once for each, and whoever comes with the same key gets the same answer, joining the
 * work while it runs. It is given up when all have who waited for it, but not because a connection was lost: who asked may
 * come back for the answer.
 */
export class KeyedWork {
  readonly #doing: Doing;
  readonly #operation: Operation;
  readonly #env: Env;
  /** By key; as many as there are requests that run. */
  readonly #running = new Map<string, Running>();

  constructor(doing: Doing, operation: Operation, env: Env) {
    this.#doing = doing;
    this.#operation = operation;
    this.#env = env;
  }

  get transactional(): string | undefined {
    return this.#doing.transactional;
  }

  /** Who runs a handler himself, by `around`, knows repetitions himself. */
  takes({ idempotencyKey, around }: Incoming): boolean {
    return (
      around === undefined && (this.transactional !== undefined || idempotencyKey !== undefined)
    );
  }

  /** `first` is the input as it came. Rejects with TrunklineErrors only, whose `executed` is final. */
  async run(first: unknown, incoming: Incoming, work: Work): Promise<unknown> {
    return this.#run(this.#keyOf(incoming), this.#digest(first), incoming, work);
  }

  async #run(key: string, input: string, incoming: Incoming, work: Work): Promise<unknown> {
    const before = this.#running.get(key);
    if (before !== undefined) {
      if (before.input !== input) throw otherInput();
      return this.#join(before, key, incoming, work);
    }
    const running = new Running(input, this.#env);
    this.#running.set(key, running);
    running.joined();
    running.outcome = this.#doing.run(key, running, incoming, work);
    incoming.bind({ cancel: (reason) => running.left(reason) });
    const ended = (): void => void this.#running.delete(key);
    running.outcome.then(ended, ended);
    return running.outcome;
  }

  async #join(running: Running, key: string, incoming: Incoming, work: Work): Promise<unknown> {
    const joined = new Joined(running, incoming, this.#env);
    try {
      return await joined.outcome;
    } catch (failure) {
      const error = failure as TrunklineError;
      if (!joined.over) throw error;
      // Nobody waited for the first one any more: it is this one's turn, whose time is not over.
      if (neverBegan(error)) return this.#run(key, running.input, incoming, work);
      const ending = endingOf(error);
      // What was given up before somebody came back for it has come nobody knows how far.
      if (ending?.kind === "unknown") return replayed(ending, this.#operation);
      throw error;
    }
  }

  /** Gives up all that runs. */
  cut(): void {
    for (const running of this.#running.values()) running.cut();
  }

  /** Who gives no key gets one of his own: by it is known whether his work was done. */
  #keyOf({ idempotencyKey = uuidv7(this.#env), peer }: Incoming): string {
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
}

/** A key is known to who has shown who he is; others share what they know. */
function whoIs({ certificate }: Peer): string {
  return certificate === undefined ? "" : certificate.subject;
}

function neverBegan({ code, executed }: TrunklineError): boolean {
  return executed === "no" && (code === "CANCELLED" || code === "DEADLINE_EXCEEDED");
}
