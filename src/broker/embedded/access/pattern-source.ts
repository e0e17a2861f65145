import { Refusal } from "../refusal.ts";

/** One unit of text out of a set: ranges of UTF-16 units, both ends included. */
export interface Units {
  readonly ranges: readonly (readonly [number, number])[];
  readonly others: boolean;
}

export type Place = "start" | "end" | "word" | "inside";

/** What a pattern consists of. */
export type Part =
  | { readonly kind: "one"; readonly of: Units }
  | { readonly kind: "at"; readonly place: Place }
  | { readonly kind: "all"; readonly parts: readonly Part[] }
  | { readonly kind: "any"; readonly of: readonly Part[] }
  | { readonly kind: "times"; readonly part: Part; readonly min: number; readonly max: number }
  | { readonly kind: "ahead"; readonly part: Part; readonly wanted: boolean };

/** Groups in groups. Nobody writes more by hand, and the reader calls itself. */
const depthMax = 32;
const timesMax = 1_000;

const digits: Units = { ranges: [[48, 57]], others: false };
const wordUnits: Units = {
  ranges: [
    [48, 57],
    [65, 90],
    [95, 95],
    [97, 122],
  ],
  others: false,
};
const spaces: Units = {
  ranges: [
    [9, 13],
    [32, 32],
  ],
  others: false,
};
const notNewline: Units = { ranges: [[10, 10]], others: true };

const named: Readonly<Record<string, Units>> = {
  d: digits,
  w: wordUnits,
  s: spaces,
  D: { ...digits, others: true },
  W: { ...wordUnits, others: true },
  S: { ...spaces, others: true },
};

const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, e: 27, a: 7 };

const posix: Readonly<Record<string, Units["ranges"]>> = {
  alpha: [
    [65, 90],
    [97, 122],
  ],
  alnum: [
    [48, 57],
    [65, 90],
    [97, 122],
  ],
  digit: digits.ranges,
  lower: [[97, 122]],
  upper: [[65, 90]],
  space: spaces.ranges,
  word: wordUnits.ranges,
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
};

/**
 * Reads a regular expression as permissions and policies of RabbitMQ have it (Perl's), without what needs memory of what was
 * matched: references back, possessive and atomic groups, looking behind.
 *
 * @throws Refusal which says where it cannot be read, and why.
 */
export function readPattern(source: string): Part {
  return new Reader(source).whole();
}

class Reader {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #anyCase = false;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): Part {
    const part = this.#choice();
    if (this.#at < this.#source.length) throw this.#wrong("there is a ) without a (");
    return part;
  }

  #choice(): Part {
    if (++this.#depth > depthMax) throw this.#wrong(`groups stand in more than ${depthMax} groups`);
    const of = [this.#sequence()];
    while (this.#take("|")) of.push(this.#sequence());
    this.#depth--;
    return of.length === 1 ? of[0]! : { kind: "any", of };
  }

  #sequence(): Part {
    const parts: Part[] = [];
    for (;;) {
      const next = this.#source[this.#at];
      if (next === undefined || next === "|" || next === ")") return { kind: "all", parts };
      parts.push(this.#repeated());
    }
  }

  #repeated(): Part {
    const part = this.#single();
    const times = this.#times();
    if (times === undefined) return part;
    if (this.#take("+")) throw this.#wrong("possessive quantifiers are not supported");
    this.#take("?"); // Lazy or not: it matches the same texts.
    if ("*+?".includes(this.#source[this.#at] ?? "-")) throw this.#wrong("nothing to repeat");
    return { kind: "times", part, ...times };
  }

  #times(): { readonly min: number; readonly max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { min: 0, max: 1 };
    const counted = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#source.slice(this.#at, this.#at + 16));
    if (counted === null) return undefined;
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const upTo = counted[3] === "" ? Number.POSITIVE_INFINITY : Number(counted[3]);
    const max = counted[2] === undefined ? min : upTo;
    if (max < min || min > timesMax || (max > timesMax && Number.isFinite(max)))
      throw this.#wrong(`{n,m} wants n ≤ m ≤ ${timesMax}`);
    return { min, max };
  }

  #single(): Part {
    const unit = this.#source[this.#at++]!;
    if (unit === "(") return this.#group();
    if (unit === "[") return { kind: "one", of: this.#class() };
    if (unit === ".") return { kind: "one", of: notNewline };
    if (unit === "^") return { kind: "at", place: "start" };
    if (unit === "$") return { kind: "at", place: "end" };
    if (unit === "\\") return this.#escape();
    if ("*+?".includes(unit)) throw this.#wrong("nothing to repeat");
    return this.#letter(unit.charCodeAt(0));
  }

  #group(): Part {
    if (this.#take("?i)")) {
      this.#anyCase = true;
      return { kind: "all", parts: [] };
    }
    const anyCase = this.#anyCase;
    let wanted: boolean | undefined;
    if (this.#take("?=")) wanted = true;
    else if (this.#take("?!")) wanted = false;
    else if (this.#take("?i:")) this.#anyCase = true;
    else if (!this.#take("?:") && this.#source[this.#at] === "?")
      throw this.#wrong("only the groups (…), (?:…), (?i), (?=…) and (?!…) are supported");
    const part = this.#choice();
    if (!this.#take(")")) throw this.#wrong("a ( has no )");
    this.#anyCase = anyCase;
    return wanted === undefined ? part : { kind: "ahead", part, wanted };
  }

  #escape(): Part {
    const unit = this.#source[this.#at++];
    if (unit === undefined) throw this.#wrong("it ends in a \\");
    if (unit === "b") return { kind: "at", place: "word" };
    if (unit === "B") return { kind: "at", place: "inside" };
    if (unit === "A") return { kind: "at", place: "start" };
    if (unit === "z" || unit === "Z") return { kind: "at", place: "end" };
    const set = named[unit];
    if (set !== undefined) return { kind: "one", of: set };
    return this.#letter(this.#escaped(unit));
  }

  #escaped(unit: string): number {
    const control = controls[unit];
    if (control !== undefined) return control;
    if (unit === "x") {
      const hex = /^(?:[0-9a-fA-F]{2}|\{[0-9a-fA-F]{1,4}\})/.exec(
        this.#source.slice(this.#at, this.#at + 6),
      );
      if (hex === null) throw this.#wrong("\\x wants two hexadecimal digits");
      this.#at += hex[0].length;
      return Number.parseInt(hex[0].replace(/[{}]/g, ""), 16);
    }
    if (/[0-9A-Za-z]/.test(unit)) throw this.#wrong(`\\${unit} is not supported`);
    return unit.charCodeAt(0);
  }

  #letter(code: number): Part {
    return { kind: "one", of: { ranges: this.#bothCases([[code, code]]), others: false } };
  }

  #class(): Units {
    const others = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; ; first = false) {
      const unit = this.#source[this.#at++];
      if (unit === undefined) throw this.#wrong("a [ has no ]");
      if (unit === "]" && !first) return { ranges: this.#bothCases(ranges), others };
      const from = this.#classUnit(unit, ranges);
      if (from === undefined) continue;
      if (this.#source[this.#at] !== "-" || this.#source[this.#at + 1] === "]") {
        ranges.push([from, from]);
        continue;
      }
      this.#at++;
      const last = this.#source[this.#at++] ?? "";
      const to = this.#classUnit(last, []);
      if (to === undefined || to < from) throw this.#wrong("a range in [ ] is the wrong way round");
      ranges.push([from, to]);
    }
  }

  /** One unit of a class; undefined where it was a set, which has been added. */
  #classUnit(unit: string, ranges: (readonly [number, number])[]): number | undefined {
    if (unit === "[" && this.#source[this.#at] === ":") {
      const name = /^:([a-z]+):\]/.exec(this.#source.slice(this.#at, this.#at + 12));
      const set = name === null ? undefined : posix[name[1]!];
      if (set === undefined) throw this.#wrong("only the usual [:names:] are supported");
      this.#at += name![0].length;
      ranges.push(...set);
      return undefined;
    }
    if (unit !== "\\") return unit.charCodeAt(0);
    const escaped = this.#source[this.#at++] ?? "";
    if (escaped === "b") return 8;
    const set = named[escaped];
    if (set === undefined) return this.#escaped(escaped);
    if (set.others) throw this.#wrong(`\\${escaped} in [ ] is not supported`);
    ranges.push(...set.ranges);
    return undefined;
  }

  #bothCases(ranges: Units["ranges"]): Units["ranges"] {
    if (!this.#anyCase) return ranges;
    const more = ranges.flatMap(([from, to]) => [
      ...shifted(from, to, 65, 90, 32),
      ...shifted(from, to, 97, 122, -32),
    ]);
    return [...ranges, ...more];
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #wrong(why: string): Refusal {
    const { length } = this.#source;
    const shown = length > 80 ? `${this.#source.slice(0, 80)}…` : this.#source;
    return new Refusal(
      "precondition-failed",
      `the pattern '${shown}' cannot be used: at ${Math.min(this.#at, length)}, ${why}`,
    );
  }
}

/** The part of a range that lies in `low` to `high`, shifted. */
function shifted(
  from: number,
  to: number,
  low: number,
  high: number,
  by: number,
): (readonly [number, number])[] {
  const start = Math.max(from, low);
  const end = Math.min(to, high);
  return start > end ? [] : [[start + by, end + by]];
}
