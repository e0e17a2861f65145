import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import type { Attempt, CancelReason } from "../../attempt.ts";
import { ReceivedItems, type ItemsOwner, type Window } from "../../items/received-items.ts";
import type { StreamOptions } from "../../protocol.ts";
import type { CompressionName } from "../wire/compression.ts";
import { decoded, excess } from "./encoded.ts";
import type { Dialect } from "./head.ts";
import type { CalledMethod } from "./method.ts";
import { Request, type RequestHome } from "./request.ts";

type Result = IteratorResult<unknown, undefined>;

/** With so many bytes, or items, waiting for the reader nothing more is read: then HTTP holds the server back. */
const waitingBytesHigh = 256 * 1024;
const waitingItemsHigh = 256;

/** What was read in one piece before that is taken, too: small items are many in a few bytes. */
const waitingItemsMax = 65_536;

/** A stream that we read. Its items wait as the bytes that came. */
export class ItemStream
  extends Request
  implements AsyncIterableIterator<unknown>, ItemsOwner, Window
{
  readonly itemsMax: number = waitingItemsMax;
  readonly #items: ReceivedItems = new ReceivedItems(this, this);
  readonly #options: StreamOptions;
  #waiting = 0;
  #waitingBytes = 0;
  /** Set once the server has accepted: its headers, an item, or the end. */
  #accepted = false;
  /** When the last item came, or was asked for, whichever was later. */
  #idleFrom = 0;

  constructor(
    home: RequestHome,
    method: CalledMethod,
    dialect: Dialect,
    attempt: Attempt,
    input: unknown,
    options: StreamOptions,
  ) {
    super(home, method, dialect, attempt, input);
    this.#options = options;
  }

  protected sent(): void {}

  protected override get awaited(): string {
    return `the ${this.method.operation.kind} ended`;
  }

  // ---- AnswerOwner --------------------------------------------------------------------------------------------------

  accepted(): void {
    if (!this.#accepted) this.#alive();
  }

  message(flags: number, payload: Buffer, compression: CompressionName): void {
    if (this.over) return;
    this.#alive();
    if (!this.#items.admit(payload.length)) {
      this.abandon(excess(`more than ${waitingItemsMax} items wait for the reader`, "maybe"));
      return;
    }
    this.#items.push({ flags, payload, compression } satisfies Waiting);
    if (this.#full) this.stream?.pause();
  }

  excessive(bytes: number): void {
    this.abandon(excess(`the item takes ${bytes} bytes, ${this.bytesMax} are allowed`, "maybe"));
  }

  finished(failure?: TrunklineError): void {
    if (failure === undefined) this.#end();
    else this.fail(failure);
  }

  // ---- what is read -------------------------------------------------------------------------------------------------

  next(): Promise<Result> {
    if (this.#options.idleMs !== Infinity && !this.#items.awaited)
      this.#idleFrom = this.home.env.now();
    return this.#items.next();
  }

  /** Leaving the loop: the producer is told to stop. */
  return(): Promise<Result> {
    this.#items.clear();
    if (!this.over) {
      this.stop();
      this.#end();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  // ---- Window -------------------------------------------------------------------------------------------------------

  arrived(bytes: number): boolean {
    this.#waiting++;
    this.#waitingBytes += bytes;
    return this.#waiting <= waitingItemsMax;
  }

  taken(): number {
    this.#waiting--;
    return 0;
  }

  get #full(): boolean {
    return this.#waiting > waitingItemsHigh || this.#waitingBytes > waitingBytesHigh;
  }

  // ---- ItemsOwner ---------------------------------------------------------------------------------------------------

  grant(): void {} // HTTP counts bytes, not items

  accept(item: unknown): unknown {
    const { flags, payload, compression } = item as Waiting;
    this.#waitingBytes -= payload.length;
    if (!this.#full && this.stream?.isPaused() === true) this.stream.resume();
    const memory = this.unpacked(flags, payload, compression);
    return this.#options.accept(decoded(this.method.codecs.output, memory, "item"));
  }

  refused(error: unknown): unknown {
    if (!this.over) {
      this.stop();
      this.finish();
    }
    const failure = isTrunklineError(error)
      ? error
      : systemError("INTERNAL", "an item was not accepted", { executed: "maybe", cause: error });
    return this.#options.settled(failure);
  }

  // ---- ending -------------------------------------------------------------------------------------------------------

  override cancel(reason: CancelReason, cause?: unknown): void {
    if (this.over) return;
    this.#items.clear();
    super.cancel(reason, cause);
  }

  protected reject(error: TrunklineError): void {
    this.#items.fail(this.#options.settled(error));
  }

  #end(): void {
    this.finish();
    void this.#options.settled(undefined);
    this.#items.end();
  }

  protected override timedOut(): void {
    const now = this.home.env.now();
    const { idleMs } = this.#options;
    if (now >= this.attempt.totalAt) this.late(`not at its end within ${this.elapsedMs} ms`);
    else if (!this.#accepted) this.late(`no item within ${this.elapsedMs} ms`);
    else if (this.#items.awaited && now >= this.#idleFrom + idleMs) {
      this.late(`no item for ${Math.round(now - this.#idleFrom)} ms`);
    } else this.#watch(now); // an item came meanwhile, or nobody asks for one: it is not the producer who idles
  }

  #alive(): void {
    if (this.#accepted && this.#options.idleMs === Infinity) return;
    const now = this.home.env.now();
    this.#idleFrom = now;
    if (this.#accepted) return;
    this.#accepted = true;
    this.#watch(now);
  }

  #watch(now: number): void {
    const { env } = this.home;
    // While nobody asks, the earliest who can have waited too long is one who asks now.
    const from = this.#items.awaited ? this.#idleFrom : now;
    const next = Math.min(this.attempt.totalAt, from + this.#options.idleMs);
    if (next === Infinity) env.clear(this);
    else env.set(this, next);
  }
}

interface Waiting {
  readonly flags: number;
  readonly payload: Buffer;
  readonly compression: CompressionName;
}
