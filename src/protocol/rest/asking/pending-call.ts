import type { IncomingHttpHeaders } from "node:http";

import type { TrunklineError } from "../../../base/error.ts";
import type { Codec } from "../../../codec/codec.ts";
import { raw } from "../../../codec/raw.ts";
import type { Attempt } from "../../attempt.ts";
import { mediaTypeOf } from "./answer.ts";
import type { Ask } from "./ask.ts";
import { Exchange, type ExchangeHome } from "./exchange.ts";
import { lossFailure } from "./failure.ts";

const sizeAdvice = "let it be sent in parts, or raise itemBytesMax on both sides";

/** A call that waits for its one answer. */
export class PendingCall extends Exchange {
  readonly promise: Promise<unknown>;
  #resolve!: (value: unknown) => void;
  #reject!: (error: TrunklineError) => void;
  /** Reads the answer; undefined when its media type is not what was asked for. */
  #codec: Codec | undefined;
  #mediaType = "";
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(home: ExchangeHome, ask: Ask, attempt: Attempt, input: unknown) {
    super(home, ask, attempt, input);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  protected begin(headers: IncomingHttpHeaders): void {
    this.#mediaType = mediaTypeOf(headers);
    this.#codec = this.ask.reader(this.#mediaType);
    this.#parts = [];
    this.#bytes = 0;
  }

  protected receive(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const { itemBytesMax } = this.ask;
    if (this.#bytes <= itemBytesMax) {
      this.#parts.push(chunk);
      return;
    }
    const reason = `the answer has more than ${itemBytesMax} bytes`;
    this.abandon(lossFailure("answer too large", reason, { advice: sizeAdvice }));
  }

  protected end(): void {
    const [first] = this.#parts;
    const memory = this.#parts.length === 1 ? first! : Buffer.concat(this.#parts);
    let value: unknown;
    try {
      value = this.#read(memory);
    } catch (cause) {
      const told = cause instanceof Error ? cause.message : String(cause);
      const reason = `the answer cannot be read as ${this.#codec?.name ?? this.operation.output.name}: ${told}`;
      this.fail(lossFailure("unreadable", reason, { cause }));
      return;
    }
    this.finish();
    this.#resolve(value);
  }

  #read(memory: Buffer): unknown {
    const codec = this.#codec;
    if (memory.length === 0 && codec !== raw) return undefined;
    // What fills most of its memory need not be copied to be the caller's own.
    if (codec === raw && memory.length * 2 > memory.buffer.byteLength) return memory;
    if (codec === undefined) throw new TypeError(`its media type is ${this.#mediaType}`);
    return codec.decode(memory, 0, memory.length);
  }

  protected reject(error: TrunklineError): void {
    this.#reject(error);
  }
}
