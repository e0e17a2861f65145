import type { ByteSink, ByteStream } from "../src/transport/byte-stream.ts";
import type { FuzzEnv } from "./fuzz-env.ts";

/** A stream of bytes whose other end is the test: bytes are fed to it, and what it writes is taken from it. */
export class BytePipe implements ByteStream {
  onOutput: (bytes: Buffer) => void = () => {};
  onEnd: () => void = () => {};
  onClose: () => void = () => {};
  #ended = false;
  #destroyed = false;
  #paused = false;
  #stuck = false;
  readonly #env: FuzzEnv;
  #sink: ByteSink | undefined;
  #waiting: (Buffer | "end" | "lost")[] = [];
  #unsent: { bytes: Buffer; confirm: (error?: Error | null) => void }[] = [];
  #closed = false;
  #over = false;
  #endTold = false;

  constructor(env: FuzzEnv) {
    this.#env = env;
  }

  get busy(): boolean {
    return this.#unsent.length > 0;
  }

  open(sink: ByteSink): void {
    this.#sink = sink;
    this.#env.yield(() => this.#deliver());
  }

  write(bytes: Uint8Array, confirm: (error?: Error | null) => void): void {
    this.#unsent.push({ bytes: bytes as Buffer, confirm });
    this.#env.yield(() => this.unstick(this.#stuck));
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#env.yield(() => this.#deliver());
  }

  end(): void {
    this.#ended = true;
    this.#env.yield(() => this.unstick(this.#stuck));
  }

  destroy(): void {
    this.#destroyed = true;
    this.#env.yield(() => this.#close(undefined));
  }

  // ---- the other end ------------------------------------------------------------------------------------------------

  feed(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#env.yield(() => this.#deliver());
  }

  feedEnd(how: "end" | "lost"): void {
    this.#waiting.push(how);
    this.#env.yield(() => this.#deliver());
  }

  /** Lets what was written leave, unless it is to stay stuck. */
  unstick(stuck: boolean = false): void {
    this.#stuck = stuck;
    if (stuck || this.#closed) return;
    for (const { bytes, confirm } of this.#unsent.splice(0)) {
      this.onOutput(bytes);
      confirm();
    }
    if (this.#ended && !this.#endTold) {
      this.#endTold = true;
      this.onEnd();
    }
    this.#closeWhenDone();
  }

  #deliver(): void {
    while (this.#sink !== undefined && !this.#paused && !this.#closed && !this.#destroyed) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      // A stream that was reset is gone even if nobody reads.
      if (next === "lost")
        return this.#close(Object.assign(new Error("lost"), { code: "ECONNRESET" }));
      if (next === "end") {
        this.#over = true;
        this.#sink.ended();
        this.#closeWhenDone();
      } else if (!this.#over) {
        // Borrowed: what the sink keeps without copying is spoilt at once.
        const lent = Buffer.from(next);
        this.#sink.bytes(lent, 0, lent.length);
        lent.fill(0xdb);
      }
    }
  }

  #closeWhenDone(): void {
    if (this.#ended && this.#over && this.#unsent.length === 0) this.#close(undefined);
  }

  #close(error: Error | undefined): void {
    if (this.#closed || this.#sink === undefined) return;
    this.#closed = true;
    for (const { confirm } of this.#unsent.splice(0)) confirm(new Error("closed"));
    this.#sink.closed(error);
    this.onClose();
  }
}
