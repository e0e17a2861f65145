import type { IncomingHttpHeaders } from "node:http";

import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import { raw } from "../../../codec/raw.ts";
import type { Attempt, CancelReason } from "../../attempt.ts";
import { ReceivedItems, type ItemsOwner } from "../../items/received-items.ts";
import type { StreamOptions } from "../../protocol.ts";
import { itemsFormat } from "../wire/envelope.ts";
import { mediaTypeOf } from "./answer.ts";
import type { Ask } from "./ask.ts";
import { ByteWindow } from "./byte-window.ts";
import { Exchange, late, type ExchangeHome } from "./exchange.ts";
import { endFailure, lossFailure } from "./failure.ts";
import {
  chunkItems,
  envelopeItems,
  eventItems,
  lineItems,
  type ItemReader,
  type ItemTaker,
} from "./item-readers.ts";
import { events } from "./media.ts";

type Result = IteratorResult<unknown, undefined>;

/** Lines of JSON, by the names that are in use for them. */
const lineTypes: ReadonlySet<string> = new Set([
  "application/x-ndjson",
  "application/ndjson",
  "application/jsonl",
  "application/jsonlines",
]);

/** A stream that we read. */
export class ItemStream
  extends Exchange
  implements AsyncIterableIterator<unknown>, ItemsOwner, ItemTaker
{
  readonly #window = new ByteWindow();
  readonly #items = new ReceivedItems(this, this.#window);
  readonly #options: StreamOptions;
  #reader: ItemReader | undefined;
  /** Set once the peer has accepted: the first item, or the end. */
  #accepted = false;
  /** When the last item came, or was asked for, whichever was later. */
  #idleFrom = 0;

  constructor(
    home: ExchangeHome,
    ask: Ask,
    attempt: Attempt,
    input: unknown,
    options: StreamOptions,
  ) {
    super(home, ask, attempt, input);
    this.#options = options;
  }

  protected begin(headers: IncomingHttpHeaders): void {
    this.#reader = this.#readerOf(mediaTypeOf(headers));
    if (this.#reader !== undefined) return;
    const reason = `the items cannot be read: their media type is ${mediaTypeOf(headers)}`;
    this.abandon(lossFailure("unreadable", reason));
  }

  #readerOf(mediaType: string): ItemReader | undefined {
    const { itemBytesMax, operation } = this.ask;
    const { output } = operation;
    const format = itemsFormat(mediaType);
    if (format !== undefined) {
      const codec = this.ask.itemReader(format);
      return codec === undefined ? undefined : envelopeItems(codec, itemBytesMax, this);
    }
    if (output === raw) return chunkItems(this);
    if (mediaType === events) return eventItems(output, itemBytesMax, this);
    return lineTypes.has(mediaType) ? lineItems(output, itemBytesMax, this) : undefined;
  }

  protected receive(chunk: Buffer): void {
    try {
      this.#reader?.push(chunk);
    } catch (cause) {
      this.#unreadable(cause);
      return;
    }
    if (!this.over && this.#window.filled()) this.pause();
  }

  #unreadable(cause: unknown): void {
    const told = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof RangeError) {
      const reason = `the stream brings ${told}, ${this.ask.itemBytesMax} are allowed`;
      const advice = "let it be sent in parts, or raise itemBytesMax on both sides";
      this.abandon(systemError("RESOURCE_EXHAUSTED", reason, { executed: "maybe", advice }));
      return;
    }
    const reason = `an item cannot be read as ${this.operation.output.name}: ${told}`;
    this.abandon(lossFailure("unreadable", reason, { cause }));
  }

  protected end(): void {
    let whole: boolean;
    try {
      whole = this.#reader?.whole() ?? false;
    } catch (cause) {
      this.#unreadable(cause);
      return;
    }
    if (this.over) return;
    if (whole) this.ended();
    else this.fail(lossFailure("cut", "the stream was cut short"));
  }

  // ---- ItemTaker ----------------------------------------------------------------------------------------------------

  item(value: unknown, bytes: number): void {
    if (this.over) return;
    if (!this.#accepted || this.#options.idleMs !== Infinity) this.#alive();
    this.#window.arrived(bytes);
    this.#items.push(value);
  }

  ended(problem?: unknown): void {
    if (this.over) return;
    if (problem !== undefined) {
      this.fail(endFailure(this.operation, problem));
      return;
    }
    this.finish();
    void this.#options.settled(undefined);
    this.#items.end();
  }

  // ---- the reader's side --------------------------------------------------------------------------------------------

  next(): Promise<Result> {
    const { idleMs } = this.#options;
    if (idleMs !== Infinity && !this.#items.awaited) this.#idleFrom = this.home.env.now();
    return this.#items.next();
  }

  /** Leaving the loop: the producer is told to stop. */
  return(): Promise<Result> {
    this.#items.clear();
    if (!this.over) {
      this.finish();
      this.stop();
      void this.#options.settled(undefined);
      this.#items.end();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  override cancel(reason: CancelReason, cause?: unknown): void {
    if (this.over) return;
    this.#items.clear();
    super.cancel(reason, cause);
  }

  protected reject(error: TrunklineError): void {
    this.#items.fail(this.#options.settled(error));
  }

  // ---- how long it may take -----------------------------------------------------------------------------------------

  protected override timedOut(): void {
    const { env } = this.home;
    const now = env.now();
    if (!this.#accepted) {
      this.abandon(late(`no item within ${Math.round(now - this.startedAt)} ms`, this.executed));
    } else if (now >= this.attempt.totalAt) {
      this.abandon(
        late(`not at its end within ${Math.round(now - this.startedAt)} ms`, this.executed),
      );
    } else if (this.#items.awaited && now >= this.#idleFrom + this.#options.idleMs) {
      this.abandon(late(`no item for ${Math.round(now - this.#idleFrom)} ms`, this.executed));
    } else {
      this.#rewatch(now); // an item came meanwhile, or nobody asks for one: it is not the producer who idles
    }
  }

  /** An item has come. */
  #alive(): void {
    const now = this.home.env.now();
    this.#idleFrom = now;
    if (this.#accepted) return;
    this.#accepted = true;
    this.#rewatch(now);
  }

  #rewatch(now: number): void {
    const { env } = this.home;
    // While nobody asks, the earliest who can have waited too long is one who asks now.
    const from = this.#items.awaited ? this.#idleFrom : now;
    const next = Math.min(this.attempt.totalAt, from + this.#options.idleMs);
    if (next === Infinity) env.clear(this);
    else env.set(this, next);
  }

  // ---- ItemsOwner ---------------------------------------------------------------------------------------------------

  grant(): void {
    if (!this.over) this.resume();
  }

  accept(item: unknown): unknown {
    return this.#options.accept(item);
  }

  refused(error: unknown): unknown {
    if (!this.over) {
      this.finish();
      this.stop();
    }
    const failure = isTrunklineError(error)
      ? error
      : systemError("INTERNAL", "an item was not accepted", { executed: "maybe", cause: error });
    return this.#options.settled(failure);
  }
}
