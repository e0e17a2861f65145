import { systemError } from "../../../base/error.ts";
import { Flag } from "../../../wire/frame-type.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import type { Codec } from "../../../codec/codec.ts";
import type { ItemSource } from "../../protocol.ts";
import { creditFirst, CreditWindow } from "../items/credit-window.ts";
import { ReceivedItems, type ItemsOwner } from "../../items/received-items.ts";
import { excess } from "../asking/request.ts";
import type { Session } from "../session.ts";

type Result = IteratorResult<unknown, undefined>;

/** The items that the peer sends with its upload or duplex, as the handler reads them. */
export class ServedItems implements ItemSource, ItemsOwner, AsyncIterableIterator<unknown> {
  readonly #session: Session;
  readonly #streamId: number;
  readonly #name: string;
  readonly #codec: Codec;
  readonly #items = new ReceivedItems(this, new CreditWindow());
  /** Items that came with the request. */
  #brought = 0;
  #accept: ((item: unknown) => unknown) | undefined;

  /** `name` is that of the operation. `view` is the request: its COMPLETE says that there are no items. */
  constructor(session: Session, name: string, codec: Codec, view: FrameView) {
    this.#session = session;
    this.#streamId = view.streamId;
    this.#name = name;
    this.#codec = codec;
    if ((view.flags & Flag.COMPLETE) !== 0) this.#items.end();
  }

  /** The request brought the first item along: it is one of those that the caller may send at first. */
  begin(item: unknown, bytes: number): void {
    this.#items.admit(bytes);
    this.#items.push(item);
    this.#brought = 1;
  }

  open(accept: (item: unknown) => unknown): AsyncIterableIterator<unknown> {
    this.#accept = accept;
    // Also where no item can come any more: it tells the caller that it was accepted.
    this.grant(creditFirst - this.#brought);
    return this;
  }

  /** More items may come. */
  get awaited(): boolean {
    return !this.#items.ended;
  }

  payload(memory: Buffer, view: FrameView): void {
    if (this.#items.ended) return; // it crossed our CANCEL
    if ((view.flags & Flag.NEXT) !== 0) this.#arrived(memory, view);
    if ((view.flags & Flag.COMPLETE) !== 0) this.#items.end();
  }

  tooLarge(reason: string): void {
    this.#stop();
    this.#items.fail(excess(`the item ${reason}`, "maybe"));
  }

  #arrived(memory: Buffer, view: FrameView): void {
    if (this.#accept === undefined || !this.#items.admit(view.dataTo - view.dataFrom)) {
      this.#session.violation(`the caller of ${this.#name} sent more items than it was granted`);
      return;
    }
    let item: unknown;
    try {
      item = this.#codec.decode(memory, view.dataFrom, view.dataTo);
    } catch (cause) {
      const told = cause instanceof Error ? cause.message : String(cause);
      const reason = `an item cannot be read as ${this.#codec.name}: ${told}`;
      this.#stop();
      this.#items.fail(systemError("INVALID_ARGUMENT", reason, { executed: "maybe" }));
      return;
    }
    this.#items.push(item);
  }

  /** The caller is gone, or gave up: what it did send is not all that it meant to send. */
  abort(reason: string): void {
    if (this.#items.ended) return;
    this.#items.clear();
    this.#items.fail(systemError("CANCELLED", reason, { executed: "maybe" }));
  }

  /** The handler has settled: no more items are wanted. */
  drop(): void {
    this.#items.clear();
    if (this.#items.ended) return;
    this.#stop();
    this.#items.end();
  }

  #stop(): void {
    this.#session.cancel(this.#streamId);
    this.#session.incoming.drop(this.#streamId);
  }

  // ---- what the handler reads ---------------------------------------------------------------------------------------

  next(): Promise<Result> {
    return this.#items.next();
  }

  return(): Promise<Result> {
    this.drop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // ---- ItemsOwner ---------------------------------------------------------------------------------------------------

  grant(items: number): void {
    this.#session.request(this.#streamId, items);
  }

  accept(item: unknown): unknown {
    return this.#accept!(item);
  }

  refused(error: unknown): unknown {
    this.#stop();
    return error;
  }
}
