import { locate, systemError, type TrunklineError } from "../base/error.ts";
import type { Handler } from "../base/handler.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { ItemStream, StreamOptions } from "./client-type.ts";
import {
  checkFirst,
  headOf,
  publishCall,
  unchecked,
  type ClientOperation,
  type LiveCalling,
} from "./calling.ts";
import type { Around, Attempt, SendTry } from "../protocol/attempt.ts";
import type { StreamOptions as Settings } from "../protocol/protocol.ts";
import { ClientContext } from "./client-context.ts";
import { ClientItems } from "./client-items.ts";
import type { Member } from "./compile.ts";
import { checkHeaders, idleMsOf, Invocation } from "./invocation.ts";
import type { Meter } from "./meter.ts";
import { isItems, iteratorOf, type Iteration } from "./items.ts";
import type { SendOrder } from "./send-order.ts";
import { told } from "./told.ts";

type Result = IteratorResult<unknown, undefined>;
type Source = AsyncIterator<unknown, undefined>;

const done: Result = Object.freeze({ done: true, value: undefined });

/** A stream or duplex as its reader sees it: begins when the first item is asked for, and is read once. */
export class ClientStream implements ItemStream<unknown> {
  readonly #member: Member;
  readonly #calling: LiveCalling;
  readonly #meter: Meter;
  readonly #order: SendOrder | undefined;
  readonly #chain: Handler | undefined;
  readonly #around: Around | undefined;
  /** A duplex's are the items to be sent. */
  readonly #input: unknown;
  readonly #options: StreamOptions | undefined;
  #invocation: Invocation | undefined;
  #starting: Promise<Source> | undefined;
  #source: Source | undefined;
  /** Those who asked before it had begun: later ones come after them. */
  #early = 0;
  #left = false;
  #over = false;
  /** The failure as our stream told it. */
  #failure: TrunklineError | undefined;

  constructor(
    { member, calling, meter, order, chain, around }: ClientOperation,
    input: unknown,
    options: StreamOptions | undefined,
  ) {
    this.#member = member;
    this.#calling = calling;
    this.#meter = meter;
    this.#order = order;
    this.#chain = chain;
    this.#around = around;
    this.#input = input;
    this.#options = options;
  }

  next(): Promise<Result> {
    if (this.#source !== undefined && this.#early === 0) return this.#source.next();
    if (this.#left) return Promise.resolve(done);
    return this.#earlyNext();
  }

  /** A failure to begin is told once, to the one who asked first. */
  async #earlyNext(): Promise<Result> {
    const first = this.#starting === undefined;
    this.#early++;
    let source: Source;
    try {
      source = await (this.#starting ??= this.#start());
    } catch (error) {
      if (first) throw error;
      return done;
    } finally {
      this.#early--;
    }
    return source.next();
  }

  async return(): Promise<Result> {
    this.#left = true;
    const source = this.#source ?? (await this.#starting?.catch(() => undefined));
    await source?.return?.();
    return done;
  }

  [Symbol.asyncIterator](): ItemStream<unknown> {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #start(): Promise<Source> {
    const { env, caller, checkSent, deadlineMs, life } = this.#calling;
    const chain = this.#chain;
    this.#meter.begun++;
    try {
      checkHeaders(this.#options?.headers);
      const head = headOf(this.#member, this.#options);
      const invocation = new Invocation(this.#member, this.#options, deadlineMs, env);
      invocation.attempt.around = this.#around;
      this.#invocation = invocation;
      life.begin(invocation);
      const first = this.#member.firstName === "head" ? head : this.#input;
      const checking = checkSent ? checkFirst(this.#member, first) : undefined;
      const order = this.#order;
      if (checking !== undefined || order?.busy === true) {
        await (order === undefined ? checking : order.pass(checking));
        invocation.attempt.beganAt = undefined; // it is later now
      }
      if (chain === undefined)
        return (this.#source = this.#open(this.#input, invocation.attempt, head));
      const open: SendTry = async (input, attempt, passed) => this.#open(input, attempt, passed);
      const items = await chain(
        this.#input,
        new ClientContext(this.#member.operation, invocation.attempt, caller.endpoint, head, open),
      );
      if (!isItems(items))
        throw new TypeError("an interceptor did not return an iterable of items");
      return (this.#source = this.#watched(iteratorOf(items)));
    } catch (failure) {
      this.#left = true;
      const error = await told(failure, this.#member, this.#place());
      this.#settle(error.code);
      throw error;
    }
  }

  /** What interceptors gave: it may be items of their own, of whose end nobody else would tell. */
  #watched(items: Iteration): Source {
    const guarded = async (step: () => Promise<IteratorResult<unknown>>): Promise<Result> => {
      try {
        const result = await step();
        if (result.done !== true) return result;
        this.#settle("OK");
        return done;
      } catch (failure) {
        // What our own stream told is not read a second time: its data has been through its schema.
        if (this.#failure !== undefined && failure === this.#failure) throw failure;
        const error = await told(failure, this.#member, this.#place());
        this.#settle(error.code);
        throw error;
      }
    };
    return {
      next: () => guarded(async () => items.next()),
      return: () =>
        guarded(async () => {
          await items.return?.();
          return done;
        }),
    };
  }

  #open(input: unknown, attempt: Attempt, head: unknown): Source {
    const { caller } = this.#calling;
    const { operation } = this.#member;
    const items =
      operation.kind === "duplex" ? new ClientItems(this.#member, this.#calling, input) : undefined;
    const options: Settings = {
      idleMs: idleMsOf(this.#member, this.#options),
      accept: (item: unknown) => this.#accept(item),
      settled: (failure) => {
        items?.stop();
        return this.#settled(failure);
      },
    };
    const stream =
      items === undefined
        ? caller.stream(operation, input, attempt, options)
        : caller.duplex(operation, head, items.source, attempt, options);
    return stream as Source;
  }

  #accept(item: unknown): unknown {
    let checked: ReturnType<typeof validate>;
    try {
      checked = validate(this.#member.declared.out, item);
    } catch (cause) {
      throw this.#uncheckedItem(cause);
    }
    if (!isPending(checked)) return this.#valueOf(checked);
    return Promise.resolve(checked).then(
      (result) => this.#valueOf(result),
      (cause: unknown) => {
        throw this.#uncheckedItem(cause);
      },
    );
  }

  #uncheckedItem(cause: unknown): TrunklineError {
    const error = unchecked("item", "maybe", cause);
    return locate(error, { operation: this.#member.operation.name, ...this.#place() });
  }

  #valueOf(checked: Awaited<ReturnType<typeof validate>>): unknown {
    if (checked.issues === undefined) return checked.value;
    const reason = `an item does not match the contract: ${explain(checked.issues)}`;
    const { operation } = this.#member;
    throw systemError("INTERNAL", reason, {
      executed: "maybe",
      operation: operation.name,
      ...this.#place(),
    });
  }

  #settled(failure: TrunklineError | undefined): ReturnType<Settings["settled"]> {
    if (failure === undefined) {
      this.#settle("OK");
      return undefined;
    }
    const error = told(failure, this.#member, this.#place());
    if (error instanceof Promise) return error.then((late) => this.#fail(late));
    return this.#fail(error);
  }

  #fail(error: TrunklineError): TrunklineError {
    this.#failure = error;
    this.#settle(error.code);
    return error;
  }

  /** The first code is the true one: an interceptor may fail after the stream that it was given has ended. */
  #settle(code: string): void {
    if (this.#over) return;
    this.#over = true;
    const invocation = this.#invocation;
    invocation?.settle();
    this.#meter.ended(code, this.#place().elapsedMs);
    if (invocation !== undefined) publishCall(this.#member, this.#calling, invocation, code);
  }

  #place(): { readonly endpoint: string; readonly elapsedMs: number } {
    const { caller, env } = this.#calling;
    const elapsedMs = this.#invocation === undefined ? 0 : env.now() - this.#invocation.startedAt;
    return { endpoint: caller.endpoint, elapsedMs };
  }
}
