import { alarmAt, sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { SystemCode } from "../../base/outcome.ts";
import type { Peer } from "../../base/peer.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Broker, Consumer, Delivery } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { json } from "../../codec/json.ts";
import { RecentReplies } from "../../messaging/replies/recent-replies.ts";
import { Replier, type ReplyingOperation } from "../../messaging/replies/replier.ts";
import type { Outcome } from "../../messaging/replies/reply.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { ContractName } from "../../protocol/operation.ts";
import type { Dispatcher, ServedOperation } from "../../protocol/protocol.ts";
import { inFlightMaxDefault } from "./bounds.ts";
import { incomingOf, inputOf, isCarried, refuseWithoutReplies, requestChannel } from "./request.ts";

export interface CallServerOptions {
  /** Requests of one contract under way, past which the broker keeps the others. Default 1,024. */
  readonly inFlightMax?: number | undefined;
  /** Contracts that nobody is to ask for by way of a broker. Default none. */
  readonly leavesOut?: ((contract: string) => boolean) | undefined;
}

/** What serves requests that come by way of a broker. */
export interface CallServer {
  /** Requests under way. */
  readonly inFlight: number;
  /**
   * Takes no more requests and lets those under way end. Resolves with how many were still under way when `withinMs` was over;
   * those are cancelled. What was not begun goes to others.
   */
  drain(withinMs: number): Promise<number>;
}

/**
 * Serves the calls and notifications of all contracts that the dispatcher lists, each from the queue of its requests. The reply is with the broker
 * before the request is acked. One that comes again was begun by somebody whose reply nobody knows of: it is done again
 * where its operation is idempotent, else its caller is told `maybe`. Rejects when the broker refuses, and with UNIMPLEMENTED where it has
 * no replies.
 */
export async function serveCalls(
  broker: Broker,
  dispatcher: Dispatcher,
  options: CallServerOptions,
  env: Env,
): Promise<CallServer> {
  refuseWithoutReplies(broker);
  const queues = new Map<string, { readonly owner: ContractName; readonly channel: Channel }>();
  for (const { operation } of dispatcher.list()) {
    const { owner, siblings } = operation;
    const name = `${owner.name}@${owner.major}`;
    if (options.leavesOut?.(owner.name) === true || queues.has(name)) continue;
    if (siblings.some(isCarried))
      queues.set(name, { owner, channel: requestChannel(owner, siblings) });
  }
  const server = new Server(broker, dispatcher, env);
  await broker.declare([...queues.values()].map(({ channel }) => channel));
  const { inFlightMax = inFlightMaxDefault } = options;
  for (const { owner, channel } of queues.values())
    await server.consume(owner, channel, inFlightMax);
  return server;
}

/** Replies that are remembered of requests that the broker has not settled; the oldest go first. */
const unsettledMax = 10_000;
/** After that many deliveries a reply that cannot be sent is given up. */
const replyTriesMax = 5;

class Server implements CallServer {
  readonly #broker: Broker;
  readonly #dispatcher: Dispatcher;
  readonly #env: Env;
  readonly #peer: Peer;
  readonly #consumers: Consumer[] = [];
  /** What is under way, by the id of its request. */
  readonly #running = new Map<string, Running>();
  /** Replies to requests that the broker has not settled: it delivers them again. */
  readonly #unsettled = new RecentReplies(unsettledMax);
  /** Those that would know when some request has ended. */
  readonly #watchers: (() => void)[] = [];
  #stopped = false;
  #emptied: (() => void) | undefined;

  constructor(broker: Broker, dispatcher: Dispatcher, env: Env) {
    this.#broker = broker;
    this.#dispatcher = dispatcher;
    this.#env = env;
    this.#peer = { address: broker.address, sameHost: false };
  }

  get inFlight(): number {
    return this.#running.size;
  }

  async consume(owner: ContractName, channel: Channel, prefetch: number): Promise<void> {
    // What is under way ends before its shard goes to another server: it would be told that nobody knows.
    const revoking = (shard: string): Promise<void> => this.#left(channel.name, shard);
    const subscription = { channel, group: undefined, prefetch, revoking };
    const consumer = await this.#broker.consume(subscription, (batch) => {
      for (const delivery of batch) void this.#deliver(owner, channel.name, delivery);
    });
    this.#consumers.push(consumer);
  }

  async drain(withinMs: number): Promise<number> {
    for (const consumer of this.#consumers) consumer.pause();
    if (withinMs > 0 && this.#running.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#emptied = resolve;
      const alarm = alarmAt(this.#env, this.#env.now() + withinMs, resolve);
      await promise;
      this.#env.clear(alarm);
    }
    this.#stopped = true;
    this.#watchers.splice(0).forEach((tell) => tell());
    const cut = this.#running.size;
    for (const { incoming } of this.#running.values()) incoming.cancel("shutdown");
    await Promise.all(this.#consumers.map((consumer) => consumer.close()));
    return cut;
  }

  /** Resolves when nothing of a shard is under way; the broker waits no longer than it likes. */
  async #left(channel: string, shard: string): Promise<void> {
    const own = (running: Running): boolean =>
      running.channel === channel && running.delivery.shard === shard;
    while (!this.#stopped && [...this.#running.values()].some(own))
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  async #deliver(owner: ContractName, channel: string, delivery: Delivery): Promise<void> {
    const { envelope } = delivery;
    if (this.#stopped) return; // closing the consumer lets go of it
    if (delivery.malformed !== undefined || envelope.id === "") {
      await settled(delivery.ack()); // nobody knows who has asked
      return;
    }
    const before = this.#running.get(envelope.id);
    if (before !== undefined) {
      before.delivery = delivery; // the first one is lost together with its connection
      return;
    }
    const incoming = incomingOf(envelope, this.#peer, this.#env);
    const running: Running = { channel, incoming, delivery };
    this.#running.set(envelope.id, running);
    try {
      const reply = this.#unsettled.get(envelope.id) ?? (await this.#reply(owner, running));
      await this.#settle(running, reply);
    } finally {
      this.#running.delete(envelope.id);
      if (this.#running.size === 0) this.#emptied?.();
      this.#watchers.splice(0).forEach((tell) => tell());
    }
  }

  /** Does what is asked for, once, and composes the reply; undefined where nobody waits for one. */
  async #reply({ name, major }: ContractName, running: Running): Promise<Envelope | undefined> {
    const { envelope } = running.delivery;
    const { type } = envelope;
    const member = type.startsWith(`${name}.`) ? type.slice(name.length + 1) : type;
    const found = this.#dispatcher.find(name, major, member);
    const served = found !== undefined && isCarried(found.operation) ? found : undefined;
    const outcome = await (served === undefined
      ? { failure: unserved(`${name}@${major}`, member) }
      : this.#outcome(served, running));
    if (envelope.attributes[attribute.replyto] === undefined) return undefined;
    const replier = new Replier(this.#broker, served ?? nothing(type), this.#env);
    return replier.compose(envelope, outcome);
  }

  async #outcome(served: ServedOperation, running: Running): Promise<Outcome> {
    const { operation } = served;
    const { incoming, delivery } = running;
    const { envelope, attempt, redelivered } = delivery;
    const again = attempt > 1 || redelivered;
    const refuse = (failure: TrunklineError): Outcome => {
      served.refused?.(failure.code);
      return { failure: again ? perhapsBefore(failure) : failure };
    };
    if (again && operation.idempotent !== true) return refuse(begunElsewhere());
    if (incoming.deadlineAt <= this.#env.now()) return refuse(tooLate());
    let input: unknown;
    try {
      input = inputOf(operation, envelope);
    } catch (cause) {
      const reason = `the input cannot be read as ${operation.first.name}`;
      return refuse(systemError("INVALID_ARGUMENT", reason, { executed: "no", cause }));
    }
    try {
      return { output: await this.#handled(served, input, running) };
    } catch (exception) {
      const failure = isTrunklineError(exception) ? exception : served.incident(exception);
      return { failure: again ? perhapsBefore(failure) : failure };
    }
  }

  /**
   * What the process has no room for waits here, and others wait at the broker meanwhile: nobody who asks by way of a queue wants to come
   * again by himself. Those of one key would change their order: they are told.
   */
  async #handled(served: ServedOperation, input: unknown, running: Running): Promise<unknown> {
    for (;;) {
      try {
        return await served.handle(input, running.incoming);
      } catch (failure) {
        const waitMs = served.operation.ordered ? undefined : roomIn(failure);
        const { incoming } = running;
        const onTime = waitMs !== undefined && this.#env.now() + waitMs < incoming.deadlineAt;
        if (!onTime || this.#stopped) throw failure;
        await sleep(this.#env, waitMs);
        if (this.#stopped) throw failure;
        running.incoming = incoming.apart();
      }
    }
  }

  /** The reply goes first: acked without it, the request would be lost with this process. */
  async #settle(running: Running, reply: Envelope | undefined): Promise<void> {
    const { envelope } = running.delivery;
    if (reply !== undefined) {
      this.#unsettled.add(envelope.id, reply);
      try {
        await new Replier(this.#broker, nothing(envelope.type), this.#env).send(envelope, reply);
      } catch {
        // It comes again, here or elsewhere; whoever has asked does not wait for ever, and so do we not.
        if (running.delivery.attempt <= replyTriesMax) {
          await settled(running.delivery.release());
          return;
        }
      }
    }
    if (await settled(running.delivery.ack())) this.#unsettled.forget(envelope.id);
  }
}

/** One request under way. */
interface Running {
  readonly channel: string;
  /** The last one, when there was no room for the first. */
  incoming: Incoming;
  /** By which it is settled: the last one, when it came again meanwhile. */
  delivery: Delivery;
}

/** After how many milliseconds there may be room; undefined: it is not for want of room that it failed. */
function roomIn(failure: unknown): number | undefined {
  if (!isTrunklineError(failure) || failure.executed !== "no") return undefined;
  const { gate, retryAfterMs } = failure;
  return gate === "admission" && typeof retryAfterMs === "number" ? retryAfterMs : undefined;
}

/** True when the broker has settled it; else it delivers it again. */
function settled(work: Promise<void>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

/** What replies where nothing is served. */
function nothing(type: string): ReplyingOperation {
  const failure = (): TrunklineError =>
    systemError("INTERNAL", "the reply cannot be written", { executed: "maybe" });
  return { operation: { name: type, output: json }, incident: failure };
}

function unserved(contract: string, member: string): TrunklineError {
  return systemError("UNIMPLEMENTED", `${contract} is served here without ${member}`, {
    executed: "no",
    advice: "the server may be older: look at its version of the contract",
  });
}

function begunElsewhere(): TrunklineError {
  const reason = "whoever had the request before is gone, and may have done it";
  return systemError("UNAVAILABLE", reason, {
    executed: "maybe",
    advice: "find out first, or declare the operation idempotent",
  });
}

function tooLate(): TrunklineError {
  const reason = "the deadline was over before anybody took the request";
  return systemError("DEADLINE_EXCEEDED", reason, { executed: "no" });
}

/** It was delivered before: what did not happen now may have happened then. */
function perhapsBefore(failure: TrunklineError): TrunklineError {
  if (failure.executed !== "no") return failure;
  const { code, reason, advice, id, retryAfterMs, gate } = failure;
  const executed = "maybe";
  return systemError(code as SystemCode, reason, { executed, advice, id, retryAfterMs, gate });
}
