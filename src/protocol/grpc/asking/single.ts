import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { Attempt } from "../../attempt.ts";
import type { CompressionName } from "../wire/compression.ts";
import { decoded, excess } from "./encoded.ts";
import type { Dialect } from "./head.ts";
import type { CalledMethod } from "./method.ts";
import { Request, type RequestHome } from "./request.ts";

/** A call that waits for its one answer. */
export class SingleRequest extends Request {
  readonly promise: Promise<unknown>;
  #resolve!: (value: unknown) => void;
  #reject!: (error: TrunklineError) => void;
  #answer: { readonly value: unknown } | undefined;

  constructor(
    home: RequestHome,
    method: CalledMethod,
    dialect: Dialect,
    attempt: Attempt,
    input: unknown,
  ) {
    super(home, method, dialect, attempt, input);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  accepted(_reads: boolean): void {}

  protected sent(): void {}

  message(flags: number, payload: Buffer, compression: CompressionName): void {
    if (this.#answer !== undefined) {
      this.abandon(systemError("INTERNAL", "more than one answer came", { executed: "maybe" }));
      return;
    }
    try {
      const memory = this.unpacked(flags, payload, compression);
      this.#answer = { value: decoded(this.method.codecs.output, memory, "answer") };
    } catch (error) {
      this.abandon(error as TrunklineError);
    }
  }

  /** The handler has answered, so it ran. */
  excessive(bytes: number): void {
    this.abandon(excess(`the answer takes ${bytes} bytes, ${this.bytesMax} are allowed`, "yes"));
  }

  finished(failure?: TrunklineError): void {
    if (failure !== undefined) this.fail(failure);
    else if (this.#answer === undefined) {
      this.fail(systemError("INTERNAL", "the answer has no message", { executed: "maybe" }));
    } else this.settle(this.#answer.value);
  }

  protected settle(value: unknown): void {
    this.finish();
    this.#resolve(value);
  }

  protected reject(error: TrunklineError): void {
    this.#reject(error);
  }

  protected timedOut(): void {
    this.late(`no answer within ${this.elapsedMs} ms`);
  }
}

/** A notification: over as soon as all of it was handed to a connection. What the server answers is for nobody. */
export class Notification extends SingleRequest {
  protected override sent(): void {
    this.finished(undefined);
  }

  override finished(failure?: TrunklineError): void {
    if (failure !== undefined) this.fail(failure);
    else this.settle(undefined);
  }
}
