import { Refusal } from "../refusal.ts";
import { readPattern, type Part, type Units } from "./pattern-source.ts";

/** Units of a pattern's source: what people write is far below. */
const sourceMax = 1_000;
/** What a pattern may come to: x{1000} is a thousand steps. */
const stepsMax = 2_000;
/** Names of AMQP have at most 255 bytes. */
const textMax = 1_024;
/** Looks at a unit of text, of one match: only looking ahead within looking ahead comes near. */
const looksMax = 4_000_000;

const steps = { one: 0, split: 1, jump: 2, at: 3, ahead: 4, found: 5 } as const;

/**
 * A regular expression over names, which takes time in proportion to pattern and name, whatever the pattern: so that no (a+)+
 * of a user with few rights can stop the process. Matches anywhere in the name, as in RabbitMQ, unless it is anchored.
 *
 * After RE2's BitState matcher (Cox, "Regular Expression Matching in the Wild", 2010): it goes back, but never to a step at a place
 * where it has been.
 */
export class Pattern {
  readonly source: string;
  readonly #kinds: number[] = [];
  /** Where it goes on; of a split the two ways. */
  readonly #next: number[] = [];
  readonly #other: number[] = [];
  readonly #data: (Units | string | boolean | undefined)[] = [];
  #looks = 0;
  #compiled = 0;

  /** @throws Refusal when it cannot be read, or is too long. */
  constructor(source: string) {
    if (source.length > sourceMax)
      throw new Refusal("precondition-failed", `a pattern has at most ${sourceMax} characters`);
    this.source = source;
    this.#compile(readPattern(source));
    this.#step(steps.found, 0, 0);
  }

  /** Whether it matches somewhere in the text. A text of more than 1,024 units is matched by nothing. */
  matches(text: string): boolean {
    if (text.length > textMax) return false;
    this.#looks = 0;
    const been = this.#fresh(text);
    for (let place = 0; place <= text.length; place++) {
      if (this.#from(0, place, text, been)) return this.#looks <= looksMax;
    }
    return false;
  }

  #fresh(text: string): Uint8Array {
    return new Uint8Array(((this.#kinds.length * (text.length + 1)) >> 3) + 1);
  }

  /** Whether there is a way from a step at a place. Where the looks are used up, nothing is found any more. */
  #from(start: number, at: number, text: string, been: Uint8Array): boolean {
    const places = text.length + 1;
    const open = [start * places + at];
    while (open.length > 0) {
      const here = open.pop()!;
      if ((been[here >> 3]! & (1 << (here & 7))) !== 0) continue;
      been[here >> 3]! |= 1 << (here & 7);
      if (++this.#looks > looksMax) return false;
      const step = Math.floor(here / places);
      const place = here - step * places;
      const next = this.#next[step]! * places;
      const data = this.#data[step];
      switch (this.#kinds[step]) {
        case steps.one:
          if (place < text.length && includes(data as Units, text.charCodeAt(place)))
            open.push(next + place + 1);
          break;
        case steps.split:
          open.push(this.#other[step]! * places + place, next + place);
          break;
        case steps.jump:
          open.push(next + place);
          break;
        case steps.at:
          if (stands(data as string, text, place)) open.push(next + place);
          break;
        case steps.ahead: {
          const found = this.#from(step + 1, place, text, this.#fresh(text));
          if (this.#looks > looksMax) return false;
          if (found === data) open.push(next + place);
          break;
        }
        default:
          return true;
      }
    }
    return false;
  }

  #compile(part: Part): void {
    // Nothing, repeated a thousand times a thousand times, comes to no step.
    if (++this.#compiled > 10 * stepsMax) throw this.#tooMuch();
    switch (part.kind) {
      case "one":
        this.#step(steps.one, this.#kinds.length + 1, 0, part.of);
        return;
      case "at":
        this.#step(steps.at, this.#kinds.length + 1, 0, part.place);
        return;
      case "all":
        for (const each of part.parts) this.#compile(each);
        return;
      case "any":
        this.#compileAny(part.of);
        return;
      case "times":
        this.#compileTimes(part.part, part.min, part.max);
        return;
      case "ahead": {
        const ahead = this.#step(steps.ahead, 0, 0, part.wanted);
        this.#compile(part.part);
        this.#step(steps.found, 0, 0);
        this.#next[ahead] = this.#kinds.length;
      }
    }
  }

  #compileAny(of: readonly Part[]): void {
    const jumps: number[] = [];
    for (const [index, each] of of.entries()) {
      if (index === of.length - 1) {
        this.#compile(each);
        break;
      }
      const split = this.#step(steps.split, this.#kinds.length + 1, 0);
      this.#compile(each);
      jumps.push(this.#step(steps.jump, 0, 0));
      this.#other[split] = this.#kinds.length;
    }
    for (const jump of jumps) this.#next[jump] = this.#kinds.length;
  }

  #compileTimes(part: Part, min: number, max: number): void {
    for (let i = 0; i < min; i++) this.#compile(part);
    if (max === Number.POSITIVE_INFINITY) {
      const split = this.#step(steps.split, this.#kinds.length + 1, 0);
      this.#compile(part);
      this.#step(steps.jump, split, 0);
      this.#other[split] = this.#kinds.length;
      return;
    }
    const splits: number[] = [];
    for (let i = min; i < max; i++) {
      splits.push(this.#step(steps.split, this.#kinds.length + 1, 0));
      this.#compile(part);
    }
    for (const split of splits) this.#other[split] = this.#kinds.length;
  }

  #step(kind: number, next: number, other: number, data?: Units | string | boolean): number {
    if (this.#kinds.length >= stepsMax) throw this.#tooMuch();
    this.#kinds.push(kind);
    this.#next.push(next);
    this.#other.push(other);
    this.#data.push(data);
    return this.#kinds.length - 1;
  }

  #tooMuch(): Refusal {
    return new Refusal(
      "precondition-failed",
      `the pattern '${this.source.slice(0, 80)}' comes to more than ${stepsMax} steps: repeat less`,
    );
  }
}

/** The text as a pattern that matches it and nothing else. */
export function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

function includes({ ranges, others }: Units, code: number): boolean {
  for (const [from, to] of ranges) if (code >= from && code <= to) return !others;
  return others;
}

/** `$` stands before a last newline too, as Perl's does. */
function stands(place: string, text: string, at: number): boolean {
  if (place === "start") return at === 0;
  if (place === "end")
    return at === text.length || (at === text.length - 1 && text.charCodeAt(at) === 10);
  const between = inWord(text, at - 1) !== inWord(text, at);
  return (place === "word") === between;
}

function inWord(text: string, at: number): boolean {
  return at >= 0 && at < text.length && /\w/.test(text[at]!);
}
