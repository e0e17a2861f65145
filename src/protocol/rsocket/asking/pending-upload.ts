import { FrameType } from "../../../wire/frame-type.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import type { Attempt } from "../../attempt.ts";
import type { Operation } from "../../operation.ts";
import type { Source, UploadOptions } from "../../protocol.ts";
import type { Completion } from "../../completion.ts";
import { PendingCall } from "./pending-call.ts";
import type { Payload } from "../frames/frame-sender.ts";
import { late, type Carrier, type RequestHome } from "./request.ts";
import { SentItems } from "./sent-items.ts";

/** An upload that sends its items and waits for its one answer. */
export class PendingUpload extends PendingCall {
  override readonly type: number = FrameType.REQUEST_CHANNEL;
  override readonly credit: number = 1;
  readonly #sent: SentItems;
  readonly #idleMs: number;
  #accepted = false;
  /** When the peer last gave a sign, or it became its turn to give one. */
  #idleFrom = 0;

  constructor(
    home: RequestHome,
    operation: Operation,
    attempt: Attempt,
    head: unknown,
    itemBytesMax: number,
    source: Source,
    { idleMs }: UploadOptions,
    completion: Completion,
  ) {
    super(home, operation, attempt, head, itemBytesMax, completion);
    const progressed = (): void => void (this.#idleFrom = home.env.now());
    this.#sent = new SentItems(
      this,
      source,
      itemBytesMax,
      idleMs === Infinity ? undefined : progressed,
    );
    this.#idleMs = idleMs;
  }

  override requested(items: number): void {
    this.#alive();
    this.#sent.requested(items);
  }

  /** The peer wants no more items; its answer may still come. */
  override cancelled(): void {
    this.#alive();
    this.#sent.stop();
  }

  override payload(memory: Buffer, view: FrameView): void {
    this.#sent.finish(); // the peer may wait for our end, although it has answered
    super.payload(memory, view);
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

  protected override finish(): void {
    super.finish();
    this.#sent.close();
  }

  #alive(): void {
    this.#idleFrom = this.home.env.now();
    if (this.#accepted) return;
    this.#accepted = true;
    this.#watch();
  }

  protected override timedOut(): void {
    const now = this.home.env.now();
    if (!this.#accepted) {
      this.abandon(
        late(`not accepted within ${Math.round(now - this.startedAt)} ms`, this.executed),
      );
    } else if (now >= this.attempt.totalAt) {
      this.abandon(late(`no answer within ${Math.round(now - this.startedAt)} ms`, this.executed));
    } else if (this.#sent.ready && !this.#sent.closed) {
      this.#idleFrom = now; // it is our items that the peer waits for
      this.#watch();
    } else if (now >= this.#idleFrom + this.#idleMs) {
      this.abandon(
        late(`no sign of the peer for ${Math.round(now - this.#idleFrom)} ms`, this.executed),
      );
    } else {
      this.#watch();
    }
  }

  #watch(): void {
    const next = Math.min(this.attempt.totalAt, this.#idleFrom + this.#idleMs);
    if (next === Infinity) this.home.env.clear(this);
    else this.home.env.set(this, next);
  }
}
