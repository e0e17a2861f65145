import { channels } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import { unwanted } from "../../call/expiry.ts";
import { incident } from "../../call/incident.ts";
import type { Member } from "../../call/compile.ts";
import { iteratorOf } from "../../call/items.ts";
import { ClaimedWork } from "../../call/keys/claimed-work.ts";
import { KeyedWork } from "../../call/keys/keyed-work.ts";
import type { Demand } from "../../call/load/demand.ts";
import type { Lane } from "../../call/load/lane.ts";
import type { LoadGate } from "../../call/load/load-gate.ts";
import { Meter, type OperationStats } from "../../call/meter.ts";
import { Pump } from "../../call/pump.ts";
import { SendOrder } from "../../call/send-order.ts";
import type { Serving } from "../../call/serve.ts";
import type { ServingOptions } from "../../call/served.ts";
import { isStreaming } from "../../contract/kinds.ts";
import { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { ItemSource, Sink, Source, StreamOptions } from "../../protocol/protocol.ts";
import { cancelling, type Director, type Onward } from "./onward.ts";

/** Whoever receives items checks them; in between they are handed on as they are. */
const unchecked: Pick<StreamOptions, "accept" | "settled"> = {
  accept: (item) => item,
  settled: (failure) => failure,
};

/**
 * One operation that somebody else serves: each request goes on to where the director says, with its deadline, its trace and its
 * credit, and what comes back is told as it came. `executed` is what the serving side said: nothing runs here.
 */
export class Forwarded implements Serving {
  readonly operation: Operation;
  readonly #member: Member;
  readonly #director: Director;
  readonly #authorize: ServingOptions["authorize"];
  readonly #env: Env;
  readonly #meter = new Meter();
  readonly #idleMs: number;
  /** Of each connection, where order is promised: whoever waits for leave holds up those behind it. */
  readonly #orders: WeakMap<Peer, SendOrder> | undefined;
  /** Only where a request is recognised by its key. */
  readonly #keyed: KeyedWork | undefined;
  readonly #gate: LoadGate | undefined;
  readonly #demand: Demand | undefined;

  constructor(
    member: Member,
    director: Director,
    { authorize, keys, gate }: ServingOptions,
    env: Env,
  ) {
    this.#gate = gate;
    this.#demand = gate?.demandOf(member.operation);
    this.operation = member.operation;
    this.#member = member;
    this.#director = director;
    this.#authorize = authorize;
    this.#env = env;
    this.#idleMs = member.declared.idleMs ?? Infinity;
    const { idempotent, ordered } = member.operation;
    if (ordered) this.#orders = new WeakMap();
    if (idempotent === "by-key" && keys !== undefined && !member.streaming)
      this.#keyed = new KeyedWork(
        new ClaimedWork(keys, member.operation, env),
        member.operation,
        env,
      );
  }

  stats(): OperationStats {
    return this.#meter.stats(this.operation);
  }

  refused(code: string): void {
    this.#meter.refused(code);
  }

  incident(exception: unknown): TrunklineError {
    return incident(exception, this.#member, this.#env);
  }

  /** Gives up what runs under keys: nobody else does. */
  cut(): void {
    this.#keyed?.cut();
  }

  handle(input: unknown, incoming: Incoming): Promise<unknown> {
    const keyed = this.#keyed;
    return this.#forward(incoming, async (onward) => {
      const { idempotencyKey } = onward.attempt;
      if (keyed === undefined || incoming.idempotencyKey === undefined)
        return this.#send(input, onward);
      // Who comes again may be sent to another instance, which does not know his key: here it is known.
      const known = withKey(incoming, idempotencyKey!);
      return keyed.run(input, known, {
        run: (own) => {
          own.bind(cancelling(onward.attempt));
          return this.#send(input, onward);
        },
        told: (failure) => Promise.resolve(failure as TrunklineError),
      });
    });
  }

  async #send(input: unknown, { caller, attempt, around }: Onward): Promise<unknown> {
    const { operation } = this;
    const send = (): Promise<unknown> =>
      operation.kind === "notification"
        ? caller.notify(operation, input, attempt)
        : caller.call(operation, input, attempt);
    const output = await (around === undefined ? send() : around(input, send));
    return this.#member.declared.out === undefined ? undefined : output;
  }

  stream(input: unknown, incoming: Incoming, sink: Sink): Promise<void> {
    return this.#forward(incoming, ({ caller, attempt }) => {
      const options = { ...unchecked, idleMs: this.#idleMs };
      const answers = caller.stream(this.operation, input, attempt, options);
      return this.#pumped(answers, sink, incoming);
    });
  }

  upload(head: unknown, items: ItemSource, incoming: Incoming): Promise<unknown> {
    return this.#forward(incoming, async ({ caller, attempt }) => {
      const sent = new SentOn(items);
      const options = { idleMs: this.#idleMs };
      try {
        return await caller.upload(this.operation, head, sent.source, attempt, options);
      } finally {
        sent.stop();
      }
    });
  }

  duplex(head: unknown, items: ItemSource, incoming: Incoming, sink: Sink): Promise<void> {
    return this.#forward(incoming, async ({ caller, attempt }) => {
      const sent = new SentOn(items);
      const options = { ...unchecked, idleMs: this.#idleMs };
      try {
        const answers = caller.duplex(this.operation, head, sent.source, attempt, options);
        await this.#pumped(answers, sink, incoming);
      } finally {
        sent.stop();
      }
    });
  }

  async #forward<Answer>(
    incoming: Incoming,
    send: (onward: Onward) => Promise<Answer>,
  ): Promise<Answer> {
    this.#meter.begun++;
    let code = "OK";
    let onward: Onward | undefined;
    let lane: Lane | undefined;
    try {
      if (this.#gate !== undefined) {
        const admitted = this.#gate.room(this.#demand!, incoming);
        lane = admitted instanceof Promise ? await admitted : admitted;
      }
      onward = await this.#directed(incoming);
      incoming.bind(cancelling(onward.attempt));
      return await send(onward);
    } catch (failure) {
      const error = isTrunklineError(failure) ? failure : this.#unexpected(failure, onward);
      ({ code } = error);
      throw error;
    } finally {
      onward?.settled?.();
      // How long others take says nothing of what is to do here; the event loop does.
      if (lane !== undefined) this.#gate!.leave(this.#demand!, lane, "done", 0, this.#env.now());
      this.#ended(incoming, code);
    }
  }

  /** Where it goes on; at once, unless somebody has to be asked. */
  #directed(incoming: Incoming): Onward | Promise<Onward> {
    const { peer } = incoming;
    const authorize = this.#authorize;
    const direct = (): Onward | Promise<Onward> => this.#director.direct(this.operation, incoming);
    const directed =
      authorize === undefined ? direct() : this.#letIn(authorize, incoming).then(direct);
    const orders = this.#orders;
    if (orders === undefined) return directed;
    let order = orders.get(peer);
    if (!(directed instanceof Promise) && order?.busy !== true) return directed;
    if (order === undefined) orders.set(peer, (order = new SendOrder()));
    const asking = Promise.resolve(directed);
    return order.pass(asking.then(() => {})).then(() => asking);
  }

  async #letIn(authorize: NonNullable<ServingOptions["authorize"]>, incoming: Incoming) {
    if (!(await authorize(incoming.peer, this.operation)))
      throw systemError("PERMISSION_DENIED", `the caller may not use ${this.operation.name}`, {
        executed: "no",
      });
    const refusal = unwanted(incoming, this.#env.now());
    if (refusal !== undefined) throw refusal;
  }

  /** Until it was directed, nothing had left. */
  #unexpected(exception: unknown, onward: Onward | undefined): TrunklineError {
    if (onward === undefined)
      return incident(exception, this.#member, this.#env, "no", "it could not be handed on");
    const { id, reason } = incident(exception, this.#member, this.#env);
    return systemError("INTERNAL", reason, { executed: "maybe", id });
  }

  async #pumped(
    items: AsyncIterableIterator<unknown>,
    sink: Sink,
    incoming: Incoming,
  ): Promise<void> {
    const unsent = await new Pump(iteratorOf(items), sink, undefined).run();
    if (unsent !== undefined) throw unsent;
    if (incoming.cancelled === undefined) return;
    // Items that were stopped are not complete: nobody may be told their end.
    throw systemError("CANCELLED", "it was given up before its last item", { executed: "maybe" });
  }

  #ended({ receivedAt, trace, peer }: Incoming, code: string): void {
    const durationMs = this.#env.now() - receivedAt;
    this.#meter.ended(code, durationMs);
    const { name, kind } = this.operation;
    const channel = isStreaming(kind) ? channels.stream : channels.call;
    if (!channel.hasSubscribers) return;
    channel.publish({
      side: "server",
      operation: name,
      kind,
      traceparent: trace?.traceparent ?? "",
      endpoint: peer.address,
      code,
      durationMs,
    });
  }
}

/** The request under the key by which it goes on; given up together with it. */
function withKey(incoming: Incoming, key: string): Incoming {
  const { peer, deadlineAt, totalAt, trace, headers, receivedAt, lane, tries, once } = incoming;
  const known = new Incoming(peer, deadlineAt, totalAt, trace, key, headers, receivedAt);
  known.lane = lane;
  known.tries = tries;
  known.once = once;
  incoming.bind(known);
  return known;
}

/** The items of a caller on their way on: taken only when the next side asks for them. */
class SentOn {
  readonly #items: ItemSource;
  #pump: Pump | undefined;
  #stopped = false;

  constructor(items: ItemSource) {
    this.#items = items;
  }

  /** Opened when the next side has accepted: until then our caller has not been accepted either. */
  readonly source: Source = async (sink) => {
    if (this.#stopped) return;
    this.#pump = new Pump(this.#items.open(unchecked.accept), sink, undefined);
    const unsent = await this.#pump.run();
    if (unsent !== undefined) throw unsent;
  };

  /** Nobody takes any more. */
  stop(): void {
    this.#stopped = true;
    this.#pump?.cancel();
  }
}
