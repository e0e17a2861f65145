import { isTrunklineError, systemError } from "../base/error.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Operation } from "../protocol/operation.ts";
import type {
  Caller,
  CallerState,
  Source,
  StreamOptions,
  UploadOptions,
} from "../protocol/protocol.ts";
import { tell, type Completion } from "../protocol/completion.ts";

/** A caller whose protocol is loaded with the first request: a client is made at once, modules are not. */
export class LateCaller implements Caller {
  readonly endpoint: string;
  readonly #load: () => Promise<Caller>;
  #loading: Promise<Caller> | undefined;
  #loaded: Caller | undefined;
  #closed = false;
  #waiting = 0;

  constructor(endpoint: string, load: () => Promise<Caller>) {
    this.endpoint = endpoint;
    this.#load = load;
  }

  get state(): CallerState {
    if (this.#loaded !== undefined) return this.#loaded.state;
    if (this.#closed) return "closed";
    return this.#loading === undefined ? "idle" : "connecting";
  }

  get waiting(): number {
    return this.#waiting + (this.#loaded?.waiting ?? 0);
  }

  /** Not `async`, once it is loaded: a promise around the promise would cost each call some turns. */
  call(operation: Operation, input: unknown, attempt: Attempt): Promise<unknown> {
    if (this.#loaded !== undefined) return this.#loaded.call(operation, input, attempt);
    return this.#ready().then((caller) => caller.call(operation, input, attempt));
  }

  ask(operation: Operation, input: unknown, attempt: Attempt, completion: Completion): void {
    if (this.#loaded?.ask !== undefined) this.#loaded.ask(operation, input, attempt, completion);
    else tell(completion, this.call(operation, input, attempt));
  }

  async upload(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: UploadOptions,
  ): Promise<unknown> {
    const caller = this.#loaded ?? (await this.#ready());
    return caller.upload(operation, head, source, attempt, options);
  }

  async notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    return (this.#loaded ?? (await this.#ready())).notify(operation, input, attempt);
  }

  stream(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const begin = (caller: Caller) => caller.stream(operation, input, attempt, options);
    return this.#loaded === undefined ? this.#items(begin) : begin(this.#loaded);
  }

  duplex(
    operation: Operation,
    head: unknown,
    source: Source,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncIterableIterator<unknown> {
    const begin = (caller: Caller) => caller.duplex(operation, head, source, attempt, options);
    return this.#loaded === undefined ? this.#items(begin) : begin(this.#loaded);
  }

  async close(withinMs?: number): Promise<void> {
    this.#closed = true;
    if (this.#loading === undefined) return;
    // What could not be loaded has nothing to close.
    const caller = await this.#loading.catch(() => undefined);
    await caller?.close(withinMs);
  }

  async #ready(): Promise<Caller> {
    if (this.#closed && this.#loading === undefined) {
      throw systemError("UNAVAILABLE", "the client is closed", { executed: "no" });
    }
    this.#waiting++;
    try {
      return (this.#loaded = await (this.#loading ??= this.#load()));
    } catch (cause) {
      this.#loading = undefined;
      if (isTrunklineError(cause)) throw cause;
      const told = cause instanceof Error ? cause.message : String(cause);
      const reason = `the protocol of ${this.endpoint} cannot be loaded: ${told}`;
      throw systemError("UNIMPLEMENTED", reason, { executed: "no", cause });
    } finally {
      this.#waiting--;
    }
  }

  /** Begins with the first `next`, or the `return`, whichever comes first. */
  #items(
    begin: (caller: Caller) => AsyncIterableIterator<unknown>,
  ): AsyncIterableIterator<unknown> {
    let begun: Promise<AsyncIterableIterator<unknown>> | undefined;
    const items = () => (begun ??= this.#ready().then(begin));
    void items().catch(() => {}); // told by `next`
    return {
      next: async () => (await items()).next(),
      return: async () => {
        const iterator = await items();
        return (await iterator.return?.()) ?? { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
