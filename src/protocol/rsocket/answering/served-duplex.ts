import type { CloseReason } from "../../../transport/transport.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import type { Incoming } from "../../incoming.ts";
import type { Codecs } from "../../operation.ts";
import type { ServedOperation } from "../../protocol.ts";
import type { AnsweringSide } from "./answering-side.ts";
import { ServedItems } from "./served-items.ts";
import { ServedStream } from "./served-stream.ts";

/** A duplex of the peer: a stream that reads items while it gives others. */
export class ServedDuplex extends ServedStream {
  readonly #items: ServedItems;

  constructor(
    responder: AnsweringSide,
    served: ServedOperation,
    codecs: Codecs,
    incoming: Incoming,
    view: FrameView,
  ) {
    super(responder, served, codecs, incoming, view);
    this.#items = new ServedItems(responder.session, served.operation.name, codecs.input, view);
  }

  protected override async work(head: unknown): Promise<void> {
    try {
      await this.served.duplex(head, this.#items, this.incoming, this);
    } finally {
      if (!this.closed) this.#items.drop();
    }
  }

  /** For peers that send the first item with the request: to be called before it runs. */
  begin(item: unknown, bytes: number): void {
    this.#items.begin(item, bytes);
  }

  override get takesPayloads(): boolean {
    return this.#items.awaited;
  }

  override tooLarge(reason: string): void {
    this.#items.tooLarge(reason);
  }

  override payload(memory: Buffer, view: FrameView): void {
    this.#items.payload(memory, view);
  }

  override cancelled(): void {
    super.cancelled();
    this.#items.abort("the caller gave up before its items were complete");
  }

  override failed(): void {
    this.cancelled();
  }

  override peerEnded(): void {
    this.#items.abort("the caller ended its side before its items were complete");
  }

  override lost(reason: CloseReason): void {
    super.lost(reason);
    this.#items.abort("the caller was gone before its items were complete");
  }
}
