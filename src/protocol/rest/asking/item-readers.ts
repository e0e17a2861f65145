import { StringDecoder } from "node:string_decoder";

import type { Codec } from "../../../codec/codec.ts";
import { json } from "../../../codec/json.ts";
import { raw } from "../../../codec/raw.ts";
import { Envelope, EnvelopeReader } from "../wire/envelope.ts";

/** Who takes what is read of a stream. */
export interface ItemTaker {
  item(value: unknown, bytes: number): void;
  /** The stream ends, with a problem or well. */
  ended(problem?: unknown): void;
}

/** Takes items out of the body of an answer. What it throws breaks the stream; a RangeError: an item is too large. */
export interface ItemReader {
  push(chunk: Buffer): void;
  /** The body is whole. False when the items are not: their end should have been told, or one of them is cut. */
  whole(): boolean;
}

export function envelopeItems(codec: Codec, bytesMax: number, taker: ItemTaker): ItemReader {
  let over = false;
  const reader = new EnvelopeReader(bytesMax, (flag, memory, from, to) => {
    if (over) return;
    if (flag === Envelope.item) {
      taker.item(codec.decode(memory, from, to), to - from);
    } else if (flag === Envelope.end) {
      over = true;
      const said = json.decode(memory, from, to) as Readonly<Record<string, unknown>> | undefined;
      taker.ended(said?.["code"] === undefined ? undefined : said);
    }
  });
  return { push: (chunk) => reader.push(chunk), whole: () => over };
}

/** Bytes as they come. */
export function chunkItems(taker: ItemTaker): ItemReader {
  return {
    push: (chunk) => taker.item(raw.decode(chunk, 0, chunk.length), chunk.length),
    whole: () => true,
  };
}

/** One value of JSON in each line; empty lines are none. */
export function lineItems(codec: Codec, bytesMax: number, taker: ItemTaker): ItemReader {
  const lines = new Lines(bytesMax, (line) => {
    const bytes = Buffer.from(line);
    if (line.trim() !== "") taker.item(codec.decode(bytes, 0, bytes.length), bytes.length);
  });
  return {
    push: (chunk) => lines.push(chunk),
    whole() {
      lines.end();
      return true;
    },
  };
}

/**
 * Server-sent events (HTML, 9.2): the data of `message` events are items, as JSON; `error` ends with a problem, `end` ends.
 * Other events are not ours. A foreign service ends with its body.
 */
export function eventItems(codec: Codec, bytesMax: number, taker: ItemTaker): ItemReader {
  let over = false;
  let name = "";
  let data: string[] = [];
  let dataBytes = 0;
  const lines = new Lines(bytesMax, (line) => {
    if (over) return;
    if (line === "") {
      dispatch();
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    if (field !== "data") return;
    data.push(value);
    dataBytes += value.length;
    if (dataBytes > bytesMax) throw new RangeError(`an event of more than ${bytesMax} bytes`);
  });
  const dispatch = (): void => {
    const bytes = Buffer.from(data.join("\n"));
    const event = name;
    const bare = data.length === 0;
    name = "";
    data = [];
    dataBytes = 0;
    if (event === "end") {
      over = true;
      taker.ended();
    } else if (event === "error") {
      over = true;
      taker.ended(problemOf(bytes));
    } else if (!bare && (event === "" || event === "message")) {
      taker.item(codec.decode(bytes, 0, bytes.length), bytes.length);
    }
  };
  return { push: (chunk) => lines.push(chunk), whole: () => true };
}

function problemOf(bytes: Buffer): unknown {
  try {
    return json.decode(bytes, 0, bytes.length) ?? {};
  } catch {
    return { detail: bytes.toString() };
  }
}

/** Takes lines out of UTF-8 as it comes: they end with LF, CR or both. */
class Lines {
  readonly #bytesMax: number;
  readonly #each: (line: string) => void;
  readonly #decoder = new StringDecoder("utf8");
  #rest: string[] = [];
  #held = 0;
  #first = true;
  /** The last line ended with a CR: an LF now belongs to it. */
  #afterReturn = false;

  constructor(bytesMax: number, each: (line: string) => void) {
    this.#bytesMax = bytesMax;
    this.#each = each;
  }

  push(chunk: Buffer): void {
    let text = this.#decoder.write(chunk);
    if (this.#first && text !== "") {
      this.#first = false;
      text = text.replace(/^\ufeff/, "");
    }
    if (this.#afterReturn && text !== "") {
      if (text.startsWith("\n")) text = text.slice(1);
      this.#afterReturn = false;
    }
    const parts = text.split(/\r\n|\n|\r/);
    this.#afterReturn = text.endsWith("\r");
    const rest = parts.pop()!;
    for (const part of parts) {
      const line = this.#rest.join("") + part;
      this.#rest = [];
      this.#held = 0;
      this.#each(line);
    }
    this.#rest.push(rest);
    this.#held += rest.length;
    if (this.#held > this.#bytesMax)
      throw new RangeError(`a line of more than ${this.#bytesMax} bytes`);
  }

  /** What stands after the last line's end. */
  end(): void {
    const line = this.#rest.join("") + this.#decoder.end();
    this.#rest = [];
    if (line !== "") this.#each(line);
  }
}
