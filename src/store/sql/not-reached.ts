/** A driver could not get a connection at all: whatever it was asked to do, it has not begun. */
export class NotReached extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
