/**
 * What is noted in a batch, as it travels to the thread that writes: numbers, in groups that begin with one of these codes,
 * and bytes that the groups point into.
 */
export const noted = {
  /** An insert that came to nothing: its message is gone again. As long as `insert`. */
  nothing: 0,
  /** lane, seq, flags, attempts, enqueuedAt, dueAt or NaN, size, offset, head's length, body's length */
  insert: 1,
  /** lane, first seq, last seq, size of all; more than one only where none is chunked */
  remove: 2,
  /** lane, seq, attempts, dueAt or NaN, held (0 or 1) */
  revise: 3,
  /** lane, seq */
  delivered: 4,
  /** lane, seq */
  trim: 5,
  /** lane, seq, held (0 or 1) */
  purge: 6,
  /** lane */
  drop: 7,
  /** lane */
  compact: 8,
  /** offset, length: of JSON `[kind, name, value]` */
  define: 9,
  /** offset, length: of JSON `[kind, name]` */
  undefine: 10,
  /** lane, seq: the lane's next message will not be below */
  next: 11,
} as const;

/** How many numbers a group has, its code included; by code. */
export const groupLengths: readonly number[] = [11, 11, 5, 6, 3, 3, 4, 2, 2, 3, 3, 3];

/** What a row's flags say. */
export const flag = { persistent: 1, held: 2, transient: 4, chunked: 8 } as const;

/** Bodies above that are cut, so that neither thread ever copies one as a whole more than once. */
export const chunkBytes = 262_144;
