/** Who is told what came of a call: one of both, once. Neither may throw. */
export interface Reply {
  answered(output: unknown): void;
  failed(failure: unknown): void;
}

/** One who has a promise of it. */
export class PromisedReply implements Reply {
  readonly promise: Promise<unknown>;
  answered!: (output: unknown) => void;
  failed!: (failure: unknown) => void;

  constructor() {
    // Not by `withResolvers`, which takes a third longer.
    this.promise = new Promise((resolve, reject) => {
      this.answered = resolve;
      this.failed = reject;
    });
  }
}

/** Tells what comes of a promise. */
export function tell(reply: Reply, promise: PromiseLike<unknown>): void {
  promise.then(
    (output) => reply.answered(output),
    (failure: unknown) => reply.failed(failure),
  );
}
