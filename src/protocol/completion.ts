/** Who is told what came of a call: one of both, once. Neither may throw. */
export interface Completion {
  answered(output: unknown): void;
  failed(failure: unknown): void;
}

/** One who has a promise of it. */
export class PromisedCompletion implements Completion {
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
export function tell(completion: Completion, promise: PromiseLike<unknown>): void {
  promise.then(
    (output) => completion.answered(output),
    (failure: unknown) => completion.failed(failure),
  );
}
