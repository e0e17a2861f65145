import { channels, type IncidentEvent } from "../../../base/diagnostics.ts";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import { memory } from "../../../broker/memory/index.ts";
import type { Broker } from "../../../broker/broker.ts";
import { membersOf, type Member } from "../../../call/compile.ts";
import { errorMakers } from "../../../call/declared-errors.ts";
import type { Handlers } from "../../../call/handlers-type.ts";
import type { Publish } from "../../../call/message-type.ts";
import { serve, Services } from "../../../call/serve.ts";
import type { AnyContract } from "../../../contract/contract.ts";
import { bind, Channels, type Binding } from "../../channels.ts";
import { MessageConsumer } from "../../consumer.ts";
import { consumerTerms } from "../../consumer-terms.ts";
import { Parking } from "../../dead/parking.ts";
import { dataOf } from "../../message-text.ts";
import { handlerWork } from "../../message-work.ts";
import { Messaging } from "../../messaging.ts";
import type { ConsumeTerms } from "../../on.ts";
import type { Ended, Work } from "../../work.ts";
import { commandWork } from "../command-serving.ts";
import { gatherAnswer } from "../gather-serving.ts";
import { reportHandled } from "../handled.ts";

export { bind };

/** A broker of which one thing or another goes wrong. */
export type Bent = (broker: Broker) => Partial<Broker>;

/** Processes that ask and serve over one broker in memory, in virtual time. */
export class Lab implements AsyncDisposable {
  readonly env: VirtualEnv = new VirtualEnv();
  /** Exceptions that were reported, oldest first. */
  readonly incidents: IncidentEvent[] = [];
  readonly #opened: (() => Promise<unknown>)[] = [];
  readonly #listen = (event: unknown): void => void this.incidents.push(event as IncidentEvent);

  constructor() {
    channels.incident.subscribe(this.#listen);
  }

  /** A connection of one process of its own. */
  async broker(bent?: Bent): Promise<Broker> {
    const opened = await memory().open("memory:lab", { name: "lab" }, this.env);
    this.#opened.push(() => opened.close());
    return bent === undefined ? opened : bend(opened, bent(opened));
  }

  /** A process that asks: the messages of a contract as functions, and how it ends. */
  async asker<C extends AnyContract>(
    contract: C,
    terms: {
      readonly name?: string;
      readonly bent?: Bent;
      readonly bindings?: readonly Binding[];
      readonly checkSent?: boolean;
    } = {},
  ): Promise<{
    readonly publish: Publish<C>;
    readonly messaging: Messaging;
    readonly late: () => Promise<number>;
    readonly close: () => Promise<void>;
  }> {
    const broker = await this.broker(terms.bent);
    const messaging = new Messaging(() => Promise.resolve(broker), {
      name: terms.name ?? "asker",
      bindings: terms.bindings ?? [],
      checkSent: terms.checkSent ?? true,
      deadlineMs: 10_000,
      interceptors: [],
      env: this.env,
    });
    const close = async (): Promise<void> => {
      await messaging.settled();
      await broker.close();
    };
    this.#opened.push(close);
    const publish = messaging.publisherOf(contract) as Publish<C>;
    return {
      publish,
      messaging,
      late: async () => (await messaging.sender()).desk.listening.late,
      close,
    };
  }

  /** A process that serves the commands of a contract. */
  async serve<C extends AnyContract>(
    contract: C,
    handlers: Handlers<C>,
    terms: { readonly bent?: Bent; readonly consume?: ConsumeTerms } = {},
  ): Promise<MessageConsumer[]> {
    const broker = await this.broker(terms.bent);
    const options = { interceptors: [], checkSent: true };
    const services = new Services([serve(contract, handlers)], options, this.env);
    const consumers: MessageConsumer[] = [];
    for (const member of membersOf(contract)) {
      const { owner, kind } = member.operation;
      if (kind !== "command") continue;
      const served = services.servedAt(owner.name, owner.major, member.name)!;
      const { work, ended } = commandWork(served, broker, this.env);
      consumers.push(await this.#consume(member, broker, terms.consume ?? {}, work, ended));
    }
    return consumers;
  }

  /** A process that consumes one operation for a group. */
  async on(
    contract: AnyContract,
    name: string,
    terms: ConsumeTerms,
    handler: (data: never, errors: Record<string, (data: unknown) => Error>) => unknown,
  ): Promise<MessageConsumer> {
    const broker = await this.broker();
    const member = membersOf(contract).find((each) => each.name === name)!;
    const answer =
      member.operation.kind === "gather" ? gatherAnswer(member, broker, this.env) : undefined;
    const errors = errorMakers(member);
    const work = handlerWork(
      member,
      (data) => handler(data as never, errors),
      {
        address: broker.address,
        interceptors: [],
        retry: consumerTerms(terms, undefined, false).retry,
        publisherOf: () => ({}),
        transactional: false,
        env: this.env,
      },
      answer,
    );
    return this.#consume(member, broker, terms, work, reportHandled(member, broker, this.env));
  }

  async #consume(
    member: Member,
    broker: Broker,
    terms: ConsumeTerms,
    work: Work,
    ended: Ended,
  ): Promise<MessageConsumer> {
    const channel = new Channels().of(member);
    await broker.declare([channel]);
    const group = terms.group || undefined;
    const consumer = new MessageConsumer({
      broker,
      channel,
      group,
      operation: member.operation,
      terms: consumerTerms(terms, undefined, channel.ordered),
      work,
      ended,
      dead: new Parking({ broker, channel, group, byKey: false, env: this.env }),
      dataOf: (delivery) => dataOf(member, delivery),
      env: this.env,
    });
    await consumer.start();
    this.#opened.push(() => consumer.stop(0));
    return consumer;
  }

  /** What is on its way arrives. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 20; turns++)
      await new Promise<void>((resolve) => this.env.yield(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#opened.toReversed()) await close();
    channels.incident.unsubscribe(this.#listen);
  }
}

/** The same broker, but for what is said otherwise. */
function bend(broker: Broker, otherwise: Partial<Broker>): Broker {
  return new Proxy(broker, {
    get: (target, name) => {
      if (Object.hasOwn(otherwise, name)) return otherwise[name as keyof Broker];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
