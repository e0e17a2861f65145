/** Between two marks messages count as if all had the same size: so many at most, and none above that size. */
const markEach = 64;
const alikeBytesMax = 4_096;

interface Mark {
  readonly seq: number;
  /** Bytes of all messages before it, since the log is known. */
  readonly before: number;
}

/** How many bytes the messages of a log have from an offset on, in a few bytes of memory for many messages. */
export class LogSizes {
  #marks: Mark[];
  #next: number;
  #total: number;
  #afterLarge = false;

  /** What is there already counts as if all had the same size. */
  constructor(first: number, next: number, bytes: number) {
    this.#marks = [{ seq: first, before: 0 }];
    this.#next = next;
    this.#total = bytes;
    this.#afterLarge = next > first;
  }

  /** All of them. */
  get bytes(): number {
    return this.#total - this.#marks[0]!.before;
  }

  add(seq: number, bytes: number): void {
    const last = this.#marks.at(-1)!;
    const large = bytes > alikeBytesMax;
    if ((large || this.#afterLarge || seq - last.seq >= markEach) && seq > last.seq)
      this.#marks.push({ seq, before: this.#total });
    this.#afterLarge = large;
    this.#total += bytes;
    this.#next = seq + 1;
  }

  /** Those from an offset on. */
  from(seq: number): number {
    return this.#total - this.#before(seq);
  }

  /** The first offset from which on there are so many bytes at most. */
  leaving(bytes: number): number {
    const least = this.#total - bytes;
    const at = this.#find(({ before }) => before >= least);
    if (at === 0) return this.#marks[0]!.seq;
    const [from, to] = [this.#marks[at - 1]!, this.#markAt(at)];
    const part = (least - from.before) / (to.before - from.before);
    return from.seq + Math.ceil(part * (to.seq - from.seq));
  }

  /** Those below are gone. */
  trim(seq: number): void {
    if (seq < this.#marks[0]!.seq) return;
    const at = this.#find((mark) => mark.seq > seq);
    this.#marks = [{ seq, before: this.#before(seq) }, ...this.#marks.slice(at)];
  }

  /** Bytes of all messages before that offset, since the log is known. */
  #before(seq: number): number {
    const at = this.#find((mark) => mark.seq > seq);
    const [from, to] = [this.#marks[at - 1], this.#markAt(at)];
    if (from === undefined) return to.before;
    const part = to.seq === from.seq ? 1 : (seq - from.seq) / (to.seq - from.seq);
    return from.before + Math.round(part * (to.before - from.before));
  }

  #markAt(index: number): Mark {
    return this.#marks[index] ?? { seq: this.#next, before: this.#total };
  }

  /** The first mark that is so; their number when none is. */
  #find(is: (mark: Mark) => boolean): number {
    let [low, high] = [0, this.#marks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (is(this.#marks[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
