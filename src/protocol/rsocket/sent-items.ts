import { isTrunklineError, systemError } from "../../base/error.ts";
import { Flag } from "../../wire/frame-type.ts";
import type { Source } from "../protocol.ts";
import { ItemSink, type Outgoing } from "./item-sink.ts";
import { encodeInput, type Request } from "./request.ts";

/** What a request of ours sends after its head: its source runs once the peer has accepted, as far as the peer takes items. */
export class SentItems extends ItemSink {
  readonly #request: Request;
  readonly #source: Source;
  readonly #itemBytesMax: number;
  readonly #progressed: (() => void) | undefined;
  /** The source was asked: the request cannot be sent a second time. */
  began = false;

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
    if (this.began || this.closed) return;
    this.began = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      await this.#source(this);
    } catch (error) {
      if (this.closed) return; // nobody waits for these items any more
      const failure = isTrunklineError(error)
        ? error
        : systemError("CANCELLED", "the items to send failed", { executed: "maybe", cause: error });
      this.#request.abandon(failure);
      return;
    }
    this.complete();
  }

  put(item: unknown): void {
    if (this.closed) return;
    const { operation, session, streamId } = this.#request;
    const bytesMax = Math.min(this.#itemBytesMax, session!.itemBytesMax);
    const payload = encodeInput(operation.input, item, bytesMax, "maybe");
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
