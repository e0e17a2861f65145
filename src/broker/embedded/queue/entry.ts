import type { Message } from "../message.ts";

/** A message of a lane as far as it is in memory: it waits, is held back, or is with a consumer. */
export class Entry {
  readonly seq: number;
  /** Undefined: on disk alone for now. */
  message: Message | undefined;
  readonly bytes: number;
  readonly enqueuedAt: number;
  /** Deliveries that came to nothing. */
  attempts: number;
  /** When it expires, or until when it is held back, in milliseconds since 1970. */
  dueAt: number | undefined;
  held: boolean;
  /** Where keys are in order: it is its key's turn. */
  turn = false;
  /** The batch of its insert; 0: written long ago; -1: it is in memory alone. */
  readonly batch: number;
  /** Its place in that batch. */
  readonly place: number;

  constructor(
    seq: number,
    message: Message,
    bytes: number,
    terms: {
      readonly enqueuedAt: number;
      readonly attempts: number;
      readonly dueAt: number | undefined;
      readonly held: boolean;
    },
    batch: number,
    place: number,
  ) {
    this.seq = seq;
    this.message = message;
    this.bytes = bytes;
    this.enqueuedAt = terms.enqueuedAt;
    this.attempts = terms.attempts;
    this.dueAt = terms.dueAt;
    this.held = terms.held;
    this.batch = batch;
    this.place = place;
  }

  get stored(): boolean {
    return this.batch >= 0;
  }
}
