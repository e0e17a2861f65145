import { AsyncResource } from "node:async_hooks";
import type { Channel } from "node:diagnostics_channel";
import { channels, type CallEvent } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import type { Stall } from "../base/pulse.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import { intercept, type Context, type Interceptor } from "../base/handler.ts";
import { kinds } from "../contract/kinds.ts";
import type { Validation } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { CancelReason } from "../protocol/attempt.ts";
import type { Incoming } from "../protocol/incoming.ts";
import type { Operation } from "../protocol/operation.ts";
import type { ItemSource, ServedOperation, Sink } from "../protocol/protocol.ts";
import type { Retirement } from "../protocol/retirement.ts";
import { Admission } from "./admission.ts";
import type { Authorize, Refusal } from "./authorization.ts";
import type { Member } from "./compile.ts";
import { passingCopies } from "./copied-context.ts";
import { errorMakers } from "./declared-errors.ts";
import { escaped } from "./escaped.ts";
import { outlived } from "./expiry.ts";
import { HandlerItems } from "./handler-items.ts";
import { incident } from "./incident.ts";
import { isItems, iteratorOf } from "./items.ts";
import type { KeyOrder } from "./key-order.ts";
import { doingOf, type KeysOptions } from "./keys/doing.ts";
import { KeyedWork } from "./keys/keyed-work.ts";
import type { Work } from "./keys/work.ts";
import type { Demand } from "./load/demand.ts";
import type { Lane } from "./load/lane.ts";
import type { LoadGate, WorkEnd } from "./load/load-gate.ts";
import { Meter, type OperationStats } from "./meter.ts";
import { Pump } from "./pump.ts";
import { currentContext, ServedContext } from "./served-context.ts";

/** How an operation is served, the same for all operations of a server. */
export interface ServingOptions extends KeysOptions {
  readonly interceptors: readonly Interceptor[];
  /** Checks what handlers send too, not only what they receive. */
  readonly checkSent: boolean;
  /** Who may use what. Absent: everybody who has connected, everything. */
  readonly authorize?: Authorize | undefined;
  /** What the process takes on at once. Absent: whatever the protocols let through. */
  readonly gate?: LoadGate | undefined;
  /** The class of contexts, where handlers are given more than a context has of itself. Absent: `ServedContext`. */
  readonly context?: typeof ServedContext | undefined;
}

/** One operation with its handler: validation, order per key, context, and the truth about what came of it. */
export class Served implements ServedOperation {
  readonly operation: Operation;
  readonly retirement: Retirement | undefined;
  readonly #member: Member;
  /** The user's function within the interceptors. It may throw, and may answer at once. */
  readonly #handler: (input: unknown, context: Context) => unknown;
  readonly #errors: object;
  readonly #options: ServingOptions;
  readonly #env: Env;
  /** Where handlers run: the asynchronous context in which the server was made, whoever's frame has just been read. */
  readonly #scope = new AsyncResource("trunkline.served", { requireManualDestroy: true });
  readonly #admission: Admission;
  readonly #gate: LoadGate | undefined;
  readonly #demand: Demand | undefined;
  readonly #keyed: KeyedWork | undefined;
  readonly #meter = new Meter();
  readonly #channel: Channel;
  readonly #Context: typeof ServedContext;

  constructor(
    member: Member,
    handlers: object,
    options: ServingOptions,
    env: Env,
    retirement?: Retirement,
  ) {
    this.operation = member.operation;
    this.retirement = retirement;
    this.#member = member;
    this.#errors = errorMakers(member);
    this.#options = options;
    this.#Context = options.context ?? ServedContext;
    this.#env = env;
    this.#admission = new Admission(options.authorize, member, this.#scope, env);
    this.#gate = options.gate;
    this.#demand = options.gate?.demandOf(this.operation);
    const doing = doingOf(member, options, env);
    if (doing !== undefined) this.#keyed = new KeyedWork(doing, this.operation, env);
    this.#channel = member.streaming ? channels.stream : channels.call;
    const handler = methodOf(member, handlers);
    // Interceptors may rely on a promise; without them one less is made for each call.
    this.#handler =
      options.interceptors.length === 0
        ? handler
        : intercept(
            async (input, context) => handler(input, context),
            options.interceptors.map(passingCopies),
          );
  }

  /** Whose turn it is among requests of one key; older versions that this one serves stand there too. */
  get order(): KeyOrder {
    return this.#admission.order;
  }

  stats(): OperationStats {
    const stats = this.#meter.stats(this.operation, this.#admission.waiting);
    const { transactional } = this.#keyed ?? {};
    return transactional === undefined ? stats : { ...stats, transactional };
  }

  handle(input: unknown, incoming: Incoming): Promise<unknown> {
    return this.#begin(input, incoming, undefined, undefined);
  }

  stream(input: unknown, incoming: Incoming, sink: Sink): Promise<void> {
    return this.#begin(input, incoming, undefined, sink) as Promise<void>;
  }

  upload(head: unknown, items: ItemSource, incoming: Incoming): Promise<unknown> {
    return this.#begin(head, incoming, items, undefined);
  }

  duplex(head: unknown, items: ItemSource, incoming: Incoming, sink: Sink): Promise<void> {
    return this.#begin(head, incoming, items, sink) as Promise<void>;
  }

  refused(code: string): void {
    this.#meter.refused(code);
  }

  incident(exception: unknown): TrunklineError {
    return incident(exception, this.#member, this.#env);
  }

  /** `first` is the input, or the head before the `items` that come; what the handler gives goes into the `sink`, if there is one. */
  #begin(
    first: unknown,
    incoming: Incoming,
    items: ItemSource | undefined,
    sink: Sink | undefined,
  ): Promise<unknown> {
    this.#meter.begun++;
    const context = new this.#Context(this.operation, this.#errors, incoming, this.#env);
    if (items !== undefined) context.items = new HandlerItems(items, this.#member, this.#env);
    const stall = this.#env.pulse?.pile(incoming.receivedAt);
    return stall === undefined
      ? this.#admit(first, incoming, context, sink)
      : this.#admitAfter(stall, first, incoming, context, sink);
  }

  /** After a stall all that has piled up is read first: what was given up stands behind what asked for it. */
  async #admitAfter(
    stall: Stall,
    first: unknown,
    incoming: Incoming,
    context: ServedContext,
    sink: Sink | undefined,
  ): Promise<unknown> {
    await stall.read;
    const refusal = outlived(incoming, this.#env.now(), stall.lengthMs);
    return refusal === undefined
      ? this.#admit(first, incoming, context, sink)
      : this.#serve(first, incoming, context, sink, refusal);
  }

  #admit(
    first: unknown,
    incoming: Incoming,
    context: ServedContext,
    sink: Sink | undefined,
  ): Promise<unknown> {
    return this.#admission.open
      ? this.#serve(first, incoming, context, sink)
      : this.#admission.admit(first, incoming, context, (refusal) =>
          this.#serve(first, incoming, context, sink, refusal),
        );
  }

  async #serve(
    first: unknown,
    incoming: Incoming,
    context: ServedContext,
    sink: Sink | undefined,
    refusal?: Refusal,
  ): Promise<unknown> {
    let code = "OK";
    let ending: WorkEnd = "ignored";
    let lane: Lane | undefined;
    let waitedUntil: number | undefined;
    let running = false; // what is thrown is the handler's
    try {
      if (refusal !== undefined) throw refusal;
      if (this.#gate !== undefined) {
        lane = this.#gate.enter(this.#demand!, incoming);
        if (lane === undefined) {
          lane = await this.#room(this.#gate, incoming, context);
          waitedUntil = this.#env.now();
        }
      }
      const checked = validate(this.#member.first, first);
      const valid = isPending(checked) ? await checked : checked;
      if (valid.issues !== undefined) throw invalidFirst(this.#member, valid.issues);
      this.#admission.refuseExpired(incoming, checked !== valid || waitedUntil !== undefined);
      const { items } = context;
      if (items !== undefined) context.head = valid.value;
      const input = items ?? valid.value;
      if (this.#keyed?.takes(incoming) === true) {
        const output = await this.#keyed.run(first, incoming, this.#work(input));
        ending = "done";
        return output;
      }
      running = true;
      if (sink === undefined) {
        const output = await this.#around(incoming, input, context);
        ending = "done";
        return output;
      }
      const unsent = await context.run(this.#scope, this.#pumpInto(sink), input);
      running = false;
      if (unsent !== undefined) throw unsent;
      // Items that were stopped are not complete: nobody may be told their end.
      if (context.cancelled !== undefined) throw cutShort(context.cancelled);
      return undefined;
    } catch (failure) {
      const error = this.#told(running ? await this.#escaped(failure, context) : failure);
      ({ code } = error);
      if (running) ending = error.declared ? "done" : "ignored";
      throw error;
    } finally {
      context.settle();
      const now = this.#env.now();
      const durationMs = now - incoming.receivedAt;
      this.#meter.ended(code, durationMs);
      if (lane !== undefined) {
        if (running && now >= incoming.deadlineAt) ending = "late";
        this.#gate!.leave(
          this.#demand!,
          lane,
          ending,
          now - (waitedUntil ?? incoming.receivedAt),
          now,
        );
      }
      if (this.#channel.hasSubscribers)
        this.#channel.publish(this.#event(context, durationMs, code));
    }
  }

  async #room(gate: LoadGate, incoming: Incoming, context: ServedContext): Promise<Lane> {
    const entry = gate.wait(this.#demand!, incoming);
    context.adopt(entry);
    try {
      return await entry.admitted;
    } finally {
      context.release(entry);
    }
  }

  #around({ around }: Incoming, input: unknown, context: ServedContext): Promise<unknown> {
    if (around === undefined) return this.#output(input, context);
    return around(() => this.#output(input, context));
  }

  async #output(input: unknown, context: ServedContext): Promise<unknown> {
    const output = await context.run(this.#scope, this.#handler, input);
    const checking = this.#options.checkSent ? this.#checkOutput(output) : undefined;
    if (checking !== undefined) await checking;
    return this.#member.declared.out === undefined ? undefined : output;
  }

  /** The work of a key: in a context of its own each time, because it outlives the request that has begun it. */
  #work(input: unknown): Work {
    let context: ServedContext;
    return {
      run: async (incoming) => {
        context = new this.#Context(this.operation, this.#errors, incoming, this.#env);
        try {
          return await this.#output(input, context);
        } finally {
          context.settle();
        }
      },
      told: (exception) => this.#escaped(exception, context),
    };
  }

  /** Gives up what runs under keys: nobody else does. */
  cut(): void {
    this.#keyed?.cut();
  }

  #escaped(exception: unknown, context: ServedContext): Promise<TrunklineError> {
    return escaped(exception, this.#member, context, this.#options.checkSent, this.#env);
  }

  /** Runs the handler and puts the items that it gives into the sink. */
  #pumpInto(sink: Sink) {
    const check = this.#options.checkSent ? this.#checkItem : undefined;
    return async (input: unknown, context: ServedContext): Promise<TrunklineError | undefined> => {
      const items = await this.#handler(input, context);
      if (!isItems(items)) throw new TypeError("the handler did not return an iterable of items");
      const pump = new Pump(iteratorOf(items), sink, check);
      context.adopt(pump);
      try {
        return await pump.run();
      } finally {
        context.release(pump);
      }
    };
  }

  /** Whatever is not an error of ours comes from a schema's own code: the handler did not begin. */
  #told(failure: unknown): TrunklineError {
    const error = isTrunklineError(failure)
      ? failure
      : incident(failure, this.#member, this.#env, "no");
    if (error.executed === "no" && channels.refusal.hasSubscribers) {
      channels.refusal.publish({
        operation: this.operation.name,
        code: error.code,
        reason: error.reason,
      });
    }
    return error;
  }

  /** Throws when it is not valid; to be waited for only when the schema is asynchronous. */
  #checkOutput(output: unknown): Promise<void> | undefined {
    const checked = validate(this.#member.declared.out, output);
    if (isPending(checked)) return checked.then((valid) => refuseMisfit("the output", valid));
    return refuseMisfit("the output", checked);
  }

  readonly #checkItem = (item: unknown): Promise<undefined> | undefined => {
    const checked = validate(this.#member.declared.out, item);
    if (isPending(checked)) return checked.then((valid) => refuseMisfit("an item", valid));
    return refuseMisfit("an item", checked);
  };

  #event(context: ServedContext, durationMs: number, code: string): CallEvent {
    const { traceparent } = context.trace;
    return {
      side: "server",
      operation: this.operation.name,
      kind: this.operation.kind,
      traceparent,
      endpoint: context.peer.address,
      code,
      durationMs,
    };
  }
}

/** Called as a method, and looked up for each request, so that an instance of a class serves. */
function methodOf(
  { name, operation }: Member,
  handlers: object,
): (input: unknown, context: Context) => unknown {
  const own = handlers as Record<string, (input: unknown, context: Context) => unknown>;
  if (kinds[operation.kind].sends === "one") return (input, context) => own[name]!(input, context);
  return (input, context) => {
    // Not before: the caller must not send anything to interceptors that then refuse it.
    currentContext()?.items?.open();
    return own[name]!(input, context);
  };
}

function cutShort(reason: CancelReason): TrunklineError {
  const executed = "yes";
  return reason === "deadline"
    ? systemError("DEADLINE_EXCEEDED", "its time was over before its last item", { executed })
    : systemError("CANCELLED", "it was given up before its last item", { executed });
}

function refuseMisfit(what: string, { issues }: Validation<unknown>): undefined {
  if (issues === undefined) return undefined;
  throw new TypeError(`${what} does not match the contract: ${explain(issues)}`);
}

function invalidFirst(
  { firstName }: Member,
  issues: Parameters<typeof explain>[0],
): TrunklineError {
  return systemError(
    "INVALID_ARGUMENT",
    `the ${firstName} does not match the contract: ${explain(issues)}`,
    { executed: "no" },
  );
}
