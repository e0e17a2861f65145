import { systemError, type TrunklineError } from "../../base/error.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { sendPart } from "./bounds.ts";
import type { ParcelMessage } from "./parcel.ts";

/** Whom a message is for. */
export interface Aim {
  readonly channel: string;
  readonly shape: "queue" | "topic";
  /** The group, of which one member gets it. Undefined: the one consumer below. */
  readonly group: string | undefined;
  readonly consumer: string | undefined;
  /** Into how many parts the channel is divided. */
  readonly shards: number;
  /** Those of one shard go one after the other. Undefined: they need not. */
  readonly shard: number | undefined;
}

/** Instants of `env.now()`. */
export interface Times {
  /** From then on it is not sent any more, and no consumer waits for room for it. */
  readonly sendBy: number;
  /** From then on nobody waits for its receipt any more: it may be there. */
  readonly deadlineAt: number;
}

/** So that who was asked in time can still answer. */
export function timesOf(now: number, waitMs: number): Times {
  return { sendBy: now + waitMs * sendPart, deadlineAt: now + waitMs };
}

/** What became of it. `nobody`: it left nothing behind, because nobody is there. */
export type Outcome = "taken" | "nobody" | TrunklineError;

/** One message on its way to one consumer of those who may have it. */
export class Pending implements ParcelMessage {
  readonly envelope: Envelope;
  readonly attempt: number;
  readonly shard: string | undefined;
  readonly aim: Aim;
  readonly bytes: number;
  readonly times: Times;
  /** Where it waits; undefined while it is under way, and when it is done. */
  home: Set<Pending> | undefined;
  /** Hears that the consumer to whom it was sent has it, or may have. */
  left: (() => void) | undefined;
  /** Consumers that did not have it, so that none is asked twice. */
  readonly tried: Set<string> = new Set();
  /** What the last of them said. */
  problem: TrunklineError | undefined;
  readonly #done: (outcome: Outcome) => void;
  #over = false;

  constructor(
    envelope: Envelope,
    aim: Aim,
    attempt: number,
    times: Times,
    done: (outcome: Outcome) => void,
  ) {
    this.envelope = envelope;
    this.aim = aim;
    this.attempt = attempt;
    this.shard = aim.shard === undefined ? undefined : String(aim.shard);
    this.bytes = bytesOf(envelope);
    this.times = times;
    this.#done = done;
  }

  get over(): boolean {
    return this.#over;
  }

  moveTo(home: Set<Pending> | undefined): void {
    this.home?.delete(this);
    this.home = home;
    home?.add(this);
  }

  settle(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.moveTo(undefined);
    if (outcome === "taken" || (outcome !== "nobody" && outcome.executed !== "no")) this.left?.();
    this.#done(outcome);
  }

  /** Its time is over: it has not been sent, or the answer to that will tell. */
  expire(): void {
    if (this.home === undefined) return;
    const cause = this.problem;
    this.settle(
      systemError("DEADLINE_EXCEEDED", `${this.aim.channel} took no more in time`, {
        executed: "no",
        gate: "backpressure",
        ...(cause === undefined ? {} : { cause }),
        advice: "the consumers are slower than those who publish: add some, or publish less",
      }),
    );
  }
}

/** What a message comes to, its attributes included. */
export function bytesOf({ id, type, source, subject, attributes, data }: Envelope): number {
  const texts = [id, type, source, subject ?? "", ...Object.entries(attributes).flat()];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), data.byteLength);
}
