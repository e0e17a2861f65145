import type { Env } from "../../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import type { Outgoing, Receipt } from "../../broker.ts";
import type { Channel } from "../../channel.ts";
import { attributeBytesMax, shardKeyOf, type Envelope } from "../../envelope.ts";
import type { RecentlyPublished } from "../recently-published.ts";
import type { Published, VirtualHost } from "../virtual-host.ts";
import { EventMessage, type MessagePlace } from "./event-message.ts";
import { isKept, isTransient, logOf, targetOf } from "./layout.ts";
import type { Places } from "./places.ts";
import { translated } from "./refused.ts";
import type { Room } from "./room.ts";
import type { Safety } from "./safety.ts";

/** Messages of one user that wait for room; more are refused. */
const waitingMax = 100_000;

type Outcome = Receipt | TrunklineError;

export interface PublishingTerms {
  readonly host: VirtualHost;
  readonly recent: RecentlyPublished;
  readonly places: Places;
  readonly room: Room;
  readonly safety: Safety;
  readonly env: Env;
  readonly address: string;
  readonly bytesMax: number;
  /** How long a message waits for room, in milliseconds. */
  readonly blockedMs: number;
}

/** Takes messages of one user in their order, as fast as the storage takes them. */
export class Publishing {
  readonly #terms: PublishingTerms;
  /** Those that wait for room, one after the other. */
  #behind: Promise<void> | undefined;
  #waiting = 0;
  /** Something of what is being noted has to be waited for. */
  #written = false;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #givenUp = Promise.withResolvers<false>();

  constructor(terms: PublishingTerms) {
    this.#terms = terms;
  }

  publish(messages: readonly Outgoing[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const safe = this.#behind === undefined ? this.#note(messages, outcomes) : undefined;
    return outcomes.length === messages.length
      ? this.#received(outcomes, safe)
      : this.#later(messages, outcomes, safe);
  }

  /** Resolves when there is room; rejects when there was none for too long. */
  async ready(): Promise<void> {
    const { room, env, blockedMs } = this.#terms;
    if (!room.there && !(await room.wait(env.now() + blockedMs))) throw this.#full();
  }

  /**
   * Makes sure that all of them will be taken. What is given back publishes them, in the same turn.
   * @throws TrunklineError what the first one is refused for.
   */
  prepare(messages: readonly Outgoing[]): () => void {
    const planned = new Map<string, number>();
    for (const message of messages) {
      const refusal = this.#refusal(message) ?? this.#noPlace(message, planned);
      if (refusal !== undefined) throw refusal;
    }
    return () => {
      for (const message of messages) this.#put(message);
    };
  }

  /** Resolves when all is safe that was noted. What waits for room waits no longer. */
  async close(): Promise<void> {
    this.#givenUp.resolve(false);
    while (this.#underWay.size > 0 || this.#behind !== undefined)
      await Promise.allSettled([...this.#underWay, this.#behind]);
  }

  /** Notes as many as there is room for, from the first one that has no outcome. Undefined: nothing is to be waited for. */
  #note(messages: readonly Outgoing[], outcomes: Outcome[]): Promise<void> | undefined {
    const { room, safety } = this.#terms;
    this.#written = false;
    while (outcomes.length < messages.length && room.there)
      outcomes.push(this.#one(messages[outcomes.length]!));
    return this.#written ? safety.noted() : undefined;
  }

  async #received(outcomes: Outcome[], safe: Promise<void> | undefined): Promise<Outcome[]> {
    if (safe === undefined) return outcomes;
    this.#underWay.add(safe);
    try {
      await safe;
      return outcomes;
    } catch (error) {
      const lost = translated(error, this.#terms.address);
      return outcomes.map((each) =>
        isTrunklineError(each) || each.enqueued === "accepted" ? each : lost,
      );
    } finally {
      this.#underWay.delete(safe);
    }
  }

  async #later(
    messages: readonly Outgoing[],
    outcomes: Outcome[],
    before: Promise<void> | undefined,
  ): Promise<readonly Outcome[]> {
    const left = messages.length - outcomes.length;
    if (this.#waiting + left > waitingMax) {
      while (outcomes.length < messages.length) outcomes.push(this.#full());
      return this.#received(outcomes, before);
    }
    this.#waiting += left;
    const turn = (this.#behind ?? Promise.resolve()).then(() => this.#notedAll(messages, outcomes));
    const behind = turn.then(() => {
      this.#waiting -= left;
      if (this.#behind === behind) this.#behind = undefined;
    });
    this.#behind = behind;
    const last = await turn;
    // What was noted last is safe last.
    return this.#received(outcomes, last.safe ?? before);
  }

  async #notedAll(
    messages: readonly Outgoing[],
    outcomes: Outcome[],
  ): Promise<{ readonly safe: Promise<void> | undefined }> {
    const { room, env, blockedMs } = this.#terms;
    const until = env.now() + blockedMs;
    let safe: Promise<void> | undefined;
    while (outcomes.length < messages.length) {
      const there = room.there || (await Promise.race([room.wait(until), this.#givenUp.promise]));
      if (!there) outcomes.push(this.#full());
      else safe = this.#note(messages, outcomes) ?? safe;
    }
    return { safe };
  }

  #one(outgoing: Outgoing): Outcome {
    const refusal = this.#refusal(outgoing);
    if (refusal !== undefined) return refusal;
    try {
      return this.#put(outgoing);
    } catch (error) {
      return translated(error, this.#terms.address);
    }
  }

  #put(outgoing: Outgoing): Outcome {
    const { channel, to } = outgoing;
    const { recent } = this.#terms;
    const identity = identityOf(outgoing);
    if (identity !== undefined && recent.has(identity)) {
      this.#written = true;
      return isTransient(channel) ? accepted : stored;
    }
    const topic = channel.shape === "topic" && to === undefined;
    const published = topic ? this.#toAll(outgoing) : this.#toOne(outgoing);
    if (published === undefined || (channel.mandatory && published.queues === 0))
      return this.#nobody(channel);
    if (published.refused) return this.#tooLong(channel, published.queues > 1 ? "maybe" : "no");
    if (identity !== undefined) recent.add(identity, published.batch > 0);
    if (published.batch > 0) this.#written = true;
    if (isTransient(channel)) return accepted;
    const position = this.#positionOf(outgoing);
    return position === undefined ? stored : { enqueued: "stored", position };
  }

  /** Where the message is that was just published, if there is one place only: in a queue that is not divided, or in a log. */
  #positionOf({ channel, to, notBefore }: Outgoing): string | undefined {
    const { host } = this.#terms;
    const inLog = channel.shape === "topic" && to === undefined;
    if (inLog && (!isKept(channel) || notBefore !== undefined)) return undefined;
    const queue = host.queue(inLog ? logOf(channel) : targetOf(channel, to));
    if (queue === undefined || (!inLog && queue.lanes.length > 1)) return undefined;
    return `${queue.name}[0]@${queue.lanes[0]!.next - 1}`;
  }

  #toAll(outgoing: Outgoing): Published {
    const { host, places } = this.#terms;
    const { channel, envelope, notBefore } = outgoing;
    places.topic(channel);
    const place = {
      exchange: channel.name,
      routingKey: envelope.type,
      persistent: !isTransient(channel),
    };
    return host.publish(this.#message(outgoing, place), notBefore);
  }

  /** Undefined: there is no such queue, which its channel asks to be told. */
  #toOne(outgoing: Outgoing): Published | undefined {
    const { host, places } = this.#terms;
    const { channel, to, notBefore } = outgoing;
    const target = targetOf(channel, to);
    if (host.queue(target) === undefined) {
      if (channel.shape === "queue" && channel.mandatory) return undefined;
      places.queue(channel, to, "new");
    }
    const place = { exchange: "", routingKey: target, persistent: !isTransient(channel) };
    return host.publishTo(target, this.#message(outgoing, place), notBefore);
  }

  /** On a compacted channel keys are subjects: hot keys are not spread there. */
  #message({ channel, envelope, priority }: Outgoing, place: MessagePlace): EventMessage {
    const key = channel.compacted ? envelope.subject : shardKeyOf(envelope);
    return new EventMessage(envelope, place, this.#terms.env.wall(), key, priority);
  }

  #refusal({ channel, envelope, priority = 0 }: Outgoing): TrunklineError | undefined {
    const { bytesMax } = this.#terms;
    const attributes = attributeBytesOf(envelope);
    const bytes = attributes + envelope.data.byteLength;
    if (bytes > bytesMax || attributes > attributeBytesMax)
      return this.#error(
        "INVALID_ARGUMENT",
        `the message has ${bytes} bytes; ${bytesMax} are allowed, ${attributeBytesMax} of them attributes`,
        "send a reference to it instead",
      );
    if (priority > channel.priorityMax)
      return this.#error(
        "INVALID_ARGUMENT",
        `priority ${priority} is above that of ${channel.name}, ${channel.priorityMax}`,
        "declare the channel with a higher priorityMax",
      );
    return undefined;
  }

  /** What it would be refused for after those that are planned: by queue, how many. Makes what it needs. */
  #noPlace({ channel, to }: Outgoing, planned: Map<string, number>): TrunklineError | undefined {
    const { host, places } = this.#terms;
    const topic = channel.shape === "topic" && to === undefined;
    const target = targetOf(channel, to);
    if (topic) places.topic(channel);
    else if (host.queue(target) === undefined) {
      if (channel.shape === "queue" && channel.mandatory) return this.#nobody(channel);
      places.queue(channel, to, "new");
    }
    if (channel.lengthMax === undefined) return undefined;
    const bound = topic ? host.topology.bindingsFrom(channel.name) : [];
    for (const name of topic ? bound.map(({ destination }) => destination) : [target]) {
      const before = planned.get(name) ?? 0;
      const { ready = 0, terms } = host.queue(name) ?? {};
      if (ready + before >= (terms?.lengthMax ?? Infinity)) return this.#tooLong(channel, "no");
      planned.set(name, before + 1);
    }
    return undefined;
  }

  #nobody({ name }: Channel): TrunklineError {
    return this.#error(
      "UNAVAILABLE",
      `there is no queue for ${name}`,
      "declare it, or start who consumes it",
    );
  }

  #tooLong({ name, lengthMax }: Channel, executed: "no" | "maybe"): TrunklineError {
    const waiting = lengthMax === undefined ? "too many" : String(lengthMax);
    return systemError("RESOURCE_EXHAUSTED", `${waiting} messages of ${name} wait`, {
      executed,
      endpoint: this.#terms.address,
      advice: "publish slower, or consume faster",
    });
  }

  #full(): TrunklineError {
    const { room } = this.#terms;
    return this.#error(
      "RESOURCE_EXHAUSTED",
      room.blocked === "disk" ? "the disk is nearly full" : "the disk does not keep up",
      room.blocked === "disk" ? "make room on the disk: consuming goes on" : "publish slower",
    );
  }

  #error(
    code: "UNAVAILABLE" | "INVALID_ARGUMENT" | "RESOURCE_EXHAUSTED",
    reason: string,
    advice: string,
  ): TrunklineError {
    return systemError(code, reason, { executed: "no", endpoint: this.#terms.address, advice });
  }
}

const accepted: Receipt = { enqueued: "accepted" };
const stored: Receipt = { enqueued: "stored" };

/**
 * By what a message is known when it is published again. A dead letter that is redriven or dies again, and the next try of a call, are
 * other ones: they are published on purpose. Undefined: it says no id, so that nobody can know it.
 */
function identityOf({ channel, to = "", envelope }: Outgoing): string | undefined {
  const { source, id, attributes } = envelope;
  if (id === "") return undefined;
  const { redriven = "", deadletter = "", tries = "" } = attributes;
  return `${channel.name}\n${to}\n${source}\n${id}\n${tries}${redriven}${deadletter}`;
}

function attributeBytesOf({ attributes }: Envelope): number {
  let bytes = 0;
  for (const name in attributes) bytes += name.length + 3 * attributes[name]!.length;
  if (bytes <= attributeBytesMax) return bytes;
  bytes = 0;
  for (const name in attributes) bytes += name.length + Buffer.byteLength(attributes[name]!);
  return bytes;
}
