import type { Env } from "../../../base/env.ts";
import { Flag, FrameType } from "../../../wire/frame-type.ts";
import type { FrameView } from "../../../wire/frame-view.ts";
import { Reassembly, type Excess } from "../../../wire/reassembly.ts";
import { frameOverheadBytes, unfinishedBytesMax } from "../bounds.ts";
import type { Answering } from "../answering.ts";
import type { StreamEnd } from "./stream-end.ts";

/** Puts the fragments of one session's peer together and gives what is whole to the end, or to the responder, that it is for. */
export class IncomingPayloads {
  readonly #reassembly: Reassembly;
  readonly #env: Env;
  readonly #itemBytesMax: number;

  constructor(itemBytesMax: number, env: Env) {
    this.#env = env;
    this.#itemBytesMax = itemBytesMax;
    this.#reassembly = new Reassembly({
      dataBytesMax: itemBytesMax,
      metadataBytesMax: frameOverheadBytes,
      heldBytesMax: unfinishedBytesMax(itemBytesMax),
    });
  }

  /** Payloads whose last fragment has not come. */
  get unfinished(): number {
    return this.#reassembly.size;
  }

  /** Requests among them. */
  get requests(): number {
    return this.#reassembly.requests;
  }

  /** True when fragments of a payload of this stream are missing. */
  has(streamId: number): boolean {
    return this.#reassembly.size > 0 && this.#reassembly.has(streamId);
  }

  /** Why a frame that came whole is too large, whose data was lent: others are as large as frames may be. */
  excess({ dataFrom, dataTo }: FrameView): string | undefined {
    const bytesMax = this.#itemBytesMax;
    if (dataTo - dataFrom <= bytesMax + frameOverheadBytes) return undefined;
    return told({ of: "data", bytesMax });
  }

  /** The first fragment of a request; more follow. */
  request(memory: Buffer, view: FrameView, responder: Answering): void {
    if (responder.takesOn(view)) this.#take(memory, view, undefined, responder);
  }

  /** A PAYLOAD that may be a fragment: of a request where the stream has no end yet. */
  payload(
    memory: Buffer,
    view: FrameView,
    end: StreamEnd | undefined,
    responder: Answering | undefined,
  ): void {
    if (end?.takesPayloads === false) {
      this.drop(view.streamId);
    } else if (this.has(view.streamId) || (end !== undefined && follows(view))) {
      this.#take(memory, view, end, responder);
    } else {
      const excess = this.excess(view);
      if (excess === undefined) end?.payload(memory, view);
      else end?.tooLarge(excess);
    }
  }

  /** More credit for a request of which fragments are missing. */
  grant(streamId: number, items: number): void {
    this.#reassembly.grant(streamId, items);
  }

  /** What has come of a stream's unfinished payload is not wanted any more. */
  drop(streamId: number): void {
    if (this.#reassembly.size > 0) this.#reassembly.drop(streamId);
  }

  /** Nothing more comes. */
  clear(): void {
    this.#reassembly.clear();
  }

  #take(
    memory: Buffer,
    view: FrameView,
    end: StreamEnd | undefined,
    responder: Answering | undefined,
  ): void {
    const taken = this.#reassembly.take(memory, view, this.#env.now());
    if (taken === undefined) return;
    const whole = "memory" in taken ? taken : undefined;
    if (view.type !== FrameType.PAYLOAD) {
      if (whole === undefined) responder!.tooLarge(view, `the request ${told(taken as Excess)}`);
      else responder!.request(whole.memory, view, whole.beganAt);
    } else if (whole === undefined) {
      end!.tooLarge(told(taken as Excess));
    } else {
      end!.payload(whole.memory, view);
    }
  }
}

function follows({ flags }: FrameView): boolean {
  return (flags & Flag.FOLLOWS) !== 0;
}

/** What a payload does that passes a bound. */
function told({ of, bytesMax }: Excess): string {
  if (of === "data") return `takes more than the ${bytesMax} bytes that are allowed`;
  if (of === "metadata") return `has more than the ${bytesMax} bytes of metadata that are allowed`;
  return `makes the unfinished payloads of its connection take more than the ${bytesMax} bytes that are allowed`;
}
