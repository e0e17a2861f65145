import { backoff } from "../../base/backoff.ts";
import { channels, type DeadLetterEvent } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError } from "../../base/error.ts";
import type { Broker, Delivery } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { DeadLetters } from "../dead-letters.ts";
import { laneOf } from "../hot-keys/placement.ts";
import type { FailureNote } from "../work.ts";
import { BlockedKeys } from "./blocked-keys.ts";
import { deadChannelOf, layoutOf, letterOf, provenanceOf } from "./letter.ts";
import { LetterLooks } from "./letter-looks.ts";
import { letterTerms, type LetterTerms } from "./letter-terms.ts";
import { redrivenOf, tellEnd } from "./redriven.ts";
import { Waits } from "./waits.ts";

/** Between tries of burying a message, in milliseconds. */
const again = { baseMs: 100, capMs: 5_000 };
/** After so many of its own a consumer asks the broker how many there are: others bury too. */
const countedEach = 100;

export interface ParkingParts {
  readonly broker: Broker;
  readonly channel: Channel;
  readonly group: string | undefined;
  /** Later messages of a dead one's key follow it. */
  readonly byKey: boolean;
  /** The process, as a letter names who gave it up. Default: nobody's name. */
  readonly by?: string;
  readonly letters?: LetterTerms;
  readonly env: Env;
}

interface Failures {
  readonly first: FailureNote;
  readonly last: FailureNote;
  readonly attempts: number;
}

/** Keeps what a consumer gives up in the group's channel of dead letters, and knows which keys wait there. */
export class Parking implements DeadLetters {
  readonly #parts: ParkingParts;
  readonly #terms: LetterTerms;
  readonly #dead: Channel;
  readonly #blocked = new BlockedKeys();
  readonly #looks: LetterLooks;
  readonly #waits: Waits;
  #declared: Promise<unknown> | undefined;
  /** Dead letters of the group, as far as is known; what others bury is counted now and then. */
  #count = 0;
  #uncounted = 0;
  /** Rises when a shard is lost: what is about to be buried of it looks whether it still may. */
  readonly #losses = new Map<string, number>();
  #fullTold = false;
  #closed = false;

  constructor(parts: ParkingParts) {
    this.#parts = parts;
    this.#terms = parts.letters ?? letterTerms({}, "park-key");
    this.#dead = deadChannelOf(parts.channel, parts.group);
    this.#looks = new LetterLooks(parts.broker, this.#dead, this.#blocked, parts.env);
    this.#waits = new Waits(parts.env);
  }

  async assigned(shard: string): Promise<void> {
    const { broker, byKey } = this.#parts;
    try {
      this.#declared ??= broker.declare([this.#dead]);
      this.#declared.catch(() => (this.#declared = undefined));
      await this.#declared;
      if (byKey && broker.capabilities.browse)
        this.#count = await this.#looks.look(shard, this.#terms.max);
      else await this.#countLetters();
    } catch (error) {
      this.#tell({ what: "unseen", reason: reasonOf(error) });
      throw error;
    }
  }

  blocks({ envelope }: Delivery): boolean {
    const key = this.#keyOf(envelope);
    if (key === undefined || !this.#blocked.has(key) || redrivenOf(envelope) !== undefined)
      return false;
    this.#looks.now(this.#terms.max);
    return true;
  }

  /** By what it is blocked; undefined: nothing follows it. */
  #keyOf(envelope: Envelope): string | undefined {
    return this.#parts.byKey ? laneOf(envelope) : undefined;
  }

  async bury(delivery: Delivery, failures: Failures): Promise<void> {
    const { env } = this.#parts;
    const { envelope, shard } = delivery;
    const losses = this.#losses.get(shard);
    const order = this.#orderOf(delivery);
    for (let failed = 0; ; failed++) {
      if (this.#closed || this.#losses.get(shard) !== losses) throw notBuried();
      const error = await this.#moved(delivery, failures, order);
      if (error === undefined) break;
      if (isTrunklineError(error) && error.gate === "fenced") throw error;
      if (failed === 0) this.#notBuried(envelope, error);
      await this.#waits.pause(backoff(failed, again, () => env.random()));
    }
    this.#tell({
      what: "buried",
      id: envelope.id,
      key: envelope.subject,
      reason: `${failures.last.why}: ${failures.last.code}`,
    });
    await tellEnd(envelope, "buried", this.#parts.broker, env);
    await this.#counted(this.#keyOf(envelope));
  }

  /** Its place among the dead letters; from now on its key is blocked. */
  #orderOf({ envelope, shard }: Delivery): number {
    const { env } = this.#parts;
    const key = this.#keyOf(envelope);
    const earlier = redrivenOf(envelope) === undefined ? undefined : provenanceOf(envelope)?.order;
    if (key === undefined) return earlier ?? env.wall();
    const known = this.#blocked.has(key);
    const order = this.#blocked.bury(key, shard, earlier, env.wall());
    if (!known) this.#tell({ what: "blocked", key });
    return order;
  }

  /** Tells when there are more than there should be. */
  async #counted(key: string | undefined): Promise<void> {
    const { perKeyMax, max } = this.#terms;
    const ofKey = key === undefined ? 0 : this.#blocked.letters(key);
    this.#count++;
    if (++this.#uncounted >= countedEach) await this.#countLetters();
    const reason =
      ofKey > perKeyMax
        ? `more than ${perKeyMax} dead letters of this key`
        : this.#count > max
          ? `more than ${max} dead letters of the group`
          : undefined;
    if (reason !== undefined && !this.#fullTold) this.#tell({ what: "full", key, reason });
    this.#fullTold = reason !== undefined;
  }

  async #countLetters(): Promise<void> {
    const { broker } = this.#parts;
    this.#uncounted = 0;
    if (!broker.capabilities.lag) return;
    try {
      this.#count = (await broker.lag(this.#dead, undefined)).waiting;
    } catch {
      // What was known before stands.
    }
  }

  /** Safe with the dead letters first, and only then gone from where it was. Resolves with what went wrong. */
  async #moved(delivery: Delivery, failures: Failures, order: number): Promise<unknown> {
    const { broker } = this.#parts;
    const letter = { channel: this.#dead, envelope: this.#letterOf(delivery, failures, order) };
    try {
      if (broker.capabilities.transactions) {
        await delivery.ack([letter]);
        return undefined;
      }
      const [receipt] = await broker.publish([letter]);
      if (receipt === undefined || isTrunklineError(receipt))
        return receipt ?? new TypeError("no receipt for a dead letter");
      await delivery.ack();
      return undefined;
    } catch (error) {
      return error ?? new TypeError("burying failed");
    }
  }

  #letterOf({ envelope, position, shard }: Delivery, failures: Failures, order: number): Envelope {
    const { channel, group = "", by = "", env } = this.#parts;
    const { expiresMs } = this.#terms;
    const earlier = redrivenOf(envelope) === undefined ? undefined : provenanceOf(envelope);
    const wall = env.wall();
    return letterOf(
      envelope,
      {
        channel: layoutOf(channel),
        group,
        by,
        position,
        shard,
        ...failures,
        first: earlier?.first ?? failures.first,
        diedAt: earlier?.diedAt ?? wall,
        buriedAt: wall,
        deaths: (earlier?.deaths ?? 0) + 1,
        order,
        inOrder: this.#keyOf(envelope) !== undefined,
        cut: earlier?.cut,
      },
      expiresMs === undefined ? undefined : wall + expiresMs,
    );
  }

  /** Its key waits meanwhile, and where no order is asked its place among those that run. */
  #notBuried({ id, subject: key }: Envelope, error: unknown): void {
    this.#tell({ what: "stopped", id, key, reason: `it cannot be buried: ${reasonOf(error)}` });
  }

  stopped({ envelope: { id, subject: key } }: Delivery, { why, code }: FailureNote): void {
    this.#tell({ what: "stopped", id, key, reason: `${why}: ${code}` });
  }

  handled({ envelope }: Delivery): void {
    if (redrivenOf(envelope) === undefined) return;
    const key = this.#keyOf(envelope);
    const { broker, env } = this.#parts;
    this.#count = Math.max(0, this.#count - 1);
    if (key !== undefined && this.#blocked.handled(key, orderOf(envelope)))
      this.#tell({ what: "freed", key });
    void tellEnd(envelope, "handled", broker, env);
  }

  lost(shard: string): void {
    this.#losses.set(shard, (this.#losses.get(shard) ?? 0) + 1);
  }

  blockedKeys(): readonly string[] {
    return this.#blocked.keys;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#waits.end();
    return Promise.resolve();
  }

  #tell(event: Pick<DeadLetterEvent, "what"> & Partial<DeadLetterEvent>): void {
    if (!channels.deadLetter.hasSubscribers) return;
    const { channel, group = "" } = this.#parts;
    channels.deadLetter.publish({ channel: channel.name, group, ...event });
  }
}

/** Up to which letter of its key a redriven message settles. */
function orderOf(envelope: Parameters<typeof redrivenOf>[0]): number {
  return Math.max(provenanceOf(envelope)?.order ?? 0, redrivenOf(envelope)?.upTo ?? 0);
}

function notBuried(): Error {
  return systemError("UNAVAILABLE", "the message belongs to somebody else, who gives it up", {
    executed: "maybe",
    gate: "fenced",
  });
}

function reasonOf(error: unknown): string {
  return isTrunklineError(error) ? error.reason : String(error);
}
