import { isTrunklineError, systemError } from "../../../base/error.ts";
import { Flag } from "../../../wire/frame-type.ts";
import type { Source } from "../../protocol.ts";
import { ItemSink, type Outgoing } from "../items/item-sink.ts";
import type { Payload } from "../frames/frame-sender.ts";
import { encodeInput, type Request } from "./request.ts";

/** What a request of ours sends after its head: its source runs once the peer has accepted, as far as the peer takes items. */
export class SentItems extends ItemSink {
  readonly #request: Request;
  readonly #source: Source;
  readonly #itemBytesMax: number;
  readonly #progressed: (() => void) | undefined;
  /** The peer has accepted: the request cannot be sent a second time. */
  began = false;
  /** The first item, for a peer that wants it in the request itself; nothing at all when there are none. */
  first: Payload | undefined;
  /** The source runs before the request is sent: for its first item. */
  fetching = false;
  #running = false;
  #resume: (() => void) | undefined;

  /** `progressed` hears of each item, and of their end. */
  constructor(request: Request, source: Source, itemBytesMax: number, progressed?: () => void) {
    super(0);
    this.#progressed = progressed;
    this.#request = request;
    this.#source = source;
    this.#itemBytesMax = itemBytesMax;
  }

  protected get outgoing(): Outgoing {
    return this.#request.session!; // the sink is used only after credit has come from it
  }

  override requested(items: number): void {
    super.requested(items);
    this.began = true;
    if (this.#running || this.closed) return;
    this.#running = true;
    void this.#run();
  }

  /** True until the first item is there, which calls `resume`: the request is to be sent then. */
  hold(resume: () => void): boolean {
    if (!this.fetching) {
      this.fetching = true;
      this.#running = true;
      void this.#run();
    }
    if (this.first === undefined) this.#resume = resume;
    return this.first === undefined;
  }

  override get ready(): boolean {
    return this.#wantsFirst ? !this.closed : super.ready;
  }

  get #wantsFirst(): boolean {
    return this.fetching && this.first === undefined;
  }

  #found(first: Payload): void {
    this.first = first;
    this.#resume?.();
  }

  /** The request was sent, with its first item if that was fetched: the end may have been there before it. */
  departed(): void {
    const { session, streamId } = this.#request;
    if (this.fetching && this.closed && !this.#request.over)
      session?.payload(streamId, Flag.COMPLETE, "");
  }

  async #run(): Promise<void> {
    try {
      await this.#source(this);
    } catch (error) {
      if (this.closed) return; // nobody waits for these items any more
      const failure = isTrunklineError(error)
        ? error
        : systemError("CANCELLED", "the items to send failed", {
            executed: this.#request.session === undefined ? "no" : "maybe",
            cause: error,
          });
      this.#request.abandon(failure);
      return;
    }
    this.complete();
  }

  put(item: unknown): void {
    if (this.closed) return;
    const { codecs, session, streamId } = this.#request;
    if (this.#wantsFirst) {
      this.#found(encodeInput(codecs.input, item, this.#itemBytesMax, "no"));
      return;
    }
    const bytesMax = Math.min(this.#itemBytesMax, session!.itemBytesMax);
    const payload = encodeInput(codecs.input, item, bytesMax, "maybe");
    session!.payload(streamId, Flag.NEXT, payload);
    this.spend(streamId);
    this.#progressed?.();
  }

  /** There are no more items. */
  complete(): void {
    if (this.closed) return;
    this.close();
    this.#progressed?.();
    const { session, streamId } = this.#request;
    session?.payload(streamId, Flag.COMPLETE, "");
    if (this.#wantsFirst) this.#found("");
  }

  /** The peer wants no more. Fragments of an item are not finished; those of the request itself are no item. */
  stop(): void {
    this.close();
    const { session, streamId, unsent } = this.#request;
    if (!unsent) session?.unsent.drop(streamId);
  }

  /** The peer has ended, and may wait for our end. An item of which fragments are unsent is given up instead. */
  finish(): void {
    const { session, streamId } = this.#request;
    if (session?.unsent.has(streamId) !== true) return this.complete();
    this.close();
    session.cancel(streamId);
  }

  /** The request is over. */
  override close(): void {
    super.close();
  }
}
