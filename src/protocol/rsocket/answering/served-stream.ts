import type { TrunklineError } from "../../../base/error.ts";
import type { CloseReason } from "../../../transport/transport.ts";
import { Flag } from "../../../wire/frame-type.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import type { Incoming } from "../../incoming.ts";
import type { Codecs } from "../../operation.ts";
import type { ServedOperation } from "../../protocol.ts";
import type { AnsweringSide } from "./answering-side.ts";
import { ItemSink, type Outgoing } from "../items/item-sink.ts";
import { encodeOutput } from "./served-call.ts";
import type { StreamEnd } from "../frames/stream-end.ts";

/** A stream that the peer reads, from its request until its handler has settled. */
export class ServedStream extends ItemSink implements StreamEnd {
  protected readonly responder: AnsweringSide;
  protected readonly served: ServedOperation;
  readonly #codecs: Codecs;
  protected readonly incoming: Incoming;
  protected readonly streamId: number;

  constructor(
    responder: AnsweringSide,
    served: ServedOperation,
    codecs: Codecs,
    incoming: Incoming,
    view: FrameView,
  ) {
    super(view.requestN);
    this.responder = responder;
    this.served = served;
    this.#codecs = codecs;
    this.incoming = incoming;
    this.streamId = view.streamId;
    responder.session.adopt(view.streamId, this);
  }

  protected get outgoing(): Outgoing {
    return this.responder.session;
  }

  async run(input: unknown): Promise<void> {
    const { responder } = this;
    let failure: TrunklineError | undefined;
    try {
      await this.work(input);
    } catch (error) {
      failure = error as TrunklineError;
    }
    if (!this.closed) {
      if (failure === undefined) responder.complete(this.streamId);
      else responder.fail(this.streamId, failure, this.served);
      const { unsent } = responder.session;
      if (unsent.has(this.streamId)) {
        unsent.whenSettled(this.streamId, () => this.#over());
        return;
      }
    }
    this.#over();
  }

  /** All items are on their way, or not wanted any more. */
  #over(): void {
    if (!this.closed) this.responder.session.release(this.streamId);
    this.responder.settled(this.incoming, true);
  }

  protected work(input: unknown): Promise<void> {
    return this.served.stream(input, this.incoming, this);
  }

  put(item: unknown): void {
    if (this.closed) return;
    const { responder } = this;
    const payload = encodeOutput(this.served, this.#codecs, item, responder.itemBytesMax);
    if (typeof payload !== "string" && !(payload instanceof Uint8Array)) throw payload;
    responder.payload(this.streamId, Flag.NEXT, payload);
    this.spend(this.streamId);
  }

  cancelled(): void {
    this.responder.session.release(this.streamId);
    this.stop("caller");
  }

  lost(_reason: CloseReason): void {
    this.stop("peer");
  }

  get takesPayloads(): boolean {
    return false;
  }

  tooLarge(_reason: string): void {}

  // Who asks for a stream sends nothing more but credit and CANCEL.
  payload(_memory: Buffer, _view: FrameView): void {}
  failed(_error: TrunklineError): void {}
  peerEnded(): void {}

  protected stop(reason: "caller" | "peer"): void {
    this.close();
    this.incoming.cancel(reason);
  }
}
