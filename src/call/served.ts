import { AsyncResource } from "node:async_hooks";
import type { Channel } from "node:diagnostics_channel";
import { channels, type CallEvent } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import type { Stall } from "../base/pulse.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import { intercept, type Context, type Interceptor } from "../base/handler.ts";
import { isThenable } from "../base/thenable.ts";
import { kinds } from "../contract/kinds.ts";
import type { Validation } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { CancelReason } from "../protocol/attempt.ts";
import type { Incoming } from "../protocol/incoming.ts";
import type { Operation } from "../protocol/operation.ts";
import type { ItemSource, ServedOperation, Sink } from "../protocol/protocol.ts";
import type { Retirement } from "../protocol/retirement.ts";
import { Admission } from "./admission.ts";
import type { Authorize } from "./authorization.ts";
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
import type { LoadGate } from "./load/load-gate.ts";
import { Meter, type OperationStats } from "./meter.ts";
import { Pump } from "./pump.ts";
import { currentContext, ServedContext } from "./served-context.ts";
import { ServedRun } from "./served-run.ts";

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

  handle(input: unknown, incoming: Incoming): unknown {
    return this.#begin(input, incoming, undefined, undefined);
  }

  async stream(input: unknown, incoming: Incoming, sink: Sink): Promise<void> {
    await this.#begin(input, incoming, undefined, sink);
  }

  async upload(head: unknown, items: ItemSource, incoming: Incoming): Promise<unknown> {
    return this.#begin(head, incoming, items, undefined);
  }

  async duplex(head: unknown, items: ItemSource, incoming: Incoming, sink: Sink): Promise<void> {
    await this.#begin(head, incoming, items, sink);
  }

  refused(code: string): void {
    this.#meter.refused(code);
  }

  incident(exception: unknown): TrunklineError {
    return incident(exception, this.#member, this.#env);
  }

  /**
   * `first` is the input, or the head before the `items` that come; what the handler gives goes into the `sink`, if there is one. Gives
   * the output at once where nothing has to be waited for, for a promise costs as much as a small handler; failures always reject.
   */
  #begin(
    first: unknown,
    incoming: Incoming,
    items: ItemSource | undefined,
    sink: Sink | undefined,
  ): unknown {
    this.#meter.begun++;
    const context = new this.#Context(this.operation, this.#errors, incoming, this.#env);
    if (items !== undefined) context.items = new HandlerItems(items, this.#member, this.#env);
    const run = new ServedRun(incoming, context, sink);
    const stall = this.#env.pulse?.pile(incoming.receivedAt);
    return stall === undefined ? this.#admit(run, first) : this.#admitAfter(stall, run, first);
  }

  /** After a stall all that has piled up is read first: what was given up stands behind what asked for it. */
  async #admitAfter(stall: Stall, run: ServedRun, first: unknown): Promise<unknown> {
    await stall.read;
    const refusal = outlived(run.incoming, this.#env.now(), stall.lengthMs);
    return refusal === undefined ? this.#admit(run, first) : this.#failed(run, refusal);
  }

  #admit(run: ServedRun, first: unknown): unknown {
    return this.#admission.open
      ? this.#serve(run, first)
      : this.#admission.admit(first, run.incoming, run.context, async (refusal) =>
          refusal === undefined ? this.#serve(run, first) : this.#failed(run, refusal),
        );
  }

  #serve(run: ServedRun, first: unknown): unknown {
    let output: unknown;
    try {
      const gate = this.#gate;
      if (gate !== undefined) run.lane = gate.enter(this.#demand!, run.incoming);
      output =
        gate === undefined || run.lane !== undefined
          ? this.#check(run, first)
          : this.#checkLater(run, first, gate);
      if (!isThenable(output)) {
        output = this.#given(run, output);
        if (!isThenable(output)) return this.#done(run, output);
      }
    } catch (failure) {
      return this.#failed(run, failure);
    }
    return this.#doneLater(run, output);
  }

  async #checkLater(run: ServedRun, first: unknown, gate: LoadGate): Promise<unknown> {
    const { incoming, context } = run;
    const entry = gate.wait(this.#demand!, incoming);
    context.adopt(entry);
    try {
      run.lane = await entry.admitted;
    } finally {
      context.release(entry);
    }
    run.waitedUntil = this.#env.now();
    return this.#check(run, first);
  }

  #check(run: ServedRun, first: unknown): unknown {
    const checked = validate(this.#member.first, first);
    return isPending(checked)
      ? checked.then((valid) => this.#run(run, first, valid, true))
      : this.#run(run, first, checked, run.waitedUntil !== undefined);
  }

  /** Gives what comes of the work, or a promise of it. `waited`: since it has come. */
  #run(run: ServedRun, first: unknown, valid: Validation<unknown>, waited: boolean): unknown {
    const { incoming, context, sink } = run;
    if (valid.issues !== undefined) throw invalidFirst(this.#member, valid.issues);
    this.#admission.refuseExpired(incoming, waited);
    const { items } = context;
    if (items !== undefined) context.head = valid.value;
    const input = items ?? valid.value;
    if (this.#keyed?.takes(incoming) === true)
      return this.#keyed.run(first, incoming, this.#work(input));
    run.running = true;
    if (sink !== undefined) return this.#pumped(run, sink, input);
    const { around } = incoming;
    if (around !== undefined) return around(() => this.#output(input, context));
    run.unchecked = true;
    return context.run(this.#scope, this.#handler, input);
  }

  async #doneLater(run: ServedRun, pending: PromiseLike<unknown>): Promise<unknown> {
    try {
      const output = this.#given(run, await pending);
      return this.#done(run, isThenable(output) ? await output : output);
    } catch (failure) {
      return this.#failed(run, failure);
    }
  }

  /** The work is over; gives what the caller is told. */
  #done(run: ServedRun, output: unknown): unknown {
    if (run.sink === undefined) run.ending = "done";
    this.#over(run, "OK");
    return output;
  }

  async #failed(run: ServedRun, failure: unknown): Promise<never> {
    const error = this.#told(run.running ? await this.#escaped(failure, run.context) : failure);
    if (run.running) run.ending = error.declared ? "done" : "ignored";
    this.#over(run, error.code);
    throw error;
  }

  #over({ incoming, context, lane, waitedUntil, running, ending }: ServedRun, code: string): void {
    context.settle();
    const now = this.#env.now();
    const durationMs = now - incoming.receivedAt;
    this.#meter.ended(code, durationMs);
    if (lane !== undefined) {
      const late = running && now >= incoming.deadlineAt;
      const tookMs = now - (waitedUntil ?? incoming.receivedAt);
      this.#gate!.leave(this.#demand!, lane, late ? "late" : ending, tookMs, now);
    }
    if (this.#channel.hasSubscribers) this.#channel.publish(this.#event(context, durationMs, code));
  }

  async #output(input: unknown, context: ServedContext): Promise<unknown> {
    return this.#checked(await context.run(this.#scope, this.#handler, input));
  }

  #given(run: ServedRun, output: unknown): unknown {
    if (!run.unchecked) return output;
    run.unchecked = false;
    return this.#checked(output);
  }

  /** What the caller gets of an output, or a promise of it where the schema is asynchronous. Throws, or rejects, when it is not valid. */
  #checked(output: unknown): unknown {
    const given = this.#member.declared.out === undefined ? undefined : output;
    const checking = this.#options.checkSent ? this.#checkOutput(output) : undefined;
    return checking === undefined ? given : checking.then(() => given);
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

  async #pumped(run: ServedRun, sink: Sink, input: unknown): Promise<undefined> {
    const { context } = run;
    const unsent = await context.run(this.#scope, this.#pumpInto(sink), input);
    run.running = false;
    if (unsent !== undefined) throw unsent;
    // Items that were stopped are not complete: nobody may be told their end.
    if (context.cancelled !== undefined) throw cutShort(context.cancelled);
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
