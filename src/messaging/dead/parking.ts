import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Broker, Delivery, Outgoing } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import type { DeadLetters } from "../dead-letters.ts";
import type { FailureNote } from "../work.ts";
import { deadChannelOf, letterOf, provenanceOf } from "./letter.ts";

/** Dead letters that are looked through for blocked keys when a shard comes. */
const lettersMax = 10_000;

export interface ParkingParts {
  readonly broker: Broker;
  readonly channel: Channel;
  readonly group: string | undefined;
  /** Later messages of a dead one's key follow it. */
  readonly byKey: boolean;
  readonly env: Env;
}

/** Keeps what a consumer gives up in the group's channel of dead letters. */
export class Parking implements DeadLetters {
  readonly #parts: ParkingParts;
  readonly #dead: Channel;
  /** Keys with a dead letter, and the order of the last one. */
  readonly #blocked = new Map<string, number>();
  #declared: Promise<unknown> | undefined;

  constructor(parts: ParkingParts) {
    this.#parts = parts;
    this.#dead = deadChannelOf(parts.channel, parts.group);
  }

  async assigned(_shard: string): Promise<void> {
    const { broker, byKey } = this.#parts;
    this.#declared ??= broker.declare([this.#dead]);
    this.#declared.catch(() => (this.#declared = undefined));
    await this.#declared;
    if (!byKey || !broker.capabilities.browse) return;
    for (const letter of await broker.browse(this.#dead, undefined, lettersMax)) {
      const order = provenanceOf(letter)?.order ?? 0;
      const { subject } = letter;
      if (subject !== undefined)
        this.#blocked.set(subject, Math.max(order, this.#blocked.get(subject) ?? 0));
    }
  }

  blocks({ envelope }: Delivery): boolean {
    const { subject, attributes } = envelope;
    if (!this.#parts.byKey || subject === undefined) return false;
    return this.#blocked.has(subject) && attributes[attribute.redriven] === undefined;
  }

  async bury(
    delivery: Delivery,
    failures: {
      readonly first: FailureNote;
      readonly last: FailureNote;
      readonly attempts: number;
    },
  ): Promise<void> {
    const { broker, channel, group, env, byKey } = this.#parts;
    const { envelope } = delivery;
    const { subject } = envelope;
    const known = subject === undefined ? 0 : (this.#blocked.get(subject) ?? 0);
    const earlier = provenanceOf(envelope);
    const order = earlier?.order ?? known + 1;
    const letter: Outgoing = {
      channel: this.#dead,
      envelope: letterOf(envelope, {
        channel: channel.name,
        group: group ?? "",
        ...failures,
        diedAt: earlier?.diedAt ?? env.wall(),
        order,
      }),
    };
    if (byKey && subject !== undefined) this.#blocked.set(subject, Math.max(order, known));
    if (broker.capabilities.transactions) return delivery.ack([letter]);
    // Safe with the dead letters first, and only then gone from where it was.
    const [receipt] = await broker.publish([letter]);
    if (receipt === undefined || isTrunklineError(receipt))
      throw receipt ?? new TypeError("no receipt for a dead letter");
    await delivery.ack();
  }

  handled(_delivery: Delivery): void {}

  blockedKeys(): readonly string[] {
    return [...this.#blocked.keys()];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
