import type { Flow } from "./items.ts";
import type { Job } from "./work.ts";

/** One way for two processes to talk: all do the same work over the same kind of socket. */
export interface Peer {
  /** In the process of the server: answers orders and sends streams at a socket file. */
  serve(path: string): Promise<void>;
  /** In the process of the client. */
  connect(path: string): Promise<Connected>;
}

export interface Connected {
  /** Resolves with the answer. */
  call(job: Job): Promise<unknown>;
  /** True when that is the answer to the job. */
  isRight(job: Job, answer: unknown): boolean;
  /** Reads and checks items until `over` says so; resolves with how many came. Throws at a wrong one. */
  read(flow: Flow, over: () => boolean): Promise<number>;
}

/** For streams that nobody ends but the reader. */
export const endless: number = Number.MAX_SAFE_INTEGER;

export function wrong(index: number): Error {
  return new Error(`item ${index} of the stream is not the one that was sent`);
}
