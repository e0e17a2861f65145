import { FrameType } from "../../../wire/frame-type.ts";
import type { Attempt } from "../../attempt.ts";
import type { Operation } from "../../operation.ts";
import type { Source, StreamOptions } from "../../protocol.ts";
import { ItemStream } from "./item-stream.ts";
import type { Payload } from "../frames/frame-sender.ts";
import type { Carrier, RequestHome } from "./request.ts";
import { SentItems } from "./sent-items.ts";

/** A duplex that we began: a stream that we read, while our own items go the other way. */
export class ItemDuplex extends ItemStream {
  override readonly type: number = FrameType.REQUEST_CHANNEL;
  readonly #sent: SentItems;

  constructor(
    home: RequestHome,
    operation: Operation,
    attempt: Attempt,
    head: unknown,
    itemBytesMax: number,
    source: Source,
    options: StreamOptions,
  ) {
    super(home, operation, attempt, head, itemBytesMax, options);
    this.#sent = new SentItems(this, source, itemBytesMax);
  }

  override requested(items: number): void {
    this.accepted();
    this.#sent.requested(items);
  }

  /** The peer wants no more items; its own may still come. */
  override cancelled(): void {
    this.accepted();
    this.#sent.stop();
  }

  override hold(): boolean {
    return this.#sent.hold(() => this.home.resume(this));
  }

  override get fetched(): Payload | undefined {
    return this.#sent.first;
  }

  override get fetching(): boolean {
    return this.#sent.fetching;
  }

  override sent(session: Carrier, streamId: number): void {
    super.sent(session, streamId);
    this.#sent.departed();
  }

  protected override get movable(): boolean {
    return !this.#sent.began;
  }

  /** What the peer has ended is over both ways: the source stops, and the peer is told our end, where it still waits for one. */
  protected override ended(): void {
    this.#sent.finish();
  }

  protected override finish(): void {
    super.finish();
    this.#sent.close();
  }
}
