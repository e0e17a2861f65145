import { Envelope, EnvelopeReader } from "../wire/envelope.ts";
import type { Framing } from "./formats.ts";

/** Who is told what comes of a body. The memory is borrowed for good: nobody writes into it again. */
export interface SplitterOwner {
  head(payload: Buffer): void;
  item(payload: Buffer): void;
  /** There are no further items. */
  ended(): void;
}

/** Takes a body of items apart, as its bytes come. A RangeError says that an item is too large. */
export interface Splitter {
  push(chunk: Buffer): void;
  /** The body is over; false when it ends where it must not. */
  finish(): boolean;
}

export function splitter(
  framing: Framing,
  bytesMax: number,
  headed: boolean,
  owner: SplitterOwner,
): Splitter {
  if (framing === "envelopes") return envelopes(bytesMax, owner);
  return framing === "lines" ? new Lines(bytesMax, headed, owner) : octets(owner);
}

/** Without an envelope that says so, the end is none. */
function envelopes(bytesMax: number, owner: SplitterOwner): Splitter {
  let ended = false;
  const reader = new EnvelopeReader(bytesMax, (flag, memory, from, to) => {
    if (ended) return;
    const payload = memory.subarray(from, to);
    if (flag === Envelope.item) owner.item(payload);
    else if (flag === Envelope.head) owner.head(payload);
    else if (flag === Envelope.end) {
      ended = true;
      owner.ended();
    } else throw new TypeError(`an envelope has the flag ${flag}, which means nothing`);
  });
  return { push: (chunk) => reader.push(chunk), finish: () => ended };
}

function octets(owner: SplitterOwner): Splitter {
  return {
    push: (chunk) => owner.item(chunk),
    finish: () => {
      owner.ended();
      return true;
    },
  };
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** One value a line; empty lines are none. */
class Lines implements Splitter {
  readonly #bytesMax: number;
  readonly #owner: SplitterOwner;
  /** The first line is still to come, and is the head. */
  #headed: boolean;
  #parts: Buffer[] = [];
  #held = 0;

  constructor(bytesMax: number, headed: boolean, owner: SplitterOwner) {
    this.#bytesMax = bytesMax;
    this.#headed = headed;
    this.#owner = owner;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (;;) {
      const at = chunk.indexOf(lineFeed, from);
      if (at < 0) break;
      this.#line(this.#whole(chunk.subarray(from, at)));
      from = at + 1;
    }
    if (from === chunk.length) return;
    const rest = chunk.subarray(from);
    this.#held += rest.length;
    this.#parts.push(rest);
    if (this.#held > this.#bytesMax + 1) throw new RangeError(`a line of ${this.#held} bytes`);
  }

  /** A line may end with the body. */
  finish(): boolean {
    if (this.#held > 0) this.#line(this.#whole(Buffer.alloc(0)));
    this.#owner.ended();
    return !this.#headed;
  }

  #whole(end: Buffer): Buffer {
    if (this.#held === 0) return end;
    const whole = Buffer.concat([...this.#parts, end]);
    this.#parts = [];
    this.#held = 0;
    return whole;
  }

  #line(line: Buffer): void {
    const payload = line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
    if (payload.length > this.#bytesMax) throw new RangeError(`a line of ${payload.length} bytes`);
    if (payload.length === 0) return;
    if (!this.#headed) this.#owner.item(payload);
    else {
      this.#headed = false;
      this.#owner.head(payload);
    }
  }
}
