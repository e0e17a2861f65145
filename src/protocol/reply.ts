/** Who is told what came of a call: one of both, once. Neither may throw. */
export interface Reply {
  answered(output: unknown): void;
  failed(failure: unknown): void;
}

/** One who has a promise of it. */
export class PromisedReply implements Reply {
  readonly promise: Promise<unknown>;
  readonly answered: (output: unknown) => void;
  readonly failed: (failure: unknown) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.promise = promise;
    this.answered = resolve;
    this.failed = reject;
  }
}

/** Tells what comes of a promise. */
export function tell(reply: Reply, promise: PromiseLike<unknown>): void {
  promise.then(
    (output) => reply.answered(output),
    (failure: unknown) => reply.failed(failure),
  );
}
