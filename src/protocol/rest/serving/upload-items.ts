import type { Readable } from "node:stream";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";

import { systemError, type TrunklineError } from "../../../base/error.ts";
import { ReceivedItems, type ItemsOwner, type Window } from "../../items/received-items.ts";
import type { ItemSource } from "../../protocol.ts";
import { decodeBody, discard, type BodyForm } from "./body.ts";
import type { Coding } from "./coding.ts";
import type { Exchange } from "./exchange.ts";
import { splitter, type Splitter, type SplitterOwner } from "./item-splitter.ts";
import type { RestRequest } from "./messages.ts";

type Result = IteratorResult<unknown, undefined>;

/** All that came in one piece waits; what holds the caller back is that no further piece is read meanwhile. */
const window: Window = { itemsMax: Infinity, arrived: () => true, taken: () => 0 };

/** The items of a body, as the handler reads them. Nothing is read that nobody waits for. */
export class UploadItems
  implements ItemSource, ItemsOwner, SplitterOwner, AsyncIterableIterator<unknown>
{
  readonly #exchange: Exchange;
  readonly #form: BodyForm;
  readonly #body: Readable;
  readonly #splitter: Splitter;
  readonly #items = new ReceivedItems(this, window);
  /** Items that have come and that the handler has not taken. */
  #waiting = 0;
  #accept: ((item: unknown) => unknown) | undefined;
  /** Takes the head, or hears that there is none. */
  #headTaker: ((head: Buffer | undefined) => void) | undefined;
  /** The body is over, or nothing of it is wanted any more. */
  #over = false;

  constructor(exchange: Exchange, form: BodyForm, headed: boolean) {
    const { request, home } = exchange;
    this.#exchange = exchange;
    this.#form = form;
    this.#splitter = splitter(form.written.framing!, home.bounds.itemBytesMax, headed, this);
    this.#body = bodyOf(request, form.coding);
    this.#body.pause();
    this.#body.on("data", (chunk: Buffer) => this.#arrived(chunk));
    this.#body.on("end", () => this.#ended());
    this.#body.on("error", () => this.#broken());
    exchange.whenClosed = () => this.#abort();
  }

  /** Reads on until the head has come; `take` gets nothing when the body begins with something else. */
  readHead(take: (head: Buffer | undefined) => void): void {
    this.#headTaker = take;
    this.#body.resume();
  }

  open(accept: (item: unknown) => unknown): AsyncIterableIterator<unknown> {
    this.#accept = accept;
    this.#exchange.accepted();
    return this;
  }

  /** The handler has settled: no more items are wanted. */
  drop(): void {
    this.#items.clear();
    if (!this.#items.ended) this.#items.end();
    this.#leave();
  }

  /** What is still to come of the body is thrown away. */
  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    const { request } = this.#exchange;
    if (this.#form.coding !== undefined) {
      // What is thrown away is not unpacked first.
      this.#body.destroy();
      (request as unknown as Readable).unpipe();
    }
    discard(request);
    request.resume();
  }

  // ---- what comes ---------------------------------------------------------------------------------------------------

  #arrived(chunk: Buffer): void {
    if (this.#over) return;
    try {
      this.#splitter.push(chunk);
    } catch (error) {
      this.#fail(faultOf(error));
      return;
    }
    if (this.#waiting > 0 || (this.#headTaker === undefined && !this.#items.awaited))
      this.#body.pause();
  }

  #ended(): void {
    if (this.#over) return;
    // A stream of HTTP/2 that was reset looks as if it had ended.
    if (!this.#exchange.request.complete) return this.#abort();
    let whole = false;
    try {
      whole = this.#splitter.finish();
    } catch (error) {
      return this.#fail(faultOf(error));
    }
    this.#over = true;
    if (!whole) this.#abort();
    else this.#headless();
  }

  #broken(): void {
    if (this.#over) return;
    const reason = `the body is not ${this.#form.coding ?? "what it says"}`;
    this.#fail(systemError("INVALID_ARGUMENT", reason, { executed: "maybe" }));
  }

  #headless(): void {
    const take = this.#headTaker;
    this.#headTaker = undefined;
    take?.(undefined);
  }

  /** The caller is gone, or has stopped: what it did send is not all that it meant to send. */
  #abort(): void {
    this.#over = true;
    this.#headless();
    if (this.#items.ended) return;
    this.#items.clear();
    this.#waiting = 0;
    const reason = "the caller stopped before its items were complete";
    this.#items.fail(systemError("CANCELLED", reason, { executed: "maybe" }));
  }

  #fail(error: TrunklineError): void {
    if (error.code === "RESOURCE_EXHAUSTED") this.#exchange.sentTooMuch = true;
    this.#headless();
    this.#items.fail(error); // it waits there for a handler that has not begun to read
    this.#leave();
  }

  // ---- SplitterOwner ------------------------------------------------------------------------------------------------

  head(payload: Buffer): void {
    const take = this.#headTaker;
    if (take === undefined) throw new TypeError("a second head");
    this.#headTaker = undefined;
    take(payload);
  }

  item(payload: Buffer): void {
    this.#headless();
    if (this.#over) return;
    this.#waiting++;
    this.#items.push(payload);
  }

  ended(): void {
    this.#headless();
    if (!this.#items.ended) this.#items.end();
  }

  // ---- what the handler reads ---------------------------------------------------------------------------------------

  next(): Promise<Result> {
    const result = this.#items.next();
    if (this.#waiting === 0 && !this.#over) this.#body.resume();
    return result;
  }

  return(): Promise<Result> {
    this.drop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // ---- ItemsOwner ---------------------------------------------------------------------------------------------------

  grant(): void {}

  accept(item: unknown): unknown {
    this.#waiting--;
    const read = decodeBody(this.#form.written, item as Buffer);
    if ("value" in read) return this.#accept!(read.value);
    const { reason } = read.error;
    throw systemError("INVALID_ARGUMENT", reason.replace("the body", "an item"), {
      executed: "maybe",
    });
  }

  refused(error: unknown): unknown {
    this.drop();
    return error;
  }
}

function faultOf(error: unknown): TrunklineError {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError)
    return systemError("RESOURCE_EXHAUSTED", `${reason} is more than is taken`, {
      executed: "maybe",
    });
  return systemError("INVALID_ARGUMENT", reason, { executed: "maybe" });
}

const decompressors: Readonly<Record<Coding, () => NodeJS.ReadWriteStream>> = {
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
  gzip: () => createGunzip(),
  deflate: () => createInflate(),
};

function bodyOf(request: RestRequest, coding: Coding | undefined): Readable {
  const body = request as unknown as Readable;
  return coding === undefined ? body : (body.pipe(decompressors[coding]()) as unknown as Readable);
}
