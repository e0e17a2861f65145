/**
 * Where the words of a ring file are, in 32-bit words from the beginning of its second page. Positions are bytes modulo 2³², so the
 * distance of two is right beyond their end. `Words` says that each has one writer: here, one at a time.
 */
export const RingWord = {
  /** Up to here the ring has records. Written by whoever has the writers' lock. */
  tail: 0,
  /** Up to here they are settled. Written by whoever has the readers' lock, like those that follow. */
  head: 32,
  /** Odd: whoever reads waits for the bell. */
  sleeping: 64,
  /** How often the ring has changed hands among those who read. */
  generation: 96,
} as const;

/** The bytes of the file whose locks mean something; what is at them does not matter. */
export const Lock = { writers: 0, readers: 1, making: 2 } as const;
