import { mayHaveRun, type Cancellable, type Hold, type Run, type Scope } from "./scope.ts";
import type { Inner } from "./stage.ts";

/** A function as it is guarded. It should end when `run.signal` aborts, and need not use it. */
export type Work<In, Out> = (input: In, run: Run) => Promise<Out>;

/** The function itself: settles as soon as nobody wants it any more, and says when it has really ended. */
export function innermost(work: Work<unknown, unknown>): Inner {
  return (input, scope, hold) => {
    if (scope.failure !== undefined) return Promise.reject(scope.failure);
    return new Promise((resolve, reject) => {
      const attempt: Cancellable = { cancel: reject };
      scope.bind(attempt);
      scope.begin();
      hold?.begin();
      called(work, input, scope).then(
        (answer) => {
          ended(scope, attempt, hold, true);
          resolve(answer);
        },
        (failure: Error) => {
          // Or whatever else it threw: it is passed on as it is.
          ended(scope, attempt, hold, mayHaveRun(failure));
          reject(failure);
        },
      );
    });
  };
}

function ended(scope: Scope, attempt: Cancellable, hold: Hold | undefined, ran: boolean): void {
  scope.unbind(attempt);
  scope.end(ran);
  hold?.end();
}

/** A function that throws at once is one that rejects. */
async function called(work: Work<unknown, unknown>, input: unknown, run: Run): Promise<unknown> {
  return work(input, run);
}
