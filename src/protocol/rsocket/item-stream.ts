import { BoundedQueue } from "../../base/bounded-queue.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { CloseReason } from "../../transport/transport.ts";
import { Flag, FrameType } from "../../wire/frame-type.ts";
import type { FrameView } from "../../wire/frame-view.ts";
import type { Attempt, CancelReason } from "../attempt.ts";
import type { Operation } from "../operation.ts";
import type { StreamOptions } from "../protocol.ts";
import { creditFirst, creditMax, CreditWindow } from "./credit-window.ts";
import { unreadable } from "./pending-call.ts";
import { Request, type RequestHome } from "./request.ts";

type Result = IteratorResult<unknown, undefined>;

interface Reader {
  resolve(result: Result | PromiseLike<Result>): void;
  reject(error: unknown): void;
}

const done: Result = Object.freeze({ done: true, value: undefined });

/** A stream that we read: items wait here, as many as the window allows, until the reader takes them. */
export class ItemStream extends Request implements AsyncIterableIterator<unknown> {
  readonly type: number = FrameType.REQUEST_STREAM;
  readonly credit: number = creditFirst;
  readonly #items = new BoundedQueue<unknown>(creditMax);
  readonly #readers: Reader[] = [];
  readonly #window = new CreditWindow();
  readonly #options: StreamOptions;
  /** Set once the peer has accepted: the first item, or the end. */
  #accepted = false;
  /** When the last item came, or was asked for, whichever was later. */
  #idleFrom = 0;
  #failure: ReturnType<StreamOptions["settled"]>;

  constructor(
    home: RequestHome,
    operation: Operation,
    attempt: Attempt,
    input: unknown,
    itemBytesMax: number,
    options: StreamOptions,
  ) {
    super(home, operation, attempt, input, itemBytesMax);
    this.#options = options;
  }

  payload(memory: Buffer, view: FrameView): void {
    if (!this.#accepted || this.#options.idleMs !== Infinity) this.#alive();
    if ((view.flags & Flag.NEXT) !== 0) this.#arrived(memory, view);
    if ((view.flags & Flag.COMPLETE) !== 0 && !this.over) this.#end();
  }

  #arrived(memory: Buffer, view: FrameView): void {
    if (!this.#window.arrived(view.dataTo - view.dataFrom)) {
      this.session?.violation(`${this.operation.name} sent more items than it was granted`);
      return;
    }
    let item: unknown;
    try {
      item = this.operation.output.decode(memory, view.dataFrom, view.dataTo);
    } catch (cause) {
      this.#abandon(unreadable(this.operation, "item", cause));
      return;
    }
    const reader = this.#readers.shift();
    if (reader === undefined) this.#items.push(item);
    else this.#deliver(item, reader);
  }

  /** The items before a failure are read first; only giving up throws them away. */
  next(): Promise<Result> {
    if (this.#items.size > 0) {
      const item = this.#items.shift();
      return new Promise((resolve, reject) => this.#deliver(item, { resolve, reject }));
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined; // told once; then the stream is simply over
      return thrown(failure);
    }
    if (this.over) return Promise.resolve(done);
    if (this.#readers.length === 0 && this.#options.idleMs !== Infinity)
      this.#idleFrom = this.home.env.now();
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  /** Leaving the loop: the producer is told to stop. */
  return(): Promise<Result> {
    this.#items.clear();
    this.#failure = undefined;
    if (!this.over) {
      this.session?.cancel(this.streamId);
      this.#end();
    }
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  override cancel(reason: CancelReason, cause?: unknown): void {
    if (this.over) return;
    this.#items.clear();
    super.cancel(reason, cause);
  }

  protected reject(error: TrunklineError): void {
    const told = this.#options.settled(error);
    const reader = this.#readers.shift();
    if (reader === undefined) this.#failure = told;
    else reader.resolve(thrown(told));
    this.#endReaders();
  }

  override lost(reason: CloseReason): void {
    const error = systemError(
      "UNAVAILABLE",
      `the connection was lost before the stream ended: ${reason.message}`,
      { executed: "maybe" },
    );
    this.fail(error);
  }

  protected override timedOut(): void {
    const { env } = this.home;
    const now = env.now();
    if (!this.#accepted) {
      this.#abandon(this.#late(`no item within ${Math.round(now - this.startedAt)} ms`));
    } else if (now >= this.attempt.totalAt) {
      this.#abandon(this.#late(`not at its end within ${Math.round(now - this.startedAt)} ms`));
    } else if (this.#readers.length > 0 && now >= this.#idleFrom + this.#options.idleMs) {
      this.#abandon(this.#late(`no item for ${Math.round(now - this.#idleFrom)} ms`));
    } else {
      this.#watch(now); // an item came meanwhile, or nobody asks for one: it is not the producer who idles
    }
  }

  #late(reason: string): TrunklineError {
    return systemError("DEADLINE_EXCEEDED", reason, { executed: "maybe" });
  }

  /** The peer has accepted: from here on only `total` and `idle` bound the stream. */
  #alive(): void {
    const now = this.home.env.now();
    this.#idleFrom = now;
    if (this.#accepted) return;
    this.#accepted = true;
    this.#watch(now);
  }

  #watch(now: number): void {
    const { env } = this.home;
    // While nobody asks, the earliest who can have waited too long is one who asks now.
    const from = this.#readers.length > 0 ? this.#idleFrom : now;
    const next = Math.min(this.attempt.totalAt, from + this.#options.idleMs);
    if (next === Infinity) env.clear(this);
    else env.set(this, next);
  }

  #deliver(item: unknown, reader: Reader): void {
    const grant = this.#window.taken();
    if (grant > 0 && !this.over) this.session?.request(this.streamId, grant);
    let accepted: unknown;
    try {
      accepted = this.#options.accept(item);
    } catch (error) {
      this.#refused(error, reader);
      return;
    }
    if (accepted instanceof Promise) {
      accepted.then(
        (value: unknown) => reader.resolve({ done: false, value }),
        (error: unknown) => this.#refused(error, reader),
      );
    } else {
      reader.resolve({ done: false, value: accepted });
    }
  }

  /** An item that is not valid ends the stream. */
  #refused(error: unknown, reader: Reader): void {
    this.#items.clear();
    this.#failure = undefined;
    if (this.over) {
      reader.reject(error);
      return;
    }
    this.session?.cancel(this.streamId);
    this.finish();
    const failure = isTrunklineError(error)
      ? error
      : systemError("INTERNAL", "an item was not accepted", { executed: "maybe", cause: error });
    reader.resolve(thrown(this.#options.settled(failure)));
    this.#endReaders();
  }

  /** Fails here and tells the producer to stop. */
  #abandon(error: TrunklineError): void {
    this.session?.cancel(this.streamId);
    this.fail(error);
  }

  #end(): void {
    this.finish();
    void this.#options.settled(undefined);
    this.#endReaders();
  }

  #endReaders(): void {
    for (const reader of this.#readers.splice(0)) reader.resolve(done);
  }
}

async function thrown(failure: ReturnType<StreamOptions["settled"]>): Promise<never> {
  const error: unknown = await failure;
  throw error;
}
