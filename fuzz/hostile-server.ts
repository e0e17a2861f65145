import { ErrorCode } from "../src/wire/error-code.ts";
import { Flag, FrameType } from "../src/wire/frame-type.ts";
import { FrameView } from "../src/wire/frame-view.ts";
import { writeError, writeHeader } from "../src/wire/write.ts";
import {
  anyFrame,
  errorFrame,
  fragmentsOf,
  keepaliveFrame,
  mutated,
  payloadFrame,
  pushFrame,
  requestFrame,
  streamFrame,
} from "./frames.ts";
import type { Carrier, Watch } from "./carrier.ts";
import { channelFrames } from "./channel-frames.ts";
import { announcement, request } from "./requests.ts";
import type { Input } from "./target.ts";

/** A server that answers with anything: it knows what was asked, and makes much of its nonsense about that. */
export class HostileServer {
  readonly #input: Input;
  readonly #view = new FrameView();
  readonly #history: Buffer[] = [];
  /** The newest connection, if it is open. */
  #carrier: Carrier | undefined;
  #asked: number[] = [];
  /** What has been asked of the client, on any connection: answers of the one before may still come. */
  readonly #asks = new Set<number>();

  constructor(input: Input) {
    this.#input = input;
  }

  /** Takes in one connection of the client. */
  accept(connect: (watch: Watch) => Carrier): void {
    this.#input.note("the client connects");
    this.#asked = [];
    const carrier = connect({
      frame: (memory, from, to) => this.#received(memory, from, to),
      ended: () => {},
      closed: () => {
        if (this.#carrier === carrier) this.#carrier = undefined;
      },
    });
    this.#carrier = carrier;
  }

  act(): void {
    const input = this.#input;
    switch (input.between(0, 13)) {
      case 0:
        return this.#send(mutated(input, input.once(2) ? anyFrame(input) : this.#answer()));
      case 1:
        return this.#send(anyFrame(input));
      case 2:
        return this.#send(streamFrame(input, { streamId: this.#stream() }));
      case 3:
        return this.#history.length === 0 ? undefined : this.#send(input.pick(this.#history));
      case 4:
        return this.#rare();
      case 5:
        return this.#sendFragments();
      case 6:
        for (const { frames, times } of channelFrames(input, this.#stream()))
          for (const frame of frames) this.#send(frame, times);
        return;
      case 7:
        return this.#send(pushFrame(announcement(input)));
      case 8:
      case 9:
        return this.#ask();
      default:
        return this.#send(this.#answer());
    }
  }

  /** Asks the client, which may serve nothing; numbers are given twice, too. */
  #ask(): void {
    const input = this.#input;
    const streamId = input.once(12) ? input.between(0, 9) : 2 * input.between(1, 12);
    this.#send(request(input, streamId));
    if (input.once(2)) return;
    for (const { frames, times } of channelFrames(input, streamId))
      for (const frame of frames) this.#send(frame, times);
  }

  leave(): void {
    this.#input.note("the server leaves");
    this.#carrier?.destroy();
  }

  /** An answer in fragments, some of which never come, or come twice. */
  #sendFragments(): void {
    const input = this.#input;
    const bytes = input.once(20)
      ? Buffer.alloc(input.pick([70_000, 900_000]), 0x20)
      : Buffer.from("[1, 2]");
    const answer = payloadFrame(input, this.#stream(), bytes);
    for (const frame of fragmentsOf(answer, input.once(20) ? 65_536 : input.between(1, 4))) {
      if (input.once(30)) this.#send(streamFrame(input, { streamId: this.#stream() }));
      if (!input.once(30)) this.#send(input.once(40) ? mutated(input, frame) : frame);
      if (input.once(40)) return;
    }
  }

  #rare(): void {
    const input = this.#input;
    switch (input.between(0, 7)) {
      case 0:
        return this.#send(
          pushFrame(
            Buffer.from(
              input.pick(["{}", "{", '{"bootId":"x","wire":1}', '{"wire":1,"bootId":7}', "null"]),
            ),
          ),
        );
      case 1:
        return this.#send(errorFrame(input, 0));
      case 2:
        return this.#send(closing());
      case 3:
        input.note("the server ends");
        return this.#carrier?.end();
      case 4:
        input.note("the server cuts");
        return this.#carrier?.destroy();
      case 5:
        return this.#send(
          payloadFrame(input, this.#stream(), Buffer.from("1")),
          input.between(2, 600),
        );
      case 6:
        return this.#send(
          requestFrame(input, input.between(4, 7), { streamId: input.between(0, 9) }),
          input.between(1, 100),
        );
      case 7:
        return this.#send(keepaliveFrame(input), input.between(1, 50));
    }
  }

  #answer(): Buffer {
    const input = this.#input;
    const streamId = this.#stream();
    const datas = ["", "null", "7", '"x"', "{", "[[[", '{"__proto__":1}'];
    switch (input.between(0, 4)) {
      case 0:
        return errorFrame(input, streamId);
      case 1:
        return end(streamId);
      default:
        return payloadFrame(input, streamId, Buffer.from(input.pick(datas)));
    }
  }

  #stream(): number {
    const input = this.#input;
    return this.#asked.length === 0 || input.once(8)
      ? input.between(0, 12)
      : input.pick(this.#asked);
  }

  #received(memory: Buffer, from: number, to: number): void {
    const view = this.#view;
    if (view.read(memory, from, to) !== undefined)
      throw new Error(`the client sent ${memory.toString("hex", from, to)}`);
    if (isRequest(view)) this.#asked.push(view.streamId);
    else if (view.streamId > 0 && (view.streamId & 1) === 0 && !this.#asks.has(view.streamId))
      throw new Error(`the client answers on stream ${view.streamId}, of which nothing was asked`);
  }

  #send(frame: Buffer, times: number = 1): void {
    this.#input.note(times === 1 ? "frame" : `frame ×${times}`, frame);
    this.#history.push(frame);
    const view = this.#view;
    if (view.read(frame, 0, frame.length) === undefined && isRequest(view))
      this.#asks.add(view.streamId);
    for (let left = times; left > 0; left--) this.#carrier?.send(frame);
  }
}

function isRequest({ type }: FrameView): boolean {
  return type >= FrameType.REQUEST_RESPONSE && type <= FrameType.REQUEST_CHANNEL;
}

function end(streamId: number): Buffer {
  const frame = Buffer.alloc(6);
  writeHeader(frame, 0, streamId, FrameType.PAYLOAD, Flag.COMPLETE);
  return frame;
}

function closing(): Buffer {
  const frame = Buffer.alloc(10);
  writeError(frame, 0, 0, ErrorCode.CONNECTION_CLOSE, "");
  return frame;
}
