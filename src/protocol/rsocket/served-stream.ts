import type { TrunklineError } from "../../base/error.ts";
import type { CloseReason } from "../../transport/transport.ts";
import { Flag } from "../../wire/frame-type.ts";
import type { FrameView } from "../../wire/frame-view.ts";
import { requestNMax } from "../../wire/limits.ts";
import type { Incoming } from "../incoming.ts";
import type { ServedOperation, Sink } from "../protocol.ts";
import { encodeOutput } from "./served-call.ts";
import type { AnsweringSide } from "./answering-side.ts";
import type { StreamEnd } from "./stream-end.ts";

/** A stream that the peer reads: takes items as long as the peer has given credit and the connection has room. */
export class ServedStream implements StreamEnd, Sink {
  readonly #responder: AnsweringSide;
  readonly #served: ServedOperation;
  readonly #incoming: Incoming;
  readonly #streamId: number;
  #credit: number;
  #gone = false;
  #wake: (() => void) | undefined;
  #roomAwaited = false;

  constructor(
    responder: AnsweringSide,
    served: ServedOperation,
    incoming: Incoming,
    view: FrameView,
  ) {
    this.#responder = responder;
    this.#served = served;
    this.#incoming = incoming;
    this.#streamId = view.streamId;
    this.#credit = view.requestN;
    responder.session.adopt(view.streamId, this);
  }

  async run(input: unknown): Promise<void> {
    const responder = this.#responder;
    let failure: TrunklineError | undefined;
    try {
      await this.#served.stream(input, this.#incoming, this);
    } catch (error) {
      failure = error as TrunklineError;
    }
    if (!this.#gone) {
      if (failure === undefined) responder.complete(this.#streamId);
      else responder.fail(this.#streamId, failure, this.#served);
      responder.session.release(this.#streamId);
    }
    responder.settled(this.#incoming, true);
  }

  get ready(): boolean {
    return this.#credit > 0 && this.#responder.session.connection.writable;
  }

  whenReady(): Promise<void> {
    if (this.#gone || this.ready) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#awaitRoom();
    });
  }

  /** With credit it is the connection that has no room. */
  #awaitRoom(): void {
    if (this.#credit === 0 || this.#roomAwaited) return;
    this.#roomAwaited = true;
    this.#responder.session.whenRoom(() => {
      this.#roomAwaited = false;
      this.#wakeUp();
    });
  }

  put(item: unknown): void {
    if (this.#gone) return;
    const responder = this.#responder;
    const payload = encodeOutput(this.#served, item, responder.itemBytesMax);
    if (typeof payload !== "string" && !(payload instanceof Uint8Array)) throw payload;
    this.#credit--;
    responder.payload(this.#streamId, Flag.NEXT, payload);
  }

  requested(items: number): void {
    this.#credit = Math.min(requestNMax, this.#credit + items);
    this.#wakeUp();
  }

  cancelled(): void {
    this.#responder.session.release(this.#streamId);
    this.#stop("caller");
  }

  lost(_reason: CloseReason): void {
    this.#stop("peer");
  }

  payload(): void {}
  failed(): void {}

  #stop(reason: "caller" | "peer"): void {
    this.#gone = true;
    this.#incoming.cancel(reason);
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    if (!this.#gone && !this.ready) {
      this.#awaitRoom();
      return;
    }
    this.#wake = undefined;
    wake();
  }
}
