import { alarmAt } from "../../base/alarm.ts";
import type { Authorize } from "../../call/authorization.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type {
  Broker,
  BrokerCapabilities,
  Consumer,
  Delivery,
  Lag,
  OpenOptions,
  Outgoing,
  Receipt,
  ReplyBox,
  Subscription,
} from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import { shardKeyOf, type Envelope } from "../../broker/envelope.ts";
import { hash32 } from "../../base/hash32.ts";
import { leaveMs, lookMs, underWayMax, waitingMax, waitingMin } from "./bounds.ts";
import type { Ground } from "./ground.ts";
import { Inbox } from "./inbox.ts";
import { Neighbourhood } from "./neighbourhood.ts";
import { Pending, timesOf, type Aim, type Outcome, type Times } from "./pending.ts";
import { Receiver } from "./receiver.ts";
import { queueGroup, type Audience, type Roster, type Wanted } from "./roster.ts";
import { Router } from "./router.ts";
import { nobodyThere, Sending } from "./sending.ts";
import { capabilities, checkChannel, checkOutgoing, checkSubscription, refused } from "./terms.ts";

/** As the port has it. */
const waitMsDefault = 10_000;

export interface DirectTerms extends OpenOptions {
  /** Those who say the same find each other. Undefined: all who say none. */
  readonly namespace: string | undefined;
  readonly authorize?: Authorize | undefined;
}

/** A message that nobody is there for yet. */
interface Missing {
  readonly outgoing: Outgoing;
  /** Sends it, or gives it up. */
  readonly end: (there: boolean) => void;
}

/**
 * The port of brokers without a broker: messages go from who publishes straight into the memory of who consumes, over
 * connections between processes that discovery has made known to each other. Nothing is stored, and nothing is sent twice: what
 * a process has when it dies is lost. What a consumer releases, or has not settled when it closes, is delivered again.
 */
export class DirectBroker implements Broker {
  readonly name = "direct";
  readonly address: string;
  readonly capabilities: BrokerCapabilities = capabilities;
  readonly #env: Env;
  readonly #ground: Ground;
  readonly #waitMs: number;
  readonly #instance: string;
  readonly #receiver: Receiver;
  readonly #neighbourhood: Neighbourhood;
  readonly #router: Router;
  /** For what is handed on by consumers that close: on behalf of nobody whose messages they hold up. */
  readonly #handingOn: Router;
  readonly #consumers = new Set<Consumer>();
  readonly #missing = new Set<Missing>();
  readonly #publishing = new Set<Promise<unknown>>();
  #wants: readonly Wanted[] = [];
  #underWay = 0;
  #closed: Promise<void> | undefined;

  constructor(terms: DirectTerms, ground: Ground, env: Env) {
    const { name, namespace, authorize, waitMs = waitMsDefault } = terms;
    this.address = `direct:${namespace ?? ""}`;
    this.#env = env;
    this.#ground = ground;
    this.#waitMs = waitMs;
    this.#instance = `${name}-${uuidv7(env)}`;
    this.#receiver = new Receiver(env);
    const neighbour = (instance: string) => this.#neighbourhood.neighbour(instance);
    this.#router = new Router({ publisher: this.#instance, neighbour }, env);
    this.#handingOn = new Router({ publisher: `${this.#instance}/left`, neighbour }, env);
    const service = namespace === undefined ? "trunkline-direct" : `trunkline-direct-${namespace}`;
    const needs = (instance: string): boolean =>
      this.#router.needs(instance) || this.#handingOn.needs(instance);
    const changed = (roster: Roster): void => this.#changed(roster);
    const own = { instance: this.#instance, service, authorize, waitMs, needs, changed };
    this.#neighbourhood = new Neighbourhood(own, ground, this.#receiver, env);
  }

  async declare(channels: readonly Channel[]): Promise<readonly []> {
    for (const each of channels) checkChannel(each);
    return [];
  }

  async publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    this.#open();
    if (this.#underWay + messages.length > underWayMax)
      throw refused("RESOURCE_EXHAUSTED", `${underWayMax} messages have no receipt yet`);
    this.#underWay += messages.length;
    const published = this.#publish(messages);
    this.#publishing.add(published);
    try {
      return await published;
    } finally {
      this.#underWay -= messages.length;
      this.#publishing.delete(published);
    }
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    this.#open();
    checkSubscription(subscription);
    const { channel, group, prefetch, exclusive = false } = subscription;
    const { name, shape, lengthMax = Infinity } = channel;
    const roomMax = Math.min(lengthMax, waitingMax, Math.max(waitingMin, prefetch));
    const inbox = new Inbox(
      { prefetch, roomMax, refusesWhenFull: roomMax === lengthMax, deliver },
      this.#env,
    );
    const consumer = uuidv7(this.#env);
    const wanted: Wanted = { consumer, channel: name, shape, group, exclusive };
    this.#receiver.open(wanted, inbox);
    this.#wants = [...this.#wants, wanted];
    try {
      await this.#neighbourhood.announce(this.#wants);
    } catch (error) {
      this.#receiver.shut(consumer);
      void this.#unwant(consumer);
      throw error;
    }
    let closed: Promise<void> | undefined;
    const consuming: Consumer = {
      shards: [],
      pause: () => inbox.pause(),
      resume: () => inbox.resume(),
      close: () => {
        this.#consumers.delete(consuming);
        return (closed ??= this.#leave(wanted, channel.shards, inbox));
      },
    };
    this.#consumers.add(consuming);
    return consuming;
  }

  async replies(
    { name }: { readonly name: string | undefined },
    heard: (envelope: Envelope) => void,
  ): Promise<ReplyBox> {
    this.#open();
    if (name !== undefined)
      throw refused("UNIMPLEMENTED", "without a broker replies are not kept for later");
    const id = this.#receiver.openBox(heard);
    try {
      await this.#neighbourhood.announce(this.#wants);
    } catch (error) {
      this.#receiver.shutBox(id);
      throw error;
    }
    const close = async (): Promise<void> => this.#receiver.shutBox(id);
    return { address: `direct:${this.#instance}/${id}`, close, [Symbol.asyncDispose]: close };
  }

  async reply(to: string, envelope: Envelope): Promise<void> {
    this.#open();
    const [, instance, box] = /^direct:([^/]+)\/([^/]+)$/.exec(to) ?? [];
    if (instance === undefined || box === undefined)
      throw refused("INVALID_ARGUMENT", "this is not the address of a reply box");
    await this.#neighbourhood.known;
    // Where it is, discovery says: an address in a message could lead anywhere.
    const there = (): boolean => this.#neighbourhood.find(instance) !== undefined;
    if (instance !== this.#instance && !there()) {
      if (!(await this.#neighbourhood.look(there, Math.min(lookMs, this.#waitMs)))) {
        if (this.#neighbourhood.current) return; // who asked is gone, and its box with it
        throw refused("UNAVAILABLE", "discovery does not say where the reply goes");
      }
    }
    const message = { envelope, shard: undefined, attempt: 1 };
    const parcel = { to: box, from: this.#instance, patienceMs: 0, messages: [message] };
    try {
      await this.#neighbourhood.neighbour(instance).answer(parcel, this.#waitMs);
    } catch (error) {
      // It may have died, and discovery knows of it a moment later.
      const gone = await this.#neighbourhood.look(() => !there(), Math.min(lookMs, this.#waitMs));
      if (!gone || !this.#neighbourhood.current) throw error;
    }
  }

  async browse(): Promise<readonly Envelope[]> {
    throw refused("UNIMPLEMENTED", "what waits is in the memory of its consumers");
  }

  async lag({ name, shape }: Channel, group: string | undefined): Promise<Lag> {
    this.#open();
    await this.#neighbourhood.known;
    const { groups } = this.#router.roster.audience(shape, name);
    const members = groups.get(group ?? queueGroup) ?? [];
    const question = group === undefined ? { channel: name } : { channel: name, group };
    const answers = await Promise.all(
      [...new Set(members.map(({ instance }) => instance))].map((instance) =>
        this.#neighbourhood.neighbour(instance).backlog(question, this.#waitMs),
      ),
    );
    const loads = answers.flatMap(({ consumers }) => consumers.map(({ load }) => load));
    return { waiting: loads.reduce((sum, load) => sum + load, 0), shards: [] };
  }

  async reset(): Promise<void> {
    throw refused("UNIMPLEMENTED", "without a broker there are no places to go back to");
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#consumers].map((each) => each.close()));
    await Promise.allSettled(this.#publishing);
    await this.#neighbourhood.close();
    this.#router.close();
    this.#handingOn.close();
    await this.#ground.release();
  }

  #open(): void {
    if (this.#closed !== undefined) throw refused("UNAVAILABLE", "it is closed");
  }

  async #publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    const times = timesOf(this.#env.now(), this.#waitMs);
    await this.#neighbourhood.known;
    const pending: Pending[] = [];
    const alarm = alarmAt(this.#env, times.sendBy, () => {
      for (const each of pending) each.expire();
    });
    const results = messages.map((each) => this.#begin(each, times, pending));
    try {
      return await Promise.all(results);
    } finally {
      this.#env.clear(alarm);
    }
  }

  /** Sends to all who are to have it; those whom it waits for are put into `pending`. */
  #begin(outgoing: Outgoing, times: Times, pending: Pending[]): Promise<Receipt | TrunklineError> {
    const { channel } = outgoing;
    try {
      checkOutgoing(outgoing);
    } catch (error) {
      if (isTrunklineError(error)) return Promise.resolve(error);
      throw error;
    }
    const audience = this.#router.roster.audience(channel.shape, channel.name);
    if (!needsSomebody(outgoing) || somebody(outgoing, audience))
      return this.#send(outgoing, audience, times, pending);
    return new Promise((resolve) => {
      const end = (there: boolean): void => {
        this.#env.clear(alarm);
        this.#missing.delete(missing);
        const now = this.#router.roster.audience(channel.shape, channel.name);
        resolve(there ? this.#send(outgoing, now, times, pending) : nobodyThere(channel.name));
      };
      const dueAt = Math.min(times.sendBy, this.#env.now() + lookMs);
      const alarm = alarmAt(this.#env, dueAt, () => end(false));
      const missing: Missing = { outgoing, end };
      this.#missing.add(missing);
      if (this.#missing.size === 1) this.#neighbourhood.refresh();
    });
  }

  #send(
    { channel, envelope, to }: Outgoing,
    { groups, alone }: Audience,
    times: Times,
    pending: Pending[],
  ): Promise<Receipt | TrunklineError> {
    const { name, shape, shards, ordered } = channel;
    const key = ordered ? shardKeyOf(envelope) : undefined;
    const shard = key === undefined ? undefined : hash32(key) % shards;
    const common = { channel: name, shape, shards } as const;
    const aims: Aim[] = [];
    for (const [group, members] of groups) {
      if (to !== undefined && to !== group && shape === "topic") continue;
      const one = members.some(({ exclusive }) => exclusive); // then all of them are of one order
      aims.push({ ...common, group, consumer: undefined, shard: one ? 0 : shard });
    }
    if (to === undefined || shape === "queue")
      for (const { consumer } of alone) aims.push({ ...common, group: undefined, consumer, shard });
    const mandatory = channel.mandatory || to !== undefined;
    const sending = new Sending(name, mandatory, aims.length);
    for (const aim of aims) {
      const done = (outcome: Outcome): void => sending.came(outcome, aim.group === undefined);
      const message = new Pending(envelope, aim, 1, times, done);
      pending.push(message);
      this.#router.send(message);
    }
    return sending.result;
  }

  #changed(roster: Roster): void {
    this.#router.update(roster);
    this.#handingOn.update(roster);
    // In their order, and before anything is published after this.
    for (const { outgoing, end } of [...this.#missing]) {
      const { shape, name } = outgoing.channel;
      if (somebody(outgoing, roster.audience(shape, name))) end(true);
    }
  }

  #unwant(consumer: string): Promise<void> {
    this.#wants = this.#wants.filter((each) => each.consumer !== consumer);
    return this.#neighbourhood.withdraw(this.#wants);
  }

  /** What it has not settled goes to others of its group. */
  async #leave(wanted: Wanted, shards: number, inbox: Inbox): Promise<void> {
    const { consumer, channel, shape } = wanted;
    const { messages, left } = inbox.close();
    const withdrawn = this.#unwant(consumer);
    const group = shape === "queue" ? queueGroup : wanted.group;
    if (group !== undefined && messages.length > 0) {
      const times = timesOf(this.#env.now(), this.#waitMs);
      const common = { channel, shape, group, consumer: undefined, shards } as const;
      await Promise.all(
        messages.map(({ envelope, attempt, shard }) => {
          const aim = { ...common, shard: shard === undefined ? undefined : Number(shard) };
          return this.#handOn(envelope, aim, attempt, times);
        }),
      );
      // Who has sent them asks here whether they are settled, and not where they are now.
      await this.#handingOn.drained(this.#env.now() + leaveMs);
    }
    left();
    await withdrawn;
    this.#receiver.shut(consumer);
  }

  #handOn(envelope: Envelope, aim: Aim, attempt: number, times: Times): Promise<void> {
    return new Promise((resolve) => {
      const alarm = alarmAt(this.#env, times.sendBy, () => message.expire());
      const done = (): void => {
        this.#env.clear(alarm);
        resolve();
      };
      const message = new Pending(envelope, aim, attempt, times, done);
      this.#handingOn.send(message);
    });
  }
}

function needsSomebody({ channel, to }: Outgoing): boolean {
  return channel.mandatory || to !== undefined;
}

/** Consumers on their own are no reason to think that it is taken care of. */
function somebody({ channel, to }: Outgoing, { groups }: Audience): boolean {
  return to === undefined || channel.shape === "queue" ? groups.size > 0 : groups.has(to);
}
