/** A message as a pattern sees it. */
export interface Seen<Message = unknown> {
  /** Which of the pattern's operations it is of. */
  readonly step: number;
  readonly key: string;
  /** When it was sent, in milliseconds since 1970: event time. */
  readonly time: number;
  readonly message: Message;
}

/** What a pattern looks for, per key. */
export type Shape =
  /** One of each operation, in the order of their times, the last at most `withinMs` after the first. */
  | { readonly kind: "sequence"; readonly steps: number; readonly withinMs: number }
  /** So many of one operation, the last at most `withinMs` after the first. */
  | { readonly kind: "count"; readonly count: number; readonly withinMs: number }
  /** One of the first operation, after which none of the second came in `withinMs`. */
  | { readonly kind: "absence"; readonly withinMs: number };

/** How much a matcher keeps, and how late a message may come. */
export interface MatcherBounds {
  /** A message may be so much older than the newest one; what is older still is dropped. */
  readonly latenessMs: number;
  readonly keysMax: number;
  /** Messages of one key; beyond that its oldest goes. */
  readonly perKeyMax: number;
}

/** Messages that were left out: they came too late, there was no room for them, or their match could not be handled. */
export interface Dropped {
  readonly why: "late" | "room" | "failed";
  readonly key: string;
  readonly messages: number;
}

/** The messages that make up one match, in the order of their times. */
export type Matched<Message> = readonly Seen<Message>[];

/**
 * Looks for a pattern in messages, per key, by their own times. Pure: it reads no clock. Messages may come in any order, as long as
 * none is later than allowed; each is part of one match at most. It forgets what cannot become part of a match any more.
 */
export class Matcher<Message = unknown> {
  readonly #shape: Shape;
  readonly #bounds: MatcherBounds;
  readonly #dropped: (dropped: Dropped) => void;
  /** By key, the longest untouched first; messages by their time. */
  readonly #keys = new Map<string, Seen<Message>[]>();
  #newest = -Infinity;
  /** Nothing older is waited for. */
  #watermark = -Infinity;

  constructor(shape: Shape, bounds: MatcherBounds, dropped: (dropped: Dropped) => void) {
    this.#shape = shape;
    this.#bounds = bounds;
    this.#dropped = dropped;
  }

  /** Keys that are kept now. */
  get keys(): number {
    return this.#keys.size;
  }

  /** A message has come: the match that it completes, where it does. Absences show in `passed` alone. */
  offer(seen: Seen<Message>): Matched<Message> | undefined {
    const { key, time } = seen;
    if (time < this.#watermark) {
      this.#dropped({ why: "late", key, messages: 1 });
      return undefined;
    }
    this.#newest = Math.max(this.#newest, time);
    this.#watermark = Math.max(this.#watermark, this.#newest - this.#bounds.latenessMs);
    const kept = this.#insert(seen);
    const match = this.#matchIn(kept);
    if (match === undefined) return undefined;
    const used = new Set(match);
    this.#keep(
      key,
      kept.filter((each) => !used.has(each)),
    );
    return match;
  }

  /**
   * Time has passed: nothing that was sent before `wall` is on its way any more, but for the lateness. The absences that are
   * certain by now.
   */
  passed(wall: number): Matched<Message>[] {
    this.#watermark = Math.max(this.#watermark, wall - this.#bounds.latenessMs);
    const certain: Matched<Message>[] = [];
    for (const [key, kept] of this.#keys) {
      const { withinMs } = this.#shape;
      const over = (each: Seen<Message>): boolean => each.time + withinMs < this.#watermark;
      if (!kept.some(over)) continue;
      if (this.#shape.kind === "absence")
        for (const each of kept)
          if (each.step === 0 && over(each) && !this.#answered(each, kept)) certain.push([each]);
      this.#keep(
        key,
        kept.filter((each) => !over(each)),
      );
    }
    return certain;
  }

  #insert(seen: Seen<Message>): Seen<Message>[] {
    const { key, time } = seen;
    const { withinMs, kind } = this.#shape;
    let kept = this.#keys.get(key) ?? [];
    // Of an absence nothing goes before `passed` has judged it.
    if (kind !== "absence") kept = kept.filter((each) => each.time + withinMs >= this.#watermark);
    let place = kept.length;
    while (place > 0 && kept[place - 1]!.time > time) place--;
    kept = [...kept.slice(0, place), seen, ...kept.slice(place)];
    if (kept.length > this.#bounds.perKeyMax) {
      kept = kept.slice(1);
      this.#dropped({ why: "room", key, messages: 1 });
    }
    this.#keys.delete(key);
    this.#keys.set(key, kept);
    if (this.#keys.size > this.#bounds.keysMax) {
      const [[oldest, lost]] = this.#keys as unknown as [[string, Seen<Message>[]]];
      this.#keys.delete(oldest);
      this.#dropped({ why: "room", key: oldest, messages: lost.length });
    }
    return kept;
  }

  #keep(key: string, kept: Seen<Message>[]): void {
    if (kept.length === 0) this.#keys.delete(key);
    else this.#keys.set(key, kept);
  }

  #matchIn(kept: readonly Seen<Message>[]): Matched<Message> | undefined {
    const { kind, withinMs } = this.#shape;
    if (kind === "sequence") return sequenceIn(kept, this.#shape.steps, withinMs);
    return kind === "count" ? countIn(kept, this.#shape.count, withinMs) : undefined;
  }

  #answered(first: Seen<Message>, kept: readonly Seen<Message>[]): boolean {
    const { withinMs } = this.#shape;
    return kept.some(
      ({ step, time }) => step === 1 && time >= first.time && time <= first.time + withinMs,
    );
  }
}

/** The earliest one: for each beginning the nearest next is the best next. */
function sequenceIn<Message>(
  kept: readonly Seen<Message>[],
  steps: number,
  withinMs: number,
): Matched<Message> | undefined {
  for (const [begin, first] of kept.entries()) {
    if (first.step !== 0) continue;
    const chain = [first];
    for (let at = begin + 1; at < kept.length && chain.length < steps; at++) {
      const next = kept[at]!;
      if (next.time - first.time > withinMs) break;
      if (next.step === chain.length) chain.push(next);
    }
    if (chain.length === steps) return chain;
  }
  return undefined;
}

function countIn<Message>(
  kept: readonly Seen<Message>[],
  count: number,
  withinMs: number,
): Matched<Message> | undefined {
  for (let begin = 0; begin + count <= kept.length; begin++)
    if (kept[begin + count - 1]!.time - kept[begin]!.time <= withinMs)
      return kept.slice(begin, begin + count);
  return undefined;
}
