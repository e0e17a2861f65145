/**
 * What `framed` needs of something that moves bytes: a socket, a pipe, the standard streams.
 * It tells its sink nothing from within a call of one of these methods, always in a later turn.
 */
export interface ByteStream {
  /** Begins to read. Called once. */
  open(sink: ByteSink): void;
  /** Sends `bytes`, which stay untouched until `written` is called; with an error when they did not leave. */
  write(bytes: Uint8Array, written: (error?: Error | null) => void): void;
  /** True while earlier bytes still wait inside this process: writing more now would only lengthen the queue. */
  readonly busy: boolean;
  pause(): void;
  resume(): void;
  /** Sends what was written, then the end. Bytes of the peer still arrive. */
  end(): void;
  /** Closes at once. `closed` follows. */
  destroy(): void;
}

export interface ByteSink {
  /** Bytes `from` to `to` of `memory`, borrowed for the time of this call. */
  bytes(memory: Buffer, from: number, to: number): void;
  /** The peer will send nothing more. */
  ended(): void;
  /** The last word, exactly once, with the error of the system when there was one, or `RulesBroken`. */
  closed(error: Error | undefined): void;
}

/** Why a stream has closed whose other end does not keep the rules of the way: its bytes are no stream any more. */
export class RulesBroken extends Error {}
