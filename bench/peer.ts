import type { Flow } from "./items.ts";
import type { Job } from "./work.ts";

/** One way for two sides to talk: those that are compared do the same work over the same mechanism. */
export interface Peer {
  /**
   * In the process of the server: answers orders and sends streams; files are made in `folder`. Resolves with the place,
   * a text that `connect` understands. Absent where connecting starts the other side.
   */
  serve?(folder: string): Promise<string>;
  /** In the process of the client. */
  connect(place: string): Promise<Connected>;
}

export interface Connected {
  /** Resolves with the answer. */
  call(job: Job): Promise<unknown>;
  /** True when that is the answer to the job. */
  isRight(job: Job, answer: unknown): boolean;
  /** Resolves with the same bytes, from the server. */
  echo?(block: Buffer): Promise<Uint8Array>;
  /** Reads and checks items until `over` says so; resolves with how many came. Throws at a wrong one. */
  read(flow: Flow, over: () => boolean): Promise<number>;
  /** Sends items until `over` says so; resolves with how many the server says came, all of them checked by it. */
  upload?(flow: Flow, over: () => boolean): Promise<number>;
  /** Sends items until `over` says so, and reads and checks each as it comes back; resolves with how many came. */
  duplex?(flow: Flow, over: () => boolean): Promise<number>;
  /** What a process that connecting has started has used of the processor, in microseconds. */
  otherCpuUs?(): Promise<number>;
}

/** For streams that nobody ends but the reader. */
export const endless: number = Number.MAX_SAFE_INTEGER;

export function wrong(index: number): Error {
  return new Error(`item ${index} of the stream is not the one that was sent`);
}
