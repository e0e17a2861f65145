import { frameEnd, frameHeaderBytes, frameOverheadBytes } from "./limits.ts";
import { malformed } from "./malformed.ts";

/** What takes frames: what they hold is bytes `from` to `to` of `memory`, borrowed for the time of the call. */
export interface FrameTaker {
  frame(type: number, channel: number, memory: Buffer, from: number, to: number): void;
}

/**
 * Cuts what a socket brings into frames. A frame that came whole is handed on where it lies; only one that came in parts is copied, so
 * at most one frame is kept.
 */
export class FrameReader {
  /** The largest frame that is taken, its eight bytes of framing included. */
  frameBytesMax: number;
  private readonly taker: FrameTaker;
  /** The beginning of a frame whose end has not come. */
  private begun: Buffer | undefined;
  private begunBytes = 0;
  private stopped = false;
  private paused = false;
  /** What came while it was paused. */
  private waiting: Buffer[] = [];

  constructor(taker: FrameTaker, frameBytesMax: number) {
    this.taker = taker;
    this.frameBytesMax = frameBytesMax;
  }

  /** Takes what came. @throws INVALID_ARGUMENT when it is no frame, or one that is too large; nothing more can be read then. */
  push(chunk: Buffer): void {
    let at = 0;
    if (!this.paused)
      while (this.begun !== undefined && at < chunk.length) at = this.goOn(chunk, at);
    while (!this.stopped && at < chunk.length) {
      if (this.paused) return void this.waiting.push(at === 0 ? chunk : chunk.subarray(at));
      const left = chunk.length - at;
      const bytes = left < frameHeaderBytes ? 0 : this.bytesOf(chunk, at);
      if (bytes === 0 || bytes > left) return this.begin(chunk, at, bytes);
      this.hand(chunk, at, bytes);
      at += bytes;
    }
  }

  /** Hands on nothing before `resume`: what is left of the chunk, and comes meanwhile, is kept. Whoever pauses reads no more soon. */
  pause(): void {
    this.paused = true;
  }

  /** Hands on what was kept. @throws as `push`. */
  resume(): void {
    this.paused = false;
    const chunks = this.waiting;
    this.waiting = [];
    for (const chunk of chunks) this.push(chunk);
  }

  /** Hands on nothing more, not even of what is being read just now. */
  stop(): void {
    this.stopped = true;
    this.begun = undefined;
    this.waiting = [];
  }

  private begin(chunk: Buffer, at: number, bytes: number): void {
    const begun = Buffer.allocUnsafe(bytes === 0 ? frameHeaderBytes : bytes);
    this.begunBytes = chunk.copy(begun, 0, at);
    this.begun = begun;
  }

  /** Adds to the frame that has begun, and returns how far the chunk is read. */
  private goOn(chunk: Buffer, at: number): number {
    const begun = this.begun!;
    const end = at + begun.length - this.begunBytes;
    this.begunBytes += chunk.copy(begun, this.begunBytes, at, end);
    if (this.begunBytes < begun.length) return chunk.length;
    const bytes = this.bytesOf(begun, 0);
    if (begun.length === frameHeaderBytes) {
      // Only now it is known how long it is.
      this.begun = Buffer.allocUnsafe(bytes);
      begun.copy(this.begun);
      return end;
    }
    this.begun = undefined;
    this.hand(begun, 0, bytes);
    return end;
  }

  private bytesOf(memory: Buffer, at: number): number {
    const bytes = memory.readUInt32BE(at + 3) + frameOverheadBytes;
    if (bytes > this.frameBytesMax)
      throw malformed(`a frame of ${bytes} bytes, ${this.frameBytesMax} are allowed`);
    return bytes;
  }

  private hand(memory: Buffer, at: number, bytes: number): void {
    const end = at + bytes - 1;
    if (memory[end] !== frameEnd) throw malformed("a frame does not end where it says");
    const channel = (memory[at + 1]! << 8) | memory[at + 2]!;
    this.taker.frame(memory[at]!, channel, memory, at + frameHeaderBytes, end);
  }
}
