import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import type { CloseReason } from "../../../transport/transport.ts";
import { Flag, FrameType } from "../../../wire/frame-type.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import type { Attempt, CancelReason } from "../../attempt.ts";
import type { Operation } from "../../operation.ts";
import type { StreamOptions } from "../../protocol.ts";
import { creditFirst, CreditWindow } from "../items/credit-window.ts";
import { unreadable } from "./pending-call.ts";
import { ReceivedItems, type ItemsOwner } from "../../items/received-items.ts";
import { excess, late, Request, type RequestHome } from "./request.ts";

type Result = IteratorResult<unknown, undefined>;

/** A stream that we read. */
export class ItemStream extends Request implements AsyncIterableIterator<unknown>, ItemsOwner {
  readonly type: number = FrameType.REQUEST_STREAM;
  readonly credit: number = creditFirst;
  readonly #items = new ReceivedItems(this, new CreditWindow());
  readonly #options: StreamOptions;
  /** Set once the peer has accepted: the first item, credit, or the end. */
  #accepted = false;
  /** When the last item came, or was asked for, whichever was later. */
  #idleFrom = 0;

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
    if ((view.flags & Flag.COMPLETE) === 0 || this.over) return;
    this.ended();
    this.#end();
  }

  tooLarge(reason: string): void {
    this.abandon(excess(`the item ${reason}`, "maybe"));
  }

  #arrived(memory: Buffer, view: FrameView): void {
    if (!this.#items.admit(view.dataTo - view.dataFrom)) {
      this.session?.violation(`${this.operation.name} sent more items than it was granted`);
      return;
    }
    let item: unknown;
    try {
      item = this.codecs.output.decode(memory, view.dataFrom, view.dataTo);
    } catch (cause) {
      this.abandon(unreadable(this.codecs, "item", cause));
      return;
    }
    this.#items.push(item);
  }

  next(): Promise<Result> {
    const { idleMs } = this.#options;
    if (idleMs !== Infinity && !this.#items.awaited) this.#idleFrom = this.home.env.now();
    return this.#items.next();
  }

  /** Leaving the loop: the producer is told to stop. */
  return(): Promise<Result> {
    this.#items.clear();
    if (!this.over) {
      this.session?.cancel(this.streamId);
      this.#end();
    }
    return Promise.resolve({ done: true, value: undefined });
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
    this.#items.fail(this.#options.settled(error));
  }

  override lost(reason: CloseReason): void {
    const error = systemError(
      "UNAVAILABLE",
      `the connection was lost before the ${this.operation.kind} ended: ${reason.message}`,
      { executed: this.executed },
    );
    this.fail(error);
  }

  protected override timedOut(): void {
    const { env } = this.home;
    const now = env.now();
    if (!this.#accepted) {
      this.abandon(late(`no item within ${Math.round(now - this.startedAt)} ms`, this.executed));
    } else if (now >= this.attempt.totalAt) {
      this.abandon(
        late(`not at its end within ${Math.round(now - this.startedAt)} ms`, this.executed),
      );
    } else if (this.#items.awaited && now >= this.#idleFrom + this.#options.idleMs) {
      this.abandon(late(`no item for ${Math.round(now - this.#idleFrom)} ms`, this.executed));
    } else {
      this.#watch(now); // an item came meanwhile, or nobody asks for one: it is not the producer who idles
    }
  }

  /** The peer has accepted: from here on only `total` and `idle` bound the stream. */
  protected accepted(): void {
    if (!this.#accepted) this.#alive();
  }

  /** An item, or the end, has come, or the peer has accepted without one. */
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
    const from = this.#items.awaited ? this.#idleFrom : now;
    const next = Math.min(this.attempt.totalAt, from + this.#options.idleMs);
    if (next === Infinity) env.clear(this);
    else env.set(this, next);
  }

  // ---- ItemsOwner ---------------------------------------------------------------------------------------------------

  grant(items: number): void {
    if (!this.over) this.session?.request(this.streamId, items);
  }

  accept(item: unknown): unknown {
    return this.#options.accept(item);
  }

  refused(error: unknown): unknown {
    if (!this.over) {
      this.session?.cancel(this.streamId);
      this.finish();
    }
    const failure = isTrunklineError(error)
      ? error
      : systemError("INTERNAL", "an item was not accepted", { executed: "maybe", cause: error });
    return this.#options.settled(failure);
  }

  /** The peer has sent its last item. */
  protected ended(): void {}

  #end(): void {
    this.finish();
    void this.#options.settled(undefined);
    this.#items.end();
  }
}
