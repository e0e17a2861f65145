import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Broker, Delivery, Outgoing } from "../../broker/broker.ts";
import { channel, type Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { deadChannelOf } from "./letter.ts";
import { endIn, messageOf, redrivenFrom, type RedriveEnd } from "./redriven.ts";
import {
  inOrder,
  letterIn,
  sameMessage,
  sequenceOf,
  sequencesIn,
  type Letter,
  type LetterFilter,
} from "./sequence.ts";
import { Waits } from "./waits.ts";

/** What became of a letter. See `RedriveLetter`. */
export type Fate = "handled" | "redriven" | "buried" | "unanswered" | "refused";

export interface RedriveRunTerms {
  readonly broker: Broker;
  /** The channel whose consumers gave the letters up, and the group. */
  readonly name: string;
  readonly group: string | undefined;
  readonly where: LetterFilter;
  readonly by: string;
  readonly limit: number;
  readonly perSecond: number | undefined;
  readonly withinMs: number;
  readonly signal: AbortSignal | undefined;
  readonly env: Env;
  readonly tell: (letter: {
    readonly id: string;
    readonly key: string | undefined;
    readonly fate: Fate;
    readonly reason?: string | undefined;
  }) => void;
}

/** A letter in hand. */
interface Held extends Letter {
  readonly delivery: Delivery;
}

/** Letters have arrived when none has for so long, in milliseconds. */
const quietMs = 1_000;
/** After the last letter of a key those that followed it meanwhile are waited for as long as that. */
const followersMs = 500;
/** So many in a row of which nobody says what became of them: then nobody consumes, and no further key is tried. */
const unansweredMax = 3;
/** Sequences that are redriven at the same time. */
const sequencesMax = 64;

/** One redrive: takes all letters, sends those that are meant, and lets go of the others. */
export class RedriveRun {
  readonly #terms: RedriveRunTerms;
  readonly #bounds: { readonly expected: number; readonly lettersMax: number };
  readonly #dead: Channel;
  /** By sequence, in their order: those that are in hand and have not gone. */
  readonly #held = new Map<string, Held[]>();
  /** Messages that are on their way, and what became of them where that is known. */
  readonly #ends = new Map<string, RedriveEnd | undefined>();
  readonly #waits: Waits;
  #arrived = 0;
  #gone = 0;
  #unanswered = 0;
  #nextAt = 0;
  #replyTo = "";

  constructor(
    terms: RedriveRunTerms,
    bounds: { readonly expected: number; readonly lettersMax: number },
  ) {
    this.#terms = terms;
    this.#bounds = bounds;
    this.#dead = deadChannelOf(terms, terms.group);
    this.#waits = new Waits(terms.env);
  }

  async run(): Promise<void> {
    const { broker, signal } = this.#terms;
    const stop = (): void => this.#waits.end();
    signal?.addEventListener("abort", stop, { once: true });
    const box = await broker.replies({ name: undefined }, (report) => this.#heard(report));
    this.#replyTo = box.address;
    const prefetch = this.#bounds.lettersMax;
    try {
      const consumer = await broker.consume(
        { channel: this.#dead, group: undefined, prefetch, exclusive: true },
        (batch) => batch.forEach((delivery) => this.#take(delivery)),
      );
      try {
        await this.#all();
        await this.#drive();
      } finally {
        await consumer.close();
      }
    } finally {
      await box.close();
      signal?.removeEventListener("abort", stop);
    }
  }

  #take(delivery: Delivery): void {
    const { name, group } = this.#terms;
    this.#arrived++;
    const letter = letterIn(delivery.envelope, name, group);
    if (letter !== undefined) {
      const sequence = sequenceOf(letter);
      const held = this.#held.get(sequence) ?? [];
      const last = held.at(-1);
      held.push({ ...letter, delivery });
      if (last !== undefined && inOrder(last, letter) > 0) held.sort(inOrder);
      this.#held.set(sequence, held);
    }
    this.#waits.look();
  }

  /** Until all that was seen has come, or nothing comes any more. */
  async #all(): Promise<void> {
    while (this.#arrived < this.#bounds.expected && !this.#aborted) {
      const before = this.#arrived;
      await this.#waits.until(() => this.#arrived > before, quietMs);
      if (this.#arrived === before) return;
    }
  }

  async #drive(): Promise<void> {
    const meant = sequencesIn([...this.#held.values()].flat(), this.#terms.where);
    const names = meant.map(([first]) => sequenceOf(first!));
    const worker = async (): Promise<void> => {
      while (this.#unanswered < unansweredMax) {
        const name = names.shift();
        if (name === undefined) return;
        await this.#driveSequence(name);
      }
    };
    await Promise.all(Array.from({ length: sequencesMax }, worker));
  }

  async #driveSequence(name: string): Promise<void> {
    for (;;) {
      const [letter] = this.#held.get(name) ?? [];
      if (letter === undefined) return;
      if (this.#gone >= this.#terms.limit) return;
      this.#gone++;
      await this.#rate();
      if (this.#aborted) return;
      // Those that come from now on are not this message as it was, but as it has died again.
      const same = this.#held.get(name)!.filter((each) => sameMessage(each, letter));
      const { fate, reason } = await this.#send(letter, same);
      const { id, subject: key } = letter.envelope;
      this.#terms.tell({ id, key, fate, reason });
      this.#unanswered = fate === "unanswered" ? this.#unanswered + 1 : 0;
      if (fate === "unanswered" || fate === "refused") return;
      const rest = this.#held.get(name)!.filter((each) => !same.includes(each));
      this.#held.set(name, rest);
      if (fate === "buried" || !letter.provenance.inOrder) return;
      if (rest.length === 0)
        await this.#waits.until(() => this.#held.get(name)!.length > 0, followersMs);
    }
  }

  /** The message goes back, and only then its letters are taken away; in order when it is known what became of it. */
  async #send(
    letter: Held,
    same: readonly Held[],
  ): Promise<{ readonly fate: Fate; readonly reason?: string }> {
    const { broker } = this.#terms;
    const { inOrder: ordered } = letter.provenance;
    const message = messageOf(letter.envelope);
    const outgoing = this.#outgoing(letter, same, ordered);
    try {
      if (!ordered && broker.capabilities.transactions) {
        await letter.delivery.ack([outgoing]);
        await acked(same.slice(1));
        return { fate: "redriven" };
      }
      this.#ends.set(message, undefined);
      const [receipt] = await broker.publish([outgoing]);
      if (receipt === undefined || isTrunklineError(receipt))
        return { fate: "refused", reason: receipt?.reason ?? "no receipt came" };
      const end = ordered ? await this.#endOf(message) : "redriven";
      if (end === undefined)
        return { fate: "unanswered", reason: "nobody said in time what became of it" };
      await acked(same);
      return { fate: end };
    } catch (error) {
      return { fate: "refused", reason: isTrunklineError(error) ? error.reason : String(error) };
    } finally {
      this.#ends.delete(message);
    }
  }

  #outgoing({ envelope, provenance }: Held, same: readonly Held[], ordered: boolean): Outgoing {
    const { by, env } = this.#terms;
    const upTo = Math.max(...same.map((each) => each.provenance.order));
    const to = ordered ? this.#replyTo : undefined;
    const { group } = provenance;
    return {
      // Where its queue is gone the message must be refused: its letter stays then.
      channel: channel({ ...provenance.channel, mandatory: true }),
      envelope: redrivenFrom(envelope, { by, at: env.wall(), to, upTo }),
      to: group === "" ? undefined : group,
    };
  }

  /** Resolves with what became of it, or undefined when nobody says. */
  async #endOf(message: string): Promise<RedriveEnd | undefined> {
    const known = (): boolean => this.#ends.get(message) !== undefined;
    await this.#waits.until(known, this.#terms.withinMs);
    return this.#ends.get(message);
  }

  #heard(report: Envelope): void {
    const told = endIn(report);
    if (told === undefined || !this.#ends.has(told.message)) return;
    this.#ends.set(told.message, told.end);
    this.#waits.look();
  }

  get #aborted(): boolean {
    return this.#terms.signal?.aborted === true;
  }

  /** No more go in a second than are allowed. */
  async #rate(): Promise<void> {
    const { perSecond, env } = this.#terms;
    if (perSecond === undefined) return;
    const at = Math.max(this.#nextAt, env.now());
    this.#nextAt = at + 1_000 / perSecond;
    if (at > env.now()) await this.#waits.pause(at - env.now());
  }
}

/** Where that fails the letter stays, and its message may be done twice, which at least once allows. */
async function acked(letters: readonly Held[]): Promise<void> {
  await Promise.allSettled(letters.map(({ delivery }) => delivery.ack()));
}
