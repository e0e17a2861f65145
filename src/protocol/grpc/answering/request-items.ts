import type { Readable } from "node:stream";

import { systemError, TrunklineError } from "../../../base/error.ts";
import type { Codec } from "../../../codec/codec.ts";
import { ReceivedItems, type ItemsOwner, type Window } from "../../items/received-items.ts";
import type { ItemSource } from "../../protocol.ts";
import type { CompressionName } from "../wire/compression.ts";
import { cannotBeRead, unpacked } from "./received.ts";

type Result = IteratorResult<unknown, undefined>;

/** With so many bytes, or items, waiting for the handler nothing more is read: then HTTP holds the caller back. */
const waitingBytesHigh = 256 * 1024;
const waitingItemsHigh = 256;

/** What was read in one piece before that is taken, too: small items are many in a few bytes. */
const waitingItemsMax = 65_536;

interface Waiting {
  readonly flags: number;
  readonly payload: Buffer;
}

/** The items that come with a request, as its handler reads them. They wait as the bytes that came. */
export class RequestItems
  implements ItemSource, ItemsOwner, Window, AsyncIterableIterator<unknown>
{
  readonly itemsMax: number = waitingItemsMax;
  readonly #body: Readable;
  readonly #codec: Codec;
  readonly #compression: CompressionName;
  readonly #bytesMax: number;
  readonly #accepted: () => void;
  readonly #items: ReceivedItems = new ReceivedItems(this, this);
  #waiting = 0;
  #waitingBytes = 0;
  #accept: ((item: unknown) => unknown) | undefined;

  /** `accepted` is called when the handler begins to read. */
  constructor(
    body: Readable,
    codec: Codec,
    compression: CompressionName,
    bytesMax: number,
    accepted: () => void,
  ) {
    this.#body = body;
    this.#codec = codec;
    this.#compression = compression;
    this.#bytesMax = bytesMax;
    this.#accepted = accepted;
  }

  open(accept: (item: unknown) => unknown): AsyncIterableIterator<unknown> {
    this.#accept = accept;
    this.#accepted();
    return this;
  }

  /** One more has come, compressed or not. */
  push(flags: number, payload: Buffer): void {
    if (this.#items.ended) return;
    if (!this.#items.admit(payload.length)) {
      this.fail(tooMany());
      return;
    }
    this.#items.push({ flags, payload } satisfies Waiting);
    if (this.#full) this.#body.pause();
  }

  /** The caller has said that there are no more. */
  end(): void {
    if (!this.#items.ended) this.#items.end();
  }

  /** What came is told first, then `error`. */
  fail(error: Error): void {
    if (!this.#items.ended) this.#items.fail(begun(error));
    this.#flow();
  }

  /** The caller is gone, or gave up: what it did send is not all that it meant to send. */
  abort(reason: string): void {
    if (this.#items.ended) return;
    this.#items.clear();
    this.#items.fail(systemError("CANCELLED", reason, { executed: "maybe" }));
  }

  /** The handler has settled, or wants no more: what comes is dropped. */
  drop(): void {
    this.#items.clear();
    this.#items.end();
    this.#waiting = 0;
    this.#waitingBytes = 0;
    this.#flow();
  }

  // ---- what the handler reads ---------------------------------------------------------------------------------------

  next(): Promise<Result> {
    return this.#items.next();
  }

  return(): Promise<Result> {
    this.drop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
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

  // ---- ItemsOwner ---------------------------------------------------------------------------------------------------

  grant(): void {} // HTTP counts bytes, not items

  accept(item: unknown): unknown {
    const { flags, payload } = item as Waiting;
    this.#waitingBytes -= payload.length;
    this.#flow();
    const memory = unpacked(flags, payload, this.#compression, this.#bytesMax);
    let value: unknown;
    try {
      value = this.#codec.decode(memory, 0, memory.length);
    } catch (cause) {
      throw cannotBeRead("an item", this.#codec.name, cause);
    }
    return this.#accept!(value);
  }

  refused(error: unknown): unknown {
    this.#flow();
    return begun(error);
  }

  get #full(): boolean {
    return this.#waiting > waitingItemsHigh || this.#waitingBytes > waitingBytesHigh;
  }

  #flow(): void {
    if (this.#body.isPaused() && (this.#items.ended || !this.#full)) this.#body.resume();
  }
}

/** The handler has begun: what says that it did not is about the item alone. */
function begun(error: unknown): unknown {
  if (!(error instanceof TrunklineError) || error.executed !== "no") return error;
  const { code, reason, advice } = error;
  return new TrunklineError(code, reason, { executed: "maybe", advice });
}

function tooMany(): Error {
  const reason = `more than ${waitingItemsMax} items wait for the handler`;
  return systemError("RESOURCE_EXHAUSTED", reason, { executed: "maybe" });
}
