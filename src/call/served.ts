import { AsyncResource } from "node:async_hooks";
import { channels, type CallEvent } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import { intercept, type Context, type Interceptor } from "../base/handler.ts";
import { keyAt } from "../contract/key.ts";
import type { Validation } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { Incoming } from "../protocol/incoming.ts";
import type { Operation } from "../protocol/operation.ts";
import type { ServedOperation, Sink } from "../protocol/protocol.ts";
import { Authorization, type Authorize, type Refusal } from "./authorization.ts";
import type { Member } from "./compile.ts";
import { passingCopies } from "./copied-context.ts";
import { errorMakers } from "./declared-errors.ts";
import { escaped, incident } from "./escaped.ts";
import { unwanted } from "./expiry.ts";
import { KeyOrder } from "./key-order.ts";
import { Meter, type OperationStats } from "./meter.ts";
import { pump } from "./pump.ts";
import { ServedContext } from "./served-context.ts";

/** How an operation is served, the same for all operations of a server. */
export interface ServingOptions {
  readonly interceptors: readonly Interceptor[];
  /** Checks what handlers send too, not only what they receive. */
  readonly checkSent: boolean;
  /** Who may use what. Absent: everybody who has connected, everything. */
  readonly authorize?: Authorize | undefined;
}

/** One operation with its handler: validation, order per key, context, and the truth about what came of it. */
export class Served implements ServedOperation {
  readonly operation: Operation;
  readonly #member: Member;
  /** The user's function within the interceptors. It may throw, and may answer at once. */
  readonly #handler: (input: unknown, context: Context) => unknown;
  readonly #errors: object;
  readonly #options: ServingOptions;
  readonly #env: Env;
  readonly #keyPath: string | undefined;
  readonly #authorization: Authorization | undefined;
  readonly #order = new KeyOrder();
  /** Where handlers run: the asynchronous context in which the server was made, whoever's frame has just been read. */
  readonly #scope = new AsyncResource("trunkline.served", { requireManualDestroy: true });
  readonly #meter = new Meter();

  constructor(member: Member, handlers: object, options: ServingOptions, env: Env) {
    this.operation = member.operation;
    this.#member = member;
    this.#errors = errorMakers(member);
    this.#options = options;
    this.#env = env;
    this.#keyPath = member.declared.key;
    const { authorize } = options;
    if (authorize !== undefined)
      this.#authorization = new Authorization(authorize, member, this.#scope, env);
    // Called as a method, and looked up for each call, so that an instance of a class serves.
    const own = handlers as Record<string, (input: unknown, context: Context) => unknown>;
    const { name } = member;
    const handler = (input: unknown, context: Context): unknown => own[name]!(input, context);
    // Interceptors may rely on a promise; without them one less is made for each call.
    this.#handler =
      options.interceptors.length === 0
        ? handler
        : intercept(
            async (input, context) => handler(input, context),
            options.interceptors.map(passingCopies),
          );
  }

  stats(): OperationStats {
    return this.#meter.stats(this.operation, this.#order.waiting);
  }

  handle(input: unknown, incoming: Incoming): Promise<unknown> {
    const context = this.#begin(incoming);
    return this.#authorization === undefined && this.#keyPath === undefined
      ? this.#handle(input, incoming, context)
      : this.#admit(input, incoming, context, (refusal) =>
          this.#handle(input, incoming, context, refusal),
        );
  }

  stream(input: unknown, incoming: Incoming, sink: Sink): Promise<void> {
    const context = this.#begin(incoming);
    return this.#authorization === undefined && this.#keyPath === undefined
      ? this.#stream(input, incoming, context, sink)
      : this.#admit(input, incoming, context, (refusal) =>
          this.#stream(input, incoming, context, sink, refusal),
        );
  }

  upload(): Promise<unknown> {
    return Promise.reject(notServed(this.operation));
  }

  duplex(): Promise<void> {
    return Promise.reject(notServed(this.operation));
  }

  refused(code: string): void {
    this.#meter.refused(code);
  }

  incident(exception: unknown): TrunklineError {
    return incident(exception, this.#member, this.#env);
  }

  #begin(incoming: Incoming): ServedContext {
    this.#meter.begun++;
    return new ServedContext(this.operation, this.#errors, incoming, this.#env);
  }

  /**
   * Asks whether the peer may, then does the work in the order of its key. Who must wait for leave holds its place among
   * those of its key meanwhile, so that the order is that of arrival; who is refused waits for none of them.
   */
  #admit<T>(
    input: unknown,
    incoming: Incoming,
    context: ServedContext,
    work: (refusal?: Refusal) => Promise<T>,
  ): Promise<T> {
    const leave = this.#authorization?.ask(context, incoming);
    const waits = leave instanceof Promise;
    if (leave !== undefined && !waits) return work(leave);
    const key = this.#keyPath === undefined ? undefined : keyAt(this.#keyPath, input);
    if (key === undefined) return waits ? leave.then(work) : work();
    if (!waits) return this.#order.run(key, work);
    const turn = this.#order.run(key, async () =>
      (await leave) === undefined ? work() : undefined,
    );
    return leave.then((refusal) => (refusal === undefined ? (turn as Promise<T>) : work(refusal)));
  }

  async #handle(
    input: unknown,
    incoming: Incoming,
    context: ServedContext,
    refusal?: Refusal,
  ): Promise<unknown> {
    let code = "OK";
    let began = false;
    try {
      if (refusal !== undefined) throw refusal;
      const checked = validate(this.#member.declared.in, input);
      const valid = isPending(checked) ? await checked : checked;
      if (valid.issues !== undefined) throw invalidInput(valid.issues);
      this.#refuseExpired(incoming, checked !== valid);
      began = true;
      const output = await context.run(this.#scope, this.#handler, valid.value);
      const checking = this.#options.checkSent ? this.#checkOutput(output) : undefined;
      if (checking !== undefined) await checking;
      return this.#member.declared.out === undefined ? undefined : output;
    } catch (failure) {
      const error = this.#told(began ? await this.#escaped(failure, context) : failure);
      ({ code } = error);
      throw error;
    } finally {
      context.settle();
      const durationMs = this.#env.now() - incoming.receivedAt;
      this.#meter.ended(code, durationMs);
      if (channels.call.hasSubscribers)
        channels.call.publish(this.#event(context, durationMs, code));
    }
  }

  async #stream(
    input: unknown,
    incoming: Incoming,
    context: ServedContext,
    sink: Sink,
    refusal?: Refusal,
  ): Promise<void> {
    let code = "OK";
    try {
      if (refusal !== undefined) throw refusal;
      const checked = validate(this.#member.declared.in, input);
      const valid = isPending(checked) ? await checked : checked;
      if (valid.issues !== undefined) throw invalidInput(valid.issues);
      this.#refuseExpired(incoming, checked !== valid);
      await this.#runStream(valid.value, context, sink);
      if (context.cancelled !== undefined)
        code = context.cancelled === "deadline" ? "DEADLINE_EXCEEDED" : "CANCELLED";
    } catch (failure) {
      const error = this.#told(failure);
      ({ code } = error);
      throw error;
    } finally {
      context.settle();
      const durationMs = this.#env.now() - incoming.receivedAt;
      this.#meter.ended(code, durationMs);
      if (channels.stream.hasSubscribers)
        channels.stream.publish(this.#event(context, durationMs, code));
    }
  }

  async #runStream(input: unknown, context: ServedContext, sink: Sink): Promise<void> {
    const schema = this.#options.checkSent ? this.#member.declared.out : undefined;
    const work = async (given: unknown): Promise<TrunklineError | undefined> =>
      pump(await this.#handler(given, context), context, sink, schema);
    let unsent: TrunklineError | undefined;
    try {
      unsent = await context.run(this.#scope, work, input);
    } catch (exception) {
      throw await this.#escaped(exception, context);
    }
    if (unsent !== undefined) throw unsent;
  }

  #escaped(exception: unknown, context: ServedContext): Promise<TrunklineError> {
    return escaped(exception, this.#member, context, this.#options.checkSent, this.#env);
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

  /** What nobody waits for any more is not begun. The clock is read anew only when there was a wait since the arrival. */
  #refuseExpired(incoming: Incoming, waited: boolean): void {
    const mayHaveWaited =
      waited || this.#keyPath !== undefined || this.#authorization !== undefined;
    const now = mayHaveWaited ? this.#env.now() : incoming.receivedAt;
    const refusal = unwanted(incoming, now);
    if (refusal !== undefined) throw refusal;
  }

  /** Throws when it is not valid; to be waited for only when the schema is asynchronous. */
  #checkOutput(output: unknown): Promise<void> | undefined {
    const checked = validate(this.#member.declared.out, output);
    if (isPending(checked)) return checked.then(refuseOutput);
    refuseOutput(checked);
    return undefined;
  }

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

/** No contract can declare these kinds yet. */
function notServed({ kind, name }: Operation): TrunklineError {
  return systemError("UNIMPLEMENTED", `${name} is a ${kind}, which is not served`, {
    executed: "no",
  });
}

function refuseOutput({ issues }: Validation<unknown>): void {
  if (issues !== undefined)
    throw new TypeError(`the output does not match the contract: ${explain(issues)}`);
}

function invalidInput(issues: Parameters<typeof explain>[0]): TrunklineError {
  return systemError(
    "INVALID_ARGUMENT",
    `the input does not match the contract: ${explain(issues)}`,
    { executed: "no" },
  );
}
