import type { Env } from "../base/env.ts";
import { systemError, type TrunklineError } from "../base/error.ts";
import { patiently } from "../base/patiently.ts";
import type { Interceptor } from "../base/handler.ts";
import type { Broker, Outgoing } from "../broker/broker.ts";
import type { Channel } from "../broker/channel.ts";
import { membersOf, type Member } from "../call/compile.ts";
import type { Published, PublishOptions } from "../call/message-type.ts";
import type { AnyContract } from "../contract/contract.ts";
import { info } from "../contract/contract.ts";
import { isMessage } from "../contract/kinds.ts";
import { Channels, type Binding } from "./channels.ts";
import {
  outgoingOf,
  publishMethod,
  sendMessage,
  type Sender,
  type SendingParts,
} from "./publish-method.ts";
import { Publisher } from "./publisher.ts";
import { commandMethod } from "./replies/command.ts";
import { gatherMethod } from "./replies/gather.ts";
import { handledReceipt } from "./replies/handled.ts";
import type { ReplyParts } from "./replies/parts.ts";
import { ReplyDesk } from "./replies/reply-desk.ts";

/** What the messages of a process, or of a client, share. */
export interface MessagingOptions {
  /** Names the process: who asks, and, as `/NAME`, who sends. */
  readonly name: string;
  readonly bindings: readonly Binding[];
  readonly checkSent: boolean;
  /** How long a receipt may take when nobody says otherwise, in milliseconds. */
  readonly deadlineMs: number;
  readonly interceptors: readonly Interceptor[];
  /** How long a broker that cannot be reached is dialled again when it is opened, in milliseconds. Default 0: it is told at once. */
  readonly patienceMs?: number;
  readonly env: Env;
}

/** Sends the messages of contracts by one broker, which is opened when it is first needed. */
export class Messaging {
  readonly options: MessagingOptions;
  readonly channels: Channels;
  readonly #open: () => Promise<Broker>;
  #opening: Promise<Sender> | undefined;
  #sender: Sender | undefined;
  readonly #declared = new Map<Channel, Promise<void>>();
  readonly #ready = new Set<Channel>();
  readonly #publishers = new WeakMap<AnyContract, object>();
  readonly parts: SendingParts;
  /** How what has replies is asked. */
  readonly #asking: ReplyParts;

  constructor(open: () => Promise<Broker>, options: MessagingOptions) {
    this.#open = open;
    this.options = options;
    this.channels = new Channels(options.bindings);
    this.parts = {
      source: `/${encodeURIComponent(options.name)}`,
      checkSent: options.checkSent,
      deadlineMs: options.deadlineMs,
      channelOf: (member) => this.channels.of(member),
      placementOf: (channel) => this.channels.placementOf(channel),
      brokerFor: (channel) => this.#brokerFor(channel),
      env: options.env,
    };
    this.#asking = {
      env: options.env,
      deadlineMs: options.deadlineMs,
      desk: async () => (await this.sender()).desk,
      channelOf: (member) => this.channels.of(member),
      post: (member, input, given, own) => sendMessage(member, input, given, this.parts, own),
    };
  }

  /** The broker, opened if it is not. A failure is told once: the next who asks tries again. */
  async sender(): Promise<Sender> {
    this.#opening ??= this.#begin();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #begin(): Promise<Sender> {
    const { env, name, patienceMs = 0 } = this.options;
    const broker = await patiently(env, patienceMs, this.#open);
    const desk = new ReplyDesk(broker, name, env);
    const publisher = new Publisher(broker, env, (channel) => this.channels.batchOf(channel));
    this.#sender = { broker, publisher, desk };
    return this.#sender;
  }

  #brokerFor(channel: Channel): Sender | Promise<Sender> {
    if (this.#sender !== undefined && this.#ready.has(channel)) return this.#sender;
    return this.#declaredAt(channel);
  }

  async #declaredAt(channel: Channel): Promise<Sender> {
    const sender = await this.sender();
    let declaring = this.#declared.get(channel);
    if (declaring === undefined) {
      declaring = sender.broker.declare([channel]).then(() => void this.#ready.add(channel));
      this.#declared.set(channel, declaring);
      declaring.catch(() => this.#declared.delete(channel));
    }
    await declaring;
    return sender;
  }

  /** Told by who has declared channels at a start: they need not be declared again. */
  declared(channels: readonly Channel[]): void {
    for (const channel of channels) this.#ready.add(channel);
  }

  /** What sends an operation, as it stands in a client and in `context.publish`. */
  method(member: Member): unknown {
    switch (member.operation.kind) {
      case "event":
      case "document":
        return publishMethod(member, this.parts, handledReceipt(member, this.#asking));
      case "command":
        return commandMethod(member, this.#asking);
      case "gather":
        return gatherMethod(member, this.#asking);
      default:
        return () => Promise.reject(notSent(member));
    }
  }

  /** The messages of a contract as functions; with `outputs` they are put there, to leave with the ack of what is being handled. */
  publisherOf(contract: AnyContract, outputs?: Outgoing[]): object {
    if (outputs !== undefined)
      return this.#made(contract, (member) => this.#joining(member, outputs));
    let made = this.#publishers.get(contract);
    if (made === undefined) {
      made = this.#made(contract, (member) => this.method(member));
      this.#publishers.set(contract, made);
    }
    return made;
  }

  #made(contract: AnyContract, methodOf: (member: Member) => unknown): object {
    const messages = membersOf(contract).filter(({ operation }) => isMessage(operation.kind));
    return Object.freeze(
      Object.fromEntries(messages.map((member) => [member.name, methodOf(member)])),
    );
  }

  #joining(member: Member, outputs: Outgoing[]): unknown {
    const { kind, name } = member.operation;
    if (kind !== "event" && kind !== "document")
      return () =>
        Promise.reject(
          systemError("UNIMPLEMENTED", `a ${kind} cannot leave in a transaction`, {
            executed: "no",
            operation: name,
            advice: "its reply would be waited for while nothing has left",
          }),
        );
    return async (value: unknown, options?: PublishOptions): Promise<Published> => {
      const outgoing = outgoingOf(member, value, options, this.parts);
      await this.#brokerFor(outgoing.channel);
      outputs.push(outgoing);
      return { id: outgoing.envelope.id, enqueued: "accepted" };
    };
  }

  /** Nothing more is sent; what is on its way gets its receipt, and replies are heard no more. The broker stays open: it is its owner's to close. */
  async settled(): Promise<void> {
    await this.#sender?.publisher.settled();
    await this.#sender?.desk.close();
  }
}

/** The channels of a contract's messages, each with its member. */
export function messagesOf(contract: AnyContract): readonly Member[] {
  return membersOf(contract).filter(({ operation }) => isMessage(operation.kind));
}

/** The member of a contract that a subscriber consumes. */
export function memberNamed(contract: AnyContract, name: string): Member {
  const member = membersOf(contract).find((each) => each.name === name);
  if (member !== undefined) return member;
  throw systemError("INTERNAL", `${contract[info].name} has no operation ${name}`, {
    executed: "no",
  });
}

function notSent({ operation }: Member): TrunklineError {
  return systemError("UNIMPLEMENTED", `a ${operation.kind} cannot be sent yet`, {
    executed: "no",
    operation: operation.name,
  });
}
