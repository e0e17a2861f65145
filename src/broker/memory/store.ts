import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import type {
  Delivery,
  Drift,
  Outgoing,
  Receipt,
  ReplyBox,
  ReplyTerms,
  StartAt,
  Subscription,
} from "../broker.ts";
import type { Channel } from "../channel.ts";
import { attributeBytesMax, type Envelope } from "../envelope.ts";
import type { Entry } from "./entry.ts";
import { GroupQueue, type GroupStore } from "./group-queue.ts";
import { History } from "./history.ts";
import type { Member } from "./member.ts";
import { ReplyBoxes } from "./reply-boxes.ts";

export interface MemoryStoreOptions {
  /** The largest message in bytes, attributes included. Default 16 MiB. */
  readonly bytesMax?: number;
  /** Messages that may wait for one group of a channel that says nothing else. Default 1,000,000. */
  readonly lengthMax?: number;
  /** The data of all that waits for one group, in bytes. Default 1 GiB. */
  readonly waitingBytesMax?: number;
}

export const bytesMaxDefault: number = 16 * 1024 * 1024;
const lengthMaxDefault = 1_000_000;
const waitingBytesMaxDefault: number = 1024 * 1024 * 1024;
/** Channels, and groups of one channel: they stay, so whoever makes up names must end somewhere. */
const channelsMax = 10_000;
const groupsMax = 1_000;
/** Of a queue: it has no groups, so that its messages are under no name that a group could have. */
const own = "";

/** A channel that is there, and what waits in it. */
interface Place {
  readonly channel: Channel;
  readonly groups: Map<string, GroupQueue>;
  /** Consumers without a group: each has a queue of its own. */
  readonly alone: Set<GroupQueue>;
  readonly history: History;
}

/** All that the brokers of one name have in common: channels, what waits, and who consumes. One process, no disk. */
export class MemoryStore implements GroupStore {
  readonly bytesMax: number;
  readonly #lengthMax: number;
  readonly #waitingBytesMax: number;
  readonly #env: Env;
  readonly #places = new Map<string, Place>();
  readonly #boxes: ReplyBoxes;
  #seq = 0;

  constructor(options: MemoryStoreOptions, env: Env) {
    this.bytesMax = options.bytesMax ?? bytesMaxDefault;
    this.#lengthMax = options.lengthMax ?? lengthMaxDefault;
    this.#waitingBytesMax = options.waitingBytesMax ?? waitingBytesMaxDefault;
    this.#env = env;
    this.#boxes = new ReplyBoxes(env);
  }

  declare(channel: Channel): Drift[] {
    const known = this.#places.get(channel.name);
    if (known === undefined) {
      this.#make(channel);
      return [];
    }
    for (const group of channel.groups) this.#group(known, group, "new");
    return (["shape", "ordered", "shards", "compacted", "priorityMax", "lengthMax"] as const)
      .filter((what) => known.channel[what] !== channel[what])
      .map((what) => ({
        channel: channel.name,
        what,
        declared: String(channel[what]),
        found: String(known.channel[what]),
      }));
  }

  #make(channel: Channel): Place {
    if (this.#places.size >= channelsMax) throw tooManyChannels();
    const history = new History(channel, this.#env);
    const place: Place = { channel, groups: new Map(), alone: new Set(), history };
    this.#places.set(channel.name, place);
    if (channel.shape === "queue") this.#group(place, own, "new");
    for (const group of channel.groups) this.#group(place, group, "new");
    return place;
  }

  #place(channel: Channel): Place {
    return this.#places.get(channel.name) ?? this.#make(channel);
  }

  #group(place: Place, name: string, from: StartAt): GroupQueue {
    const known = place.groups.get(name);
    if (known !== undefined) return known;
    if (place.groups.size >= groupsMax) throw tooManyGroups(place.channel.name);
    const made = new GroupQueue(place.channel, this, this.#env);
    place.groups.set(name, made);
    this.#fill(made, place, from);
    return made;
  }

  #fill(group: GroupQueue, { history }: Place, from: StartAt): void {
    if (from === "new") return;
    for (const { envelope, seq, priority } of history.since(from === "first" ? 0 : from))
      group.add({ envelope, seq, priority, attempts: 0 }, undefined);
  }

  /** Publishes all or nothing: throws what the first one is refused for. */
  publishAll(messages: readonly Outgoing[]): void {
    for (const message of messages) {
      const refusal = this.#refusal(message);
      if (refusal !== undefined) throw refusal;
    }
    for (const message of messages) this.#put(message);
  }

  publish(message: Outgoing): Receipt | TrunklineError {
    return this.#refusal(message) ?? this.#put(message);
  }

  #put({ channel, envelope, to, notBefore, priority = 0 }: Outgoing): Receipt {
    const place = this.#place(channel);
    const seq = ++this.#seq;
    const entry = (): Entry => ({ envelope, seq, priority, attempts: 0 });
    if (to === undefined) {
      place.history.add(entry());
      for (const queue of this.#audience(place)) queue.add(entry(), notBefore);
    } else this.#group(place, channel.shape === "queue" ? own : to, "new").add(entry(), notBefore);
    return { enqueued: "accepted", position: `${channel.name}@${seq}` };
  }

  #audience(place: Place): GroupQueue[] {
    return [...place.groups.values(), ...place.alone];
  }

  #refusal({ channel, envelope, to, priority = 0 }: Outgoing): TrunklineError | undefined {
    const known = this.#places.get(channel.name);
    if (known === undefined && channel.mandatory)
      return refused(
        "UNAVAILABLE",
        `there is no queue ${channel.name}`,
        "declare it, or start who consumes it",
      );
    let bytes = 0;
    for (const [name, value] of Object.entries(envelope.attributes))
      bytes += name.length + Buffer.byteLength(value);
    const size = bytes + envelope.data.byteLength;
    if (size > this.bytesMax || bytes > attributeBytesMax)
      return refused(
        "INVALID_ARGUMENT",
        `the message has ${size} bytes; ${this.bytesMax} are allowed, ${attributeBytesMax} of them attributes`,
        "send a reference to it instead",
      );
    if (priority > channel.priorityMax)
      return refused(
        "INVALID_ARGUMENT",
        `priority ${priority} is above that of ${channel.name}, ${channel.priorityMax}`,
        "declare the channel with a higher priorityMax",
      );
    const lengthMax = known?.channel.lengthMax ?? this.#lengthMax;
    const queues =
      known === undefined ? [] : to === undefined ? this.#audience(known) : [known.groups.get(to)];
    if (queues.some((queue) => queue !== undefined && queue.size >= lengthMax))
      return refused("RESOURCE_EXHAUSTED", `${lengthMax} messages of ${channel.name} wait`, slower);
    const room = this.#waitingBytesMax - envelope.data.byteLength;
    if (queues.some((queue) => queue !== undefined && queue.bytes > room))
      return refused(
        "RESOURCE_EXHAUSTED",
        `${this.#waitingBytesMax} bytes of ${channel.name} wait`,
        slower,
      );
    if (known === undefined && this.#places.size >= channelsMax) return tooManyChannels();
    if (to !== undefined && known?.groups.has(to) === false && known.groups.size >= groupsMax)
      return tooManyGroups(channel.name);
    return undefined;
  }

  /** `name`: what the consumer's process calls itself. */
  consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
    name: string,
  ): Member {
    const { channel, group, from = "new" } = subscription;
    const place = this.#place(channel);
    if (channel.shape === "queue" || group !== undefined) {
      const of = channel.shape === "queue" ? own : group!;
      return this.#group(place, of, from).join(subscription, deliver, name);
    }
    const alone = new GroupQueue(place.channel, this, this.#env);
    place.alone.add(alone);
    this.#fill(alone, place, from);
    return alone.join(subscription, deliver, name);
  }

  /** Told by a group: a consumer without a group takes its queue with it. */
  left(queue: GroupQueue): void {
    for (const { alone } of this.#places.values()) if (alone.delete(queue)) queue.clear();
  }

  /** What waits for a group; undefined when neither it nor its channel is there. */
  queueOf(channel: Channel, group: string | undefined): GroupQueue | undefined {
    return this.#places.get(channel.name)?.groups.get(group ?? own);
  }

  reset(channel: Channel, name: string, to: StartAt): void {
    const place = this.#place(channel);
    const group = this.#group(place, name, "new");
    if (group.members > 0)
      throw systemError("INVALID_ARGUMENT", `${group.members} members of ${name} are running`, {
        executed: "no",
        advice: "stop them first",
      });
    group.clear();
    this.#fill(group, place, to);
  }

  /** `address`: that of a transient box, where it had one before. */
  openReplies(terms: ReplyTerms, heard: (envelope: Envelope) => void, address?: string): ReplyBox {
    return this.#boxes.open(terms, heard, address);
  }

  reply(to: string, envelope: Envelope): void {
    this.#boxes.put(to, envelope);
  }
}

const slower = "publish slower, or consume faster";

function tooManyChannels(): TrunklineError {
  return refused("RESOURCE_EXHAUSTED", `${channelsMax} channels are there already`, "use fewer");
}

function tooManyGroups(of: string): TrunklineError {
  return refused(
    "RESOURCE_EXHAUSTED",
    `${groupsMax} groups of ${of} are there already`,
    "use fewer names of groups",
  );
}

function refused(
  code: "UNAVAILABLE" | "INVALID_ARGUMENT" | "RESOURCE_EXHAUSTED",
  reason: string,
  advice: string,
): TrunklineError {
  return systemError(code, reason, { executed: "no", advice });
}
