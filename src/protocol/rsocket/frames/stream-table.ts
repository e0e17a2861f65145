import type { StreamEnd } from "./stream-end.ts";

/** Room for a few streams, for connections that idle; doubled when half full of them. */
const roomMin = 16;

/** With more room than this the table begins anew when it is empty: a burst that is over keeps no memory. */
const roomKept = 1024;

/**
 * The streams of a session by their number: open addressing with linear probing. Numbers are given in order, so those in
 * use seldom want the same place, and nothing is allocated for a stream, where a Map makes an entry for each and a new
 * table after some hundred. A peer that chooses numbers which all want one place gains little: it may only have so many
 * requests under way.
 */
export class StreamTable {
  size = 0;
  /** 0 marks a free place: it is the connection's own number. */
  #ids: number[] = filled(roomMin, 0);
  #ends: (StreamEnd | undefined)[] = filled(roomMin, undefined);
  #mask = roomMin - 1;

  get(id: number): StreamEnd | undefined {
    const at = this.#find(id);
    return at < 0 ? undefined : this.#ends[at];
  }

  set(id: number, end: StreamEnd): void {
    let at = this.#find(id);
    if (at < 0) {
      if ((this.size + 1) * 4 > this.#ids.length) this.#grow();
      at = this.#freeFor(id);
      this.size++;
    }
    this.#ids[at] = id;
    this.#ends[at] = end;
  }

  /** False when there is no such stream. */
  delete(id: number): boolean {
    let hole = this.#find(id);
    if (hole < 0) return false;
    this.size--;
    if (this.size === 0 && this.#ids.length > roomKept) {
      this.#make(roomMin);
      return true;
    }
    // What stands behind moves up when its way leads over the hole: otherwise it would no longer be found.
    const ids = this.#ids;
    const mask = this.#mask;
    for (let at = (hole + 1) & mask; ids[at] !== 0; at = (at + 1) & mask) {
      const way = (at - ids[at]!) & mask;
      if (way < ((at - hole) & mask)) continue;
      ids[hole] = ids[at]!;
      this.#ends[hole] = this.#ends[at];
      hole = at;
    }
    ids[hole] = 0;
    this.#ends[hole] = undefined;
    return true;
  }

  /** All of them, by their numbers. */
  all(): StreamEnd[] {
    const ids = this.#ids.filter((id) => id !== 0).toSorted((a, b) => a - b);
    return ids.map((id) => this.get(id)!);
  }

  clear(): void {
    this.size = 0;
    this.#make(roomMin);
  }

  /** The place of a stream; -1 when it has none. */
  #find(id: number): number {
    const ids = this.#ids;
    const mask = this.#mask;
    for (let at = id & mask; ; at = (at + 1) & mask) {
      if (ids[at] === id) return at;
      if (ids[at] === 0) return -1;
    }
  }

  #freeFor(id: number): number {
    let at = id & this.#mask;
    while (this.#ids[at] !== 0) at = (at + 1) & this.#mask;
    return at;
  }

  #grow(): void {
    const ids = this.#ids;
    const ends = this.#ends;
    this.#make(ids.length * 2);
    for (let place = 0; place < ids.length; place++) {
      if (ids[place] === 0) continue;
      const at = this.#freeFor(ids[place]!);
      this.#ids[at] = ids[place]!;
      this.#ends[at] = ends[place];
    }
  }

  #make(room: number): void {
    this.#ids = filled(room, 0);
    this.#ends = filled(room, undefined);
    this.#mask = room - 1;
  }
}

function filled<T>(room: number, value: T): T[] {
  return Array.from({ length: room }, () => value);
}
