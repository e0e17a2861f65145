import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { parcelBytesMax, parcelMessagesMax } from "./bounds.ts";
import type { Taken } from "./contract.ts";
import type { Neighbour } from "./neighbour.ts";
import type { Pending, Times } from "./pending.ts";
import type { Placed } from "./roster.ts";

export interface LinkTerms {
  readonly to: Placed;
  /** The id of this publisher. */
  readonly publisher: string;
  readonly neighbour: () => Neighbour;
  /**
   * Hears, in their order, of those that the consumer certainly has not and may not be asked for again; `suspect`: its process
   * does not answer.
   */
  readonly returned: (messages: readonly Pending[], suspect: boolean) => void;
}

/**
 * The way from this publisher to one consumer: one parcel at a time, so that messages come in the order in which they were
 * given, and what gathers meanwhile goes together. A parcel is answered when all of it is in the consumer's memory: who is slow
 * to take holds up who sends.
 */
export class Link {
  readonly to: Placed;
  readonly #terms: LinkTerms;
  readonly #env: Env;
  readonly #queue = new Set<Pending>();
  #sent: readonly Pending[] = [];
  /** What the consumer had when it answered last. */
  #told = 0;
  #running = false;
  #idle: (() => void)[] = [];

  constructor(terms: LinkTerms, env: Env) {
    this.to = terms.to;
    this.#terms = terms;
    this.#env = env;
  }

  /** Messages that are on their way to it, or there, as far as is known. */
  get load(): number {
    return this.#queue.size + this.#sent.length + this.#told;
  }

  get busy(): boolean {
    return this.#running;
  }

  push(message: Pending): void {
    message.moveTo(this.#queue);
    if (this.#running) return;
    this.#running = true;
    // What is published in one turn goes together.
    this.#env.defer(() => void this.#run());
  }

  /** Resolves when nothing of the shard is under way or waits here. */
  async idleOf(shard: string): Promise<void> {
    const here = (): boolean =>
      [...this.#queue, ...this.#sent].some((message) => message.shard === shard);
    while (here()) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #run(): Promise<void> {
    while (this.#queue.size > 0) {
      const parcel = this.#next();
      this.#sent = parcel;
      for (const message of parcel) message.moveTo(undefined);
      const result = await this.#send(parcel, parcel[0]!.times);
      this.#sent = [];
      if (isTrunklineError(result)) this.#failed(parcel, result);
      else this.#answered(parcel, result);
      this.#tellIdle();
    }
    this.#running = false;
    this.#tellIdle();
  }

  /** Nobody waits for long: where there is nobody to send them to, that is soon known. */
  #tellIdle(): void {
    for (const idle of this.#idle.splice(0)) idle();
  }

  /** As many as may go together, at least one. */
  #next(): Pending[] {
    const parcel: Pending[] = [];
    let bytes = 0;
    for (const message of this.#queue) {
      bytes += message.bytes;
      if (parcel.length > 0 && bytes > parcelBytesMax) break;
      parcel.push(message);
      if (parcel.length === parcelMessagesMax) break;
    }
    return parcel;
  }

  /** For as long as the first of them has: it has the least. */
  async #send(
    messages: readonly Pending[],
    { sendBy, deadlineAt }: Times,
  ): Promise<Taken | TrunklineError> {
    const { to, publisher, neighbour } = this.#terms;
    const now = this.#env.now();
    const patienceMs = Math.max(0, sendBy - now);
    try {
      const parcel = { to: to.consumer, from: publisher, patienceMs, messages };
      return await neighbour().deliver(parcel, Math.max(0, deadlineAt - now));
    } catch (error) {
      if (isTrunklineError(error)) return error;
      return systemError("INTERNAL", "a parcel could not be sent", {
        executed: "no",
        cause: error,
      });
    }
  }

  #answered(parcel: readonly Pending[], { taken, why, load }: Taken): void {
    this.#told = load;
    for (const message of parcel.slice(0, taken)) message.settle("taken");
    const rest = parcel.slice(taken);
    if (rest.length === 0) return;
    switch (why) {
      case "full":
        for (const message of rest) message.settle(full(message));
        return;
      case "late":
        this.#putBack(rest);
        return;
      default:
        this.#giveBack(rest, false, undefined);
    }
  }

  #failed(parcel: readonly Pending[], error: TrunklineError): void {
    this.#told = 0;
    const unreachable = error.code === "UNAVAILABLE" || error.code === "DEADLINE_EXCEEDED";
    if (error.executed === "no" && unreachable) return this.#giveBack(parcel, true, error);
    for (const message of parcel) message.settle(error);
    // Those that have not left may still go elsewhere.
    if (unreachable) this.#giveBack([], true, error);
  }

  /** Before those that came later; whose time is over meanwhile is told so. */
  #putBack(rest: readonly Pending[]): void {
    const later = [...this.#queue];
    for (const message of [...rest, ...later]) message.moveTo(this.#queue);
    for (const message of rest)
      if (message.times.sendBy <= Math.max(this.#env.now(), rest[0]!.times.sendBy))
        message.expire();
  }

  /** Gives back what waits here too. */
  #giveBack(first: readonly Pending[], suspect: boolean, why: TrunklineError | undefined): void {
    const all = [...first, ...this.#queue];
    for (const message of all) {
      message.moveTo(undefined);
      message.tried.add(this.to.consumer);
      message.problem = why ?? message.problem;
    }
    this.#terms.returned(all, suspect);
  }
}

function full({ aim }: Pending): TrunklineError {
  return systemError("RESOURCE_EXHAUSTED", `a consumer of ${aim.channel} has as much as it may`, {
    executed: "no",
    gate: "length",
  });
}
