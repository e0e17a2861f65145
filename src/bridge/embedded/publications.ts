import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { isSystemCode, type Executed } from "../../base/outcome.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Broker, Outgoing, Receipt } from "../../broker/broker.ts";
import { waitingMax } from "./bounds.ts";

type Outcome = Receipt | TrunklineError;

/** After that long somebody may have the folder, in milliseconds. */
const reachableMs = 1_000;

/** What was published in one call. */
interface Publication {
  readonly messages: readonly Outgoing[];
  readonly deadlineAt: number;
  /** Of each message, at its index; undefined: it has none yet. */
  readonly outcomes: (Outcome | undefined)[];
  /** An owner that is gone by now may have them. */
  perhaps: boolean;
  resolve(outcomes: readonly Outcome[]): void;
}

/** Where publications go under one owner. */
export interface Outgo {
  readonly broker: Broker;
  /** True from when the owner is gone: what it has not confirmed goes to the next one. */
  readonly over: boolean;
}

/**
 * What was published and has no receipt yet, in its order, under all owners: what one owner has not confirmed is published again
 * to the next one, under the same ids, before anything younger. The broker knows the ids again, so that all is there once.
 */
export class Publications extends Alarm {
  readonly #waitMs: number;
  readonly #env: Env;
  /** Why there is no owner, for those whose time is over. */
  readonly #problem: () => Promise<TrunklineError>;
  readonly #open = new Set<Publication>();
  #outgo: Outgo | undefined;
  /** Nothing more is sent to this owner. */
  #held = true;
  /** Publications that this owner has. */
  #underWay = 0;
  #idle: (() => void)[] = [];

  constructor(waitMs: number, problem: () => Promise<TrunklineError>, env: Env) {
    super();
    this.#waitMs = waitMs;
    this.#problem = problem;
    this.#env = env;
  }

  publish(messages: readonly Outgoing[]): Promise<readonly Outcome[]> {
    if (this.#held && this.#waiting() + messages.length > waitingMax)
      return Promise.resolve(messages.map(() => tooMany()));
    return new Promise((resolve) => {
      const deadlineAt = this.#env.now() + this.#waitMs;
      const publication = { messages, deadlineAt, outcomes: [], perhaps: false, resolve };
      this.#open.add(publication);
      if (this.#held) this.#watch();
      else this.#send(publication);
    });
  }

  /** There is an owner, and what the one before had is settled: it gets what was published before, and then what is. */
  begin(outgo: Outgo): void {
    this.#outgo = outgo;
    this.#held = false;
    this.#env.clear(this);
    for (const each of this.#open) this.#send(each);
  }

  /** Sends nothing more to this owner; resolves when what was sent has its receipts. */
  async rest(): Promise<void> {
    this.#held = true;
    this.#watch();
    while (this.#underWay > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Resolves when everything has its receipt, or its time is over. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #waiting(): number {
    let count = 0;
    for (const { messages } of this.#open) count += messages.length;
    return count;
  }

  #send(publication: Publication): void {
    const outgo = this.#outgo!;
    const { messages, outcomes } = publication;
    const missing =
      outcomes.length === 0
        ? messages
        : messages.filter((_, index) => outcomes[index] === undefined);
    this.#underWay++;
    const failed = (error: unknown): TrunklineError[] => {
      const failure = isTrunklineError(error) ? error : unexpected(error);
      return missing.map(() => failure);
    };
    void outgo.broker
      .publish(missing)
      .catch(failed)
      .then((told) =>
        missing === messages && told.every(isReceipt)
          ? this.#confirmed(publication, told)
          : this.#told(publication, outgo, told),
      );
  }

  /** All of them at once: nearly always. */
  #confirmed(publication: Publication, receipts: readonly Outcome[]): void {
    this.#underWay--;
    this.#open.delete(publication);
    publication.resolve(receipts);
    if (this.#held) this.#watch();
    if (this.#idle.length > 0) this.#wake();
  }

  async #told(publication: Publication, outgo: Outgo, told: readonly Outcome[]): Promise<void> {
    // That its owner is gone may be heard a little later than what came of it.
    if (!outgo.over && told.some(isLost)) await new Promise<void>((done) => this.#env.yield(done));
    const { messages, outcomes, perhaps } = publication;
    let next = 0;
    let complete = true;
    for (const index of messages.keys()) {
      if (outcomes[index] !== undefined) continue;
      const outcome = told[next++]!;
      if (!outgo.over || !isLost(outcome))
        outcomes[index] = perhaps ? possiblyThere(outcome) : outcome;
      else {
        complete = false;
        publication.perhaps ||= (outcome as TrunklineError).executed !== "no";
      }
    }
    this.#underWay--;
    if (complete) await this.#settle(publication);
    if (this.#held) this.#watch();
    this.#wake();
  }

  async #settle(publication: Publication): Promise<void> {
    const { outcomes, resolve } = publication;
    this.#open.delete(publication);
    if (!outcomes.some(isLate)) return resolve(outcomes as Outcome[]);
    const problem = await this.#problem();
    resolve(outcomes.map((each) => (isLate(each) ? late(problem, each.executed) : each!)));
  }

  #wake(): void {
    for (const wake of this.#idle.splice(0)) wake();
  }

  /** Those that wait longest come first: all wait equally long. */
  #watch(): void {
    const [first] = this.#open;
    if (first === undefined) this.#env.clear(this);
    else this.#env.set(this, first.deadlineAt);
  }

  /** Only while nothing is sent: what an owner has, it has its own time for. */
  ring(): void {
    const now = this.#env.now();
    if (!this.#held || this.#underWay > 0) return;
    for (const each of this.#open) {
      if (each.deadlineAt > now) break;
      void this.#expire(each);
    }
    this.#watch();
  }

  async #expire(publication: Publication): Promise<void> {
    this.#open.delete(publication);
    const failure = late(await this.#problem(), publication.perhaps ? "maybe" : "no");
    const { messages, outcomes, resolve } = publication;
    resolve(messages.map((_, index) => outcomes[index] ?? failure));
    this.#wake();
  }
}

function isReceipt(outcome: Outcome): outcome is Receipt {
  return "enqueued" in outcome;
}

/** With an owner that is gone, this says nothing: the next one is asked. */
function isLost(outcome: Outcome): boolean {
  if (!isTrunklineError(outcome)) return false;
  return (
    outcome.executed === "maybe" || outcome.code === "UNAVAILABLE" || outcome.code === "CANCELLED"
  );
}

/** The owner that has it did not answer in time. */
function isLate(outcome: Outcome | undefined): outcome is TrunklineError {
  return isTrunklineError(outcome) && outcome.code === "DEADLINE_EXCEEDED";
}

/** Why there is no receipt after all that time. */
function late({ code, reason, advice }: TrunklineError, executed: Executed): TrunklineError {
  const told = isSystemCode(code) ? code : "UNAVAILABLE";
  // Nobody has the folder now: that passes, other than that nobody is there for a message.
  const retryAfterMs = told === "UNAVAILABLE" && executed === "no" ? reachableMs : undefined;
  return systemError(told, reason, { executed, advice, retryAfterMs });
}

/** Refused by this owner, and perhaps taken by the one before. */
function possiblyThere(outcome: Outcome): Outcome {
  if (!isTrunklineError(outcome) || outcome.executed !== "no") return outcome;
  const { code, reason, advice, gate, endpoint } = outcome;
  const told = { executed: "maybe", advice, gate, endpoint, cause: outcome } as const;
  return systemError(isSystemCode(code) ? code : "INTERNAL", reason, told);
}

function unexpected(cause: unknown): TrunklineError {
  return systemError("INTERNAL", "messages could not be published", { executed: "maybe", cause });
}

function tooMany(): TrunklineError {
  return systemError("RESOURCE_EXHAUSTED", `${waitingMax} messages wait for the next owner`, {
    executed: "no",
    advice: "wait for receipts before you publish more",
  });
}
