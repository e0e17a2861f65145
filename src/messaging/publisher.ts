import { sleep } from "../base/alarm.ts";
import { backoff } from "../base/backoff.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import { Alarm } from "../base/timer-wheel.ts";
import type { Broker, Outgoing, Receipt } from "../broker/broker.ts";
import type { Channel } from "../broker/channel.ts";
import { batchBounds, Collector, type BatchBounds } from "./batches/collector.ts";

/** Messages on their way to one broker, past which further ones are refused: their makers must wait for receipts. */
const outstandingMax = 10_000;
/** What is published in one turn goes to the broker in batches of so many messages at most, unless a channel says otherwise. */
const ofOneTurn = batchBounds({ count: 512 });

/** What may or may not be there is published again so often at most; its deadline is sooner over. */
const triesMax = 100;
/** Between those tries. */
const pauses = { baseMs: 50, capMs: 2_000 };

/** One message and who waits for its receipt. */
class Pending extends Alarm {
  readonly outgoing: Outgoing;
  readonly promise: Promise<Receipt>;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (receipt: Receipt) => void;
  readonly #reject: (error: unknown) => void;
  readonly #env: Env;
  readonly #abort = (): void => this.#giveUp();
  /** It was handed to the broker. */
  sent = false;
  settled = false;
  /** Its place among all that was given. */
  readonly order: number;
  /** How often it was published again. */
  tries = 0;

  constructor(
    outgoing: Outgoing,
    order: number,
    deadlineAt: number,
    signal: AbortSignal | undefined,
    env: Env,
  ) {
    super();
    this.outgoing = outgoing;
    this.order = order;
    this.#signal = signal;
    this.#env = env;
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    if (deadlineAt < Infinity) env.set(this, deadlineAt);
    if (signal?.aborted === true) this.#giveUp();
    else signal?.addEventListener("abort", this.#abort, { once: true });
  }

  ring(): void {
    const executed = this.sent ? "maybe" : "no";
    this.settle(
      systemError("DEADLINE_EXCEEDED", "no receipt came in time", {
        executed,
        advice: this.sent
          ? "publish it again with the same id: consumers recognise it"
          : "the broker takes no more at the moment",
      }),
    );
  }

  #giveUp(): void {
    const executed = this.sent ? "maybe" : "no";
    const cause: unknown = this.#signal?.reason;
    this.settle(systemError("CANCELLED", "its receipt is not waited for", { executed, cause }));
  }

  settle(outcome: Receipt | TrunklineError): void {
    if (this.settled) return;
    this.settled = true;
    this.#env.clear(this);
    this.#signal?.removeEventListener("abort", this.#abort);
    if (isTrunklineError(outcome)) this.#reject(outcome);
    else this.#resolve(outcome);
  }
}

/**
 * Publishes what is given to it in one turn in as few batches as may be, in the order in which it was given. A channel for which
 * `boundsOf` says something has batches of its own.
 */
export class Publisher {
  readonly #broker: Broker;
  readonly #env: Env;
  readonly #boundsOf: (channel: Channel) => BatchBounds | undefined;
  readonly #together: Collector<Pending>;
  readonly #apart = new Map<Channel, Collector<Pending>>();
  #outstanding = 0;
  #order = 0;
  /** Batches that the broker has. */
  #batches = 0;
  /** Those that may or may not be there, and those that were given after them. */
  #again: Pending[] = [];
  #behind: Pending[] = [];
  #failures = 0;
  /** Those that would know when everything has its receipt. */
  #idle: (() => void)[] = [];

  constructor(
    broker: Broker,
    env: Env,
    boundsOf: (channel: Channel) => BatchBounds | undefined = () => undefined,
  ) {
    this.#broker = broker;
    this.#env = env;
    this.#boundsOf = boundsOf;
    this.#together = this.#collector(ofOneTurn);
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  /** Resolves with its receipt. Rejects with the broker's error; or when `deadlineAt` of the clock is over, or the signal aborts. */
  async publish(outgoing: Outgoing, deadlineAt: number, signal?: AbortSignal): Promise<Receipt> {
    if (this.#outstanding >= outstandingMax) throw tooMany(this.#broker);
    this.#outstanding++;
    const pending = new Pending(outgoing, this.#order++, deadlineAt, signal, this.#env);
    this.#collectorOf(outgoing.channel).add(pending, outgoing.envelope.data.byteLength);
    try {
      return await pending.promise;
    } finally {
      if (--this.#outstanding === 0) this.#idle.splice(0).forEach((tell) => tell());
    }
  }

  /** Resolves when nothing is on its way; what waits for company goes at once. */
  async settled(): Promise<void> {
    if (this.#outstanding === 0) return;
    for (const collector of [this.#together, ...this.#apart.values()]) collector.flush();
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #collectorOf(channel: Channel): Collector<Pending> {
    const bounds = this.#boundsOf(channel);
    if (bounds === undefined) return this.#together;
    let own = this.#apart.get(channel);
    if (own === undefined) this.#apart.set(channel, (own = this.#collector(bounds)));
    return own;
  }

  #collector(bounds: BatchBounds): Collector<Pending> {
    return new Collector(bounds, this.#env, (batch) => this.#send(batch));
  }

  /** While some must be published again, those behind them wait: they may be of the same key. */
  #send(batch: readonly Pending[]): void {
    if (this.#again.length > 0) this.#behind.push(...batch);
    else void this.#try(batch);
  }

  async #try(complete: readonly Pending[]): Promise<void> {
    const batch = complete.filter(({ settled }) => !settled);
    if (batch.length === 0) return;
    this.#batches++;
    const outcomes = await this.#outcomes(batch);
    this.#batches--;
    batch.forEach((pending, index) => {
      const outcome = outcomes[index] ?? missing();
      if (isPassing(outcome, pending)) this.#again.push(pending);
      else pending.settle(outcome);
    });
    if (this.#again.length === 0) this.#failures = 0;
    else if (this.#batches === 0) await this.#recover();
  }

  /** Publishes once more, under their ids, what may or may not be there, in the order in which it was given; then what waits behind it. */
  async #recover(): Promise<void> {
    const pause = backoff(this.#failures++, pauses, () => this.#env.random());
    await sleep(this.#env, pause);
    const batch = [...this.#again.toSorted((a, b) => a.order - b.order), ...this.#behind];
    this.#again = [];
    this.#behind = [];
    for (const pending of batch) pending.tries++;
    await this.#try(batch);
  }

  async #outcomes(
    batch: readonly Pending[],
  ): Promise<readonly (Receipt | TrunklineError | undefined)[]> {
    for (const pending of batch) pending.sent = true;
    try {
      return await this.#broker.publish(batch.map(({ outgoing }) => outgoing));
    } catch (error) {
      const told = isTrunklineError(error)
        ? error
        : systemError("INTERNAL", "the broker's adapter failed", {
            executed: "maybe",
            cause: error,
          });
      return batch.map(() => told);
    }
  }
}

/**
 * It may be there, and may be published again: those who consume recognise it by its id; or it is not there, and the broker's adapter
 * says that it will not take long until it can be.
 */
function isPassing(
  outcome: Receipt | TrunklineError,
  { outgoing, settled, tries }: Pending,
): boolean {
  if (settled || tries >= triesMax || !isTrunklineError(outcome)) return false;
  if (outcome.code !== "UNAVAILABLE") return false;
  if (outcome.executed === "no") return typeof outcome.retryAfterMs === "number";
  return outcome.executed === "maybe" && outgoing.channel.guarantee !== "at-most-once";
}

function missing(): TrunklineError {
  return systemError("INTERNAL", "the broker gave no receipt", { executed: "maybe" });
}

function tooMany({ address }: Broker): TrunklineError {
  return systemError(
    "RESOURCE_EXHAUSTED",
    `${outstandingMax} messages wait for their receipts already`,
    {
      executed: "no",
      endpoint: address,
      advice: "await receipts before publishing more",
    },
  );
}
