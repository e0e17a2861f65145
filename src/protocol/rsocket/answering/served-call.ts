import { systemError, type TrunklineError } from "../../../base/error.ts";
import { isThenable } from "../../../base/thenable.ts";
import type { CloseReason } from "../../../transport/transport.ts";
import { Flag, FrameType } from "../../../wire/frame-type.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import type { Incoming } from "../../incoming.ts";
import type { Codecs } from "../../operation.ts";
import type { ServedOperation } from "../../protocol.ts";
import { bytesBeyond, type Payload } from "../frames/frame-sender.ts";
import type { AnsweringSide } from "./answering-side.ts";
import type { StreamEnd } from "../frames/stream-end.ts";

/** A call or notification of the peer, from its frame until its handler has settled. */
export class ServedCall implements StreamEnd {
  protected readonly responder: AnsweringSide;
  protected readonly served: ServedOperation;
  readonly #codecs: Codecs;
  protected readonly incoming: Incoming;
  protected readonly streamId: number;
  readonly #answers: boolean;
  /** Nobody waits for the answer any more. */
  protected gone = false;

  constructor(
    responder: AnsweringSide,
    served: ServedOperation,
    codecs: Codecs,
    incoming: Incoming,
    view: FrameView,
  ) {
    this.responder = responder;
    this.served = served;
    this.#codecs = codecs;
    this.incoming = incoming;
    this.streamId = view.streamId;
    this.#answers = view.type !== FrameType.REQUEST_FNF;
    if (this.#answers) responder.session.adopt(view.streamId, this);
  }

  run(input: unknown): void {
    const output = this.work(input);
    if (!isThenable(output)) this.#ended(output, undefined);
    else {
      output.then(
        (value) => this.#ended(value, undefined),
        (failure: TrunklineError) => this.#ended(undefined, failure),
      );
    }
  }

  protected work(input: unknown): unknown {
    return this.served.handle(input, this.incoming);
  }

  #ended(output: unknown, failure: TrunklineError | undefined): void {
    const { session } = this.responder;
    // An answer for which there is no room waits as the value that it is, and is still under way.
    if (this.gone || !this.#answers || session.room.writable) this.#end(output, failure);
    else session.room.when(() => this.#end(output, failure));
  }

  #end(output: unknown, failure: TrunklineError | undefined): void {
    if (this.#answers && !this.gone) {
      if (failure === undefined) this.#answer(output);
      else this.responder.fail(this.streamId, failure, this.served);
      const { unsent } = this.responder.session;
      if (unsent.has(this.streamId)) {
        unsent.whenSettled(this.streamId, () => this.#over());
        return;
      }
    }
    this.#over();
  }

  /** The answer is on its way, or not wanted any more. */
  #over(): void {
    if (this.#answers && !this.gone) this.responder.session.release(this.streamId);
    this.responder.settled(this.incoming, this.#answers);
  }

  #answer(output: unknown): void {
    const { responder } = this;
    const payload = encodeOutput(this.served, this.#codecs, output, responder.itemBytesMax);
    if (typeof payload !== "string" && !(payload instanceof Uint8Array)) {
      responder.fail(this.streamId, payload, this.served);
    } else {
      responder.payload(this.streamId, Flag.NEXT | Flag.COMPLETE, payload);
    }
  }

  cancelled(): void {
    this.gone = true;
    this.responder.session.release(this.streamId);
    this.incoming.cancel("caller");
  }

  lost(_reason: CloseReason): void {
    this.gone = true;
    this.incoming.cancel("peer");
  }

  get takesPayloads(): boolean {
    return false;
  }

  tooLarge(_reason: string): void {}

  // The peer of a call sends nothing more but CANCEL; anything else is ignored, as the standard asks.
  payload(_memory: Buffer, _view: FrameView): void {}
  requested(): void {}
  peerEnded(): void {}
  failed(): void {}
}

/** The output as bytes or text; an error when it cannot be written: the handler ran, so it says `yes`. */
export function encodeOutput(
  served: ServedOperation,
  codecs: Codecs,
  output: unknown,
  bytesMax: number,
): Payload | TrunklineError {
  let payload: Payload;
  try {
    payload = codecs.output.encode(output);
  } catch (exception) {
    return served.incident(exception);
  }
  const bytes = bytesBeyond(payload, bytesMax);
  if (bytes === 0) return payload;
  return systemError(
    "RESOURCE_EXHAUSTED",
    `the output takes ${bytes} bytes, ${bytesMax} are allowed`,
    {
      executed: "yes",
      advice: "answer in parts (a stream), or raise itemBytesMax on both sides",
    },
  );
}
