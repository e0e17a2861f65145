import { alarmAt } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { ReplyBox, ReplyTerms } from "../../broker/broker.ts";
import { transientAddress } from "../../broker/embedded/port/reply-boxes.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { knownRepliesMax, overlapMs } from "../broker/bounds.ts";
import { againWaits } from "./bounds.ts";
import type { LifeSeat } from "./life.ts";

/** A reply box of a folder's broker, under all its owners: it keeps its address, and what it has heard it hears no second time. */
export class FileBox implements ReplyBox {
  readonly #terms: ReplyTerms;
  readonly #heard: (envelope: Envelope) => void;
  readonly #left: (box: FileBox) => void;
  readonly #env: Env;
  /** Replies that it has heard lately, the oldest first. */
  readonly #known = new Set<string>();
  /** From where on a durable one is read. */
  #since: number | undefined;
  #address: string | undefined;
  #box: ReplyBox | undefined;
  #seat: LifeSeat | undefined;
  #again: Alarm | undefined;
  #closed = false;

  constructor(
    terms: ReplyTerms,
    heard: (envelope: Envelope) => void,
    left: (box: FileBox) => void,
    env: Env,
  ) {
    this.#terms = terms;
    this.#since = terms.since;
    this.#heard = heard;
    this.#left = left;
    this.#env = env;
    if (terms.name === undefined) this.#address = transientAddress(env);
  }

  get address(): string {
    return this.#address!;
  }

  /** Opens it at an owner. Rejects with what the owner says. */
  async begin(seat: LifeSeat): Promise<void> {
    this.#seat = seat;
    const { name } = this.#terms;
    const since = this.#since;
    const terms = { name, ...(name === undefined || since === undefined ? {} : { since }) };
    const opened = this.#env.wall();
    const box = await seat.openReplies(terms, (envelope) => this.#take(envelope), this.#address);
    if (this.#seat !== seat || this.#closed) return box.close();
    this.#since ??= opened;
    this.#address = box.address;
    this.#box = box;
  }

  /** The same, until it succeeds, or that owner is gone. */
  beginAgain(seat: LifeSeat, failures: number = 0): void {
    this.begin(seat).catch(() => {
      if (this.#closed || seat.over || this.#seat !== seat) return;
      const waitMs = backoff(failures, againWaits, () => this.#env.random());
      const again = (): void => this.beginAgain(seat, failures + 1);
      this.#again = alarmAt(this.#env, this.#env.now() + waitMs, again);
    });
  }

  /** That owner is gone. */
  over(): void {
    this.#seat = undefined;
    const box = this.#box;
    this.#box = undefined;
    void box?.close().catch(() => undefined); // nobody is there any more to hear it
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#again !== undefined) this.#env.clear(this.#again);
    this.#left(this);
    await this.#box?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #take(envelope: Envelope): void {
    const { id } = envelope;
    if (this.#closed || this.#known.has(id)) return;
    this.#since = this.#env.wall() - overlapMs;
    this.#known.add(id);
    if (this.#known.size > knownRepliesMax) this.#known.delete(this.#known.values().next().value!);
    this.#heard(envelope);
  }
}
