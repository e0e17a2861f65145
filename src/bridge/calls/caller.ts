import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { Publisher } from "../../messaging/publisher.ts";
import { Listening } from "../../messaging/replies/listening.ts";
import type { Attempt } from "../../protocol/attempt.ts";
import type { OwnContract, Operation } from "../../protocol/operation.ts";
import type { Caller, CallerState } from "../../protocol/protocol.ts";
import { itemBytesMaxDefault, outstandingMaxDefault } from "./bounds.ts";
import { PendingCall } from "./pending-call.ts";
import { isCarried, refuseWithoutReplies, requestChannel, requestOf } from "./request.ts";

/** The broker by which calls go. */
export interface BrokerSource {
  /** Where it is, without credentials. */
  readonly address: string;
  /** Connects when first asked for. Rejects when it cannot be reached; asked again it tries again. */
  open(): Promise<Broker>;
  /** It is not needed any more. */
  release(): Promise<void>;
}

export interface BrokerCallerOptions {
  /** Names this process to who serves, for their eyes only. Default `anonymous`. */
  readonly instance?: string | undefined;
  /** Calls under way, past which further ones are refused. Default 4,096. */
  readonly outstandingMax?: number | undefined;
  /** The largest input in bytes. Default 4 MiB, or what the broker takes. */
  readonly itemBytesMax?: number | undefined;
}

/** A connected broker, and what hears replies. */
interface Line {
  readonly broker: Broker;
  readonly publisher: Publisher;
  readonly listening: Listening;
  readonly replyto: string;
}

/**
 * Calls by way of a broker: requests wait in a queue of their contract until somebody serves it, replies come by a transient box
 * of this process. Nobody is connected to anybody, so giving up is local, and a reply that is lost leaves `maybe`.
 */
export class BrokerCaller implements Caller {
  readonly #source: BrokerSource;
  readonly #env: Env;
  readonly #options: BrokerCallerOptions;
  readonly #pending = new Set<PendingCall>();
  readonly #channels = new Map<OwnContract, Channel>();
  readonly #declared = new Map<Channel, Promise<void>>();
  #line: Promise<Line> | undefined;
  #ready = false;
  #closed = false;
  #emptied: (() => void) | undefined;

  constructor(source: BrokerSource, options: BrokerCallerOptions, env: Env) {
    this.#source = source;
    this.#options = options;
    this.#env = env;
  }

  get endpoint(): string {
    return this.#source.address;
  }

  get state(): CallerState {
    if (this.#closed) return "closed";
    if (this.#ready) return "ready";
    return this.#line === undefined ? "idle" : "connecting";
  }

  get waiting(): number {
    let waiting = 0;
    for (const { sent } of this.#pending) if (!sent) waiting++;
    return waiting;
  }

  async call(operation: Operation, input: unknown, attempt: Attempt): Promise<unknown> {
    return this.#ask(operation, input, attempt, true);
  }

  /** Resolves when the broker has it. */
  async notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    await this.#ask(operation, input, attempt, false);
  }

  stream(operation: Operation): never {
    throw notCarried(operation);
  }

  upload(operation: Operation): Promise<never> {
    return Promise.reject(notCarried(operation));
  }

  duplex(operation: Operation): never {
    throw notCarried(operation);
  }

  async close(withinMs: number = 0): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (withinMs > 0 && this.#pending.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#emptied = resolve;
      const alarm = alarmAt(this.#env, this.#env.now() + withinMs, resolve);
      await promise;
      this.#env.clear(alarm);
    }
    for (const pending of this.#pending) pending.cancel("shutdown");
    // The box is gone, or goes with the process; a broker that does not answer is not waited for.
    const closed = this.#line?.then(({ listening }) => listening.close()).catch(() => {});
    if (this.#ready) await closed;
    await this.#source.release();
  }

  #ask(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    answered: boolean,
  ): Promise<unknown> {
    if (!isCarried(operation)) throw notCarried(operation);
    if (this.#closed) throw systemError("CANCELLED", "the client is closed", { executed: "no" });
    const { outstandingMax = outstandingMaxDefault } = this.#options;
    if (this.#pending.size >= outstandingMax)
      throw systemError("RESOURCE_EXHAUSTED", `${outstandingMax} calls are under way already`, {
        executed: "no",
        gate: "outstanding",
        endpointFault: false,
      });
    const pending = new PendingCall(operation, attempt, this.#env, () => this.#left(pending));
    this.#pending.add(pending);
    attempt.bind(pending);
    pending.begin(attempt);
    if (!pending.over) void this.#send(pending, operation, input, attempt, answered);
    return pending.outcome;
  }

  #left(pending: PendingCall): void {
    this.#pending.delete(pending);
    if (this.#pending.size === 0) this.#emptied?.();
  }

  async #send(
    pending: PendingCall,
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    answered: boolean,
  ): Promise<void> {
    let request: Envelope | undefined;
    let line: Line | undefined;
    try {
      // Written at once: the input is the caller's, who may change it.
      const draft = requestOf(operation, input, attempt, undefined, this.#who, this.#env);
      checkSize(draft, this.#options.itemBytesMax ?? itemBytesMaxDefault);
      line = await this.#connected();
      const channel = this.#channelOf(operation);
      await this.#declaredAt(line.broker, channel);
      if (pending.over) return;
      const { replyto, listening, publisher } = line;
      const { bytesMax } = line.broker.capabilities;
      request = answered ? { ...draft, attributes: { ...draft.attributes, replyto } } : draft;
      checkSize(request, bytesMax);
      if (answered) listening.listen(request.id, pending);
      pending.sent = true;
      await publisher.publish({ channel, envelope: request }, Infinity);
      if (answered) await pending.outcome;
      else pending.resolve(undefined);
    } catch (error) {
      pending.fail(isTrunklineError(error) ? error : broken(error, pending.sent));
    } finally {
      if (request !== undefined && answered) line?.listening.unlisten(request.id);
    }
  }

  get #who(): string {
    return `/${encodeURIComponent(this.#options.instance ?? "anonymous")}`;
  }

  async #connected(): Promise<Line> {
    const connecting = (this.#line ??= this.#connect());
    try {
      return await connecting;
    } catch (error) {
      if (this.#line === connecting) this.#line = undefined; // who comes next tries again
      throw error;
    }
  }

  async #connect(): Promise<Line> {
    const broker = await this.#source.open();
    refuseWithoutReplies(broker);
    const listening = new Listening(broker);
    const replyto = await listening.address();
    this.#ready = true;
    return { broker, publisher: new Publisher(broker, this.#env), listening, replyto };
  }

  #channelOf({ owner, siblings }: Operation): Channel {
    let channel = this.#channels.get(owner);
    if (channel === undefined)
      this.#channels.set(owner, (channel = requestChannel(owner, siblings)));
    return channel;
  }

  /** Whoever asks first makes the queue: who serves may come later. */
  async #declaredAt(broker: Broker, channel: Channel): Promise<void> {
    let declaring = this.#declared.get(channel);
    if (declaring === undefined) {
      declaring = broker.declare([channel]).then(() => undefined);
      this.#declared.set(channel, declaring);
      declaring.catch(() => this.#declared.delete(channel));
    }
    await declaring;
  }
}

function checkSize({ data }: Envelope, bytesMax: number): void {
  if (data.byteLength <= bytesMax) return;
  const reason = `the input takes ${data.byteLength} bytes, ${bytesMax} are allowed`;
  throw systemError("RESOURCE_EXHAUSTED", reason, { executed: "no", endpointFault: false });
}

function notCarried({ kind, name }: Operation): TrunklineError {
  return systemError("UNIMPLEMENTED", `a broker carries no ${kind}`, {
    executed: "no",
    operation: name,
    advice: "ask for it over a connection: unix:, tcp:, tls:",
  });
}

function broken(cause: unknown, sent: boolean): TrunklineError {
  const executed = sent ? "maybe" : "no";
  return systemError("INTERNAL", "the broker's adapter failed", { executed, cause });
}
