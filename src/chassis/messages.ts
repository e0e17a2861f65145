import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import type { Interceptor } from "../base/handler.ts";
import type { Broker, BrokerCapabilities } from "../broker/broker.ts";
import type { Channel } from "../broker/channel.ts";
import type { Member } from "../call/compile.ts";
import { contextWith, type ServedContext } from "../call/served-context.ts";
import type { Service, Services } from "../call/serve.ts";
import type { AnyContract } from "../contract/contract.ts";
import {
  bindingProblems,
  channelProblems,
  groupProblems,
  type Binding,
} from "../messaging/channels.ts";
import { MessageConsumer } from "../messaging/consumer.ts";
import { consumerTerms, type ConsumerStats } from "../messaging/consumer-terms.ts";
import { dropping } from "../messaging/dead/dropping.ts";
import { Parking } from "../messaging/dead/parking.ts";
import { messageFilter } from "../messaging/filters/filter-of.ts";
import type { Inbox } from "../messaging/inbox/inbox.ts";
import { retentionOf, type InboxOptions } from "../messaging/inbox/retention.ts";
import type { MessageFilter } from "../messaging/message-filter.ts";
import { dataOf } from "../messaging/message-text.ts";
import { handlerWork, type HandlingParts } from "../messaging/message-work.ts";
import { commandWork } from "../messaging/replies/command-serving.ts";
import { gatherAnswer } from "../messaging/replies/gather-serving.ts";
import { reportHandled } from "../messaging/replies/handled.ts";
import type { ServedOperation } from "../protocol/protocol.ts";
import { memberNamed, messagesOf, Messaging } from "../messaging/messaging.ts";
import {
  isSubscriber,
  type ConsumeTerms,
  type Consuming,
  type Subscriber,
} from "../messaging/on.ts";
import type { Outboxes } from "../messaging/outbox/outboxes.ts";
import { publishIn } from "../messaging/outbox/publish-in.ts";
import type { Ended, Work } from "../messaging/work.ts";
import type { Store } from "../store/store.ts";
import { brokerMakeAt, takeBroker, type BrokerChoice, type TakenBroker } from "./broker-at.ts";
import {
  consumerOf,
  ProcessInboxes,
  sameConsumers,
  serviceStoreProblems,
  subscriberProblems,
  type Transactional,
} from "./inboxes.ts";
import { problemOf, type Problem } from "./problems.ts";

/** What a process does with messages, as its options say. */
export interface MessageOptions {
  readonly name: string;
  readonly messages: BrokerChoice | undefined;
  readonly bindings: readonly Binding[];
  readonly services: readonly Service[];
  readonly subscribers: readonly Subscriber[];
  readonly interceptors: readonly Interceptor[];
  readonly checkSent: boolean;
  /** What handlers in a transaction publish by. */
  readonly outboxes: Outboxes;
  readonly inbox?: InboxOptions | undefined;
}

/** Receipts are waited for that long, when neither the sender nor the operation says otherwise. */
const receiptMs = 10_000;

/** What `serve` takes: contracts that are served, and what consumes; several that belong together as a list. */
export type Served = Service | Subscriber | readonly Subscriber[];

/** What is served and what is consumed, of one list. */
export function sorted(serve: readonly Served[]): {
  readonly services: readonly Service[];
  readonly subscribers: readonly Subscriber[];
} {
  const all = serve.flat();
  return {
    services: all.filter((each): each is Service => !isSubscriber(each)),
    subscribers: all.filter(isSubscriber),
  };
}

/** The messages of one process: what it publishes from its handlers, and what it consumes. */
export class ProcessMessages {
  readonly #options: MessageOptions;
  readonly #env: Env;
  readonly #stopped = new AbortController();
  readonly #consuming: Consuming;
  readonly #taken: TakenBroker | undefined;
  readonly messaging: Messaging;
  readonly #consumers: { readonly consumer: MessageConsumer; readonly stored?: Transactional }[] =
    [];
  readonly #inboxes: ProcessInboxes;

  constructor(options: MessageOptions, env: Env) {
    this.#options = options;
    this.#env = env;
    this.#consuming = { env, stopped: this.#stopped.signal };
    this.#inboxes = new ProcessInboxes(options.outboxes, env);
    const { name, messages, bindings, interceptors, checkSent } = options;
    this.#taken = messages === undefined ? undefined : takeBroker(messages, { name }, env);
    const open = (): Promise<Broker> => this.#taken!.open();
    const terms = { name, bindings, checkSent, interceptors, env, deadlineMs: receiptMs };
    this.messaging = new Messaging(open, terms);
  }

  /** Everything that keeps this process from sending and consuming what it says, in words for a person. */
  async problems(): Promise<Problem[]> {
    const { messages, bindings, services, subscribers } = this.#options;
    const texts = bindingProblems(bindings);
    const sent = services.flatMap(({ contract }) => messagesOf(contract));
    if (messages === undefined) {
      texts.push(...[...sent, ...subscribers.map(memberOf)].map(withoutBroker));
      return texts.map((text) => ({ text }));
    }
    const problems: Problem[] = texts.map((text) => ({ text }));
    try {
      const make = await makeOf(messages);
      for (const member of new Set([...sent, ...subscribers.flatMap(membersUsed)])) {
        const found = channelProblems(member, this.messaging.channels.of(member), make);
        problems.push(...found.map((text) => ({ text })));
      }
      for (const subscriber of subscribers) {
        const { terms, operation } = subscriber;
        const found = groupProblems(memberOf(subscriber), terms.group, make);
        problems.push(...found.map((text) => ({ text })));
        consumerTerms(terms, undefined, operation.key !== undefined);
        await filterOf(terms, make.capabilities);
      }
      const refused = storeProblems(this.#options, (member) => this.messaging.channels.of(member));
      problems.push(...refused.map((text) => ({ text })));
    } catch (error) {
      problems.push(problemOf(error));
    }
    return problems;
  }

  /** What handlers are given beside what a context has of itself; undefined where there is nothing to publish to, and no store. */
  get context(): typeof ServedContext | undefined {
    const { messages, services, outboxes } = this.#options;
    const contracts = new Map<string, AnyContract>();
    const byName = new Map<string, object>();
    for (const { contract } of services)
      for (const { operation } of messagesOf(contract)) {
        contracts.set(identity(operation.owner), contract);
        if (messages !== undefined)
          byName.set(identity(operation.owner), this.messaging.publisherOf(contract));
      }
    if (messages === undefined && !services.some(({ terms }) => terms?.store !== undefined))
      return undefined;
    const nothing = Object.freeze({});
    return contextWith({
      tx: ({ within }) => within?.transaction.native,
      publish: ({ within, operation }) => {
        const owner = identity(operation.owner);
        if (within === undefined) return byName.get(owner) ?? nothing;
        return publishIn(outboxes.of(within.store), within.transaction, contracts.get(owner));
      },
    });
  }

  /** Opens the broker and declares all channels. */
  async open(): Promise<void> {
    if (this.#options.messages === undefined) return;
    const { services, subscribers } = this.#options;
    const members = new Set([
      ...services.flatMap(({ contract }) => messagesOf(contract)),
      ...subscribers.flatMap(membersUsed),
    ]);
    if (members.size === 0) return;
    const { broker } = await this.messaging.sender();
    const declared = [...members].map((member) => this.messaging.channels.of(member));
    await broker.declare(declared);
    this.messaging.declared(declared);
  }

  /** The messages of a contract as functions. */
  publisher(contract: AnyContract): object {
    if (this.#options.messages !== undefined) return this.messaging.publisherOf(contract);
    throw systemError("INVALID_ARGUMENT", `${this.#options.name} has no broker`, {
      executed: "no",
      advice: 'say where messages go: chassis({ messages: "amqp://host" })',
    });
  }

  /** Begins to consume. `served` finds what answers commands. */
  async consume(served: Services): Promise<void> {
    const { services, subscribers } = this.#options;
    for (const { contract, terms } of services)
      for (const member of messagesOf(contract)) {
        const { kind, owner } = member.operation;
        const found = served.servedAt(owner.name, owner.major, member.name);
        if (kind === "command") await this.#serveCommands(member, found!, terms?.store);
      }
    for (const subscriber of subscribers) {
      const { broker } = await this.messaging.sender();
      const member = memberOf(subscriber);
      const { kind } = member.operation;
      const { terms } = subscriber;
      const answer = kind === "gather" ? gatherAnswer(member, broker, this.#env) : undefined;
      const stored =
        terms.store && this.#inboxes.of(terms.store, consumerOf(member, terms), member);
      const work = this.#workOf(subscriber, member, broker, answer, stored?.inbox);
      const ended = reportHandled(member, broker, this.#env);
      await this.#begin(member, terms, { work, ended }, stored);
    }
  }

  async #serveCommands(
    member: Member,
    served: ServedOperation,
    store: Store | undefined,
  ): Promise<void> {
    const { broker } = await this.messaging.sender();
    const stored = store && this.#inboxes.of(store, consumerOf(member), member);
    const serving = commandWork(served, broker, this.#env, stored?.inbox);
    // Who asked is told of a command that failed, and may ask for the next one of its key all the same.
    await this.#begin(member, { dead: "park-message" }, serving, stored);
  }

  #workOf(
    { handlerIn, terms, operation, to }: Subscriber,
    member: Member,
    broker: Broker,
    answer: Parameters<typeof handlerWork>[3],
    inbox: Inbox | undefined,
  ): Work {
    const { interceptors } = this.#options;
    const { retry } = consumerTerms(terms, undefined, operation.key !== undefined);
    const parts: HandlingParts = {
      address: broker.address,
      interceptors,
      retry,
      publisherOf: (contract, outputs) => this.messaging.publisherOf(contract, outputs),
      transactional:
        operation.delivery === "exactly-once" ||
        (to !== undefined && inbox === undefined && broker.capabilities.transactions),
      inbox,
      env: this.#env,
    };
    return handlerWork(
      member,
      handlerIn(this.#consuming) as (data: unknown, context: unknown) => unknown,
      parts,
      answer,
    );
  }

  async #begin(
    member: Member,
    terms: ConsumeTerms,
    { work, ended }: { readonly work: Work; readonly ended: Ended },
    stored: Transactional | undefined,
  ): Promise<void> {
    const { broker } = await this.messaging.sender();
    const channel = this.messaging.channels.of(member);
    const group = channel.shape === "topic" ? terms.group || undefined : undefined;
    const filter = await filterOf(terms, broker.capabilities);
    const resolved = consumerTerms(terms, filter, channel.ordered);
    const consumer = new MessageConsumer({
      broker,
      channel,
      group,
      operation: member.operation,
      terms: resolved,
      work: stored === undefined ? work : stored.attempts.around(work),
      ended: stored === undefined ? ended : stored.attempts.forgetting(ended),
      // Dead letters must not be lost; where all may be, and where nothing is kept for anybody, there is nowhere to put them.
      dead:
        terms.group !== false &&
        broker.capabilities.keeps &&
        broker.capabilities.guarantees.includes("at-least-once")
          ? new Parking({
              broker,
              channel,
              group,
              byKey: resolved.dead === "park-key",
              by: this.#options.name,
              letters: resolved.letters,
              env: this.#env,
            })
          : dropping,
      dataOf: (delivery) => dataOf(member, { envelope: delivery.envelope }),
      env: this.#env,
    });
    this.#consumers.push(stored === undefined ? { consumer } : { consumer, stored });
    await consumer.start();
  }

  stats(): ConsumerStats[] {
    return this.#consumers.map(({ consumer, stored }) => {
      if (stored === undefined) return consumer.stats();
      const { inbox, succession } = stored;
      return { ...consumer.stats(), transactional: inbox.store.address, ...succession.stats };
    });
  }

  /** Fetches no more, lets what runs end within `withinMs`, and leaves. Resolves with what was cut short. */
  async drain(withinMs: number): Promise<number> {
    const cuts = await Promise.all(this.#consumers.map(({ consumer }) => consumer.stop(withinMs)));
    this.#stopped.abort();
    return cuts.reduce((sum, cut) => sum + cut, 0);
  }

  /** After all handlers have ended. */
  async close(): Promise<void> {
    await this.messaging.settled();
    await this.#taken?.release();
  }
}

function memberOf({ contract, member }: Subscriber): Member {
  return memberNamed(contract, member);
}

/** The operations of a subscriber: what it consumes, and what its steps lead to. */
function membersUsed({ contract, member, to }: Subscriber): Member[] {
  return [{ contract, member }, ...(to === undefined ? [] : [to])].map((each) =>
    memberNamed(each.contract, each.member),
  );
}

/** What keeps handlers from running in transactions of their stores. */
function storeProblems(
  { services, subscribers, inbox = {} }: MessageOptions,
  channelOf: (member: Member) => Channel,
): string[] {
  const rememberedMs = retentionOf(inbox);
  const consumed = subscribers.map((subscriber) => ({ subscriber, member: memberOf(subscriber) }));
  return [
    ...services.flatMap((service) => serviceStoreProblems(service, channelOf, rememberedMs)),
    ...consumed.flatMap(({ subscriber, member }) =>
      subscriberProblems(subscriber, member, channelOf(member), rememberedMs),
    ),
    ...sameConsumers(consumed),
  ];
}

async function filterOf(
  { where }: ConsumeTerms,
  capabilities: BrokerCapabilities,
): Promise<MessageFilter | undefined> {
  return where === undefined ? undefined : messageFilter(where, capabilities);
}

function identity({ name, major }: { readonly name: string; readonly major: number }): string {
  return `${name}@${major}`;
}

function withoutBroker({ operation }: Member): string {
  return `${operation.kind} ${operation.name} has no channel to go by.\n     → say where messages go: messages: "memory:", "amqp://host", "kafka://host:9092"`;
}

async function makeOf(
  messages: BrokerChoice,
): Promise<{ readonly name: string; readonly capabilities: BrokerCapabilities }> {
  if (typeof messages === "string") return brokerMakeAt(messages);
  return "make" in messages ? messages.make : messages;
}
