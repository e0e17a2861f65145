import { between, seededRandom, type Random } from "../src/base/random.ts";

/** Something that is fed with hostile input. `run` throws when a promise is broken. */
export interface Target {
  readonly name: string;
  /** Inputs between two looks at the clock: about a hundredth of a second of work. */
  readonly batch: number;
  run(input: Input): void | Promise<void>;
}

/** One input: everything in it comes from its seed. It keeps what was sent, for the report. */
export class Input {
  readonly seed: number;
  readonly random: Random;
  /** Told of each line at once: of an input that hangs nothing else is seen. */
  onNote: ((line: string) => void) | undefined;
  /** Hostile things in it, where the target counts them. */
  records = 0;
  readonly #sent: string[] = [];

  constructor(seed: number) {
    this.seed = seed;
    this.random = seededRandom(seed, "fuzz");
  }

  /** What was sent, one line each, in hexadecimal. */
  get sent(): readonly string[] {
    return this.#sent;
  }

  /** Notes what is sent, before it is. */
  note(what: string, bytes?: Uint8Array): void {
    const line = bytes === undefined ? what : `${what} ${shown(bytes)}`;
    this.#sent.push(line);
    this.onNote?.(line);
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return between(this.random, min, max);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.random() * times < 1;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.between(0, list.length - 1)]!;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) bytes[i] = this.between(0, 255);
    return bytes;
  }
}

/** Frames of megabytes are all alike inside; their heads are what matters. */
const shownBytesMax = 4_096;

function shown(bytes: Uint8Array): string {
  const hex = Buffer.from(
    bytes.buffer,
    bytes.byteOffset,
    Math.min(bytes.length, shownBytesMax),
  ).toString("hex");
  return bytes.length > shownBytesMax ? `${hex}… (${bytes.length} bytes)` : hex;
}
