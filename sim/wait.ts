import type { SimEnv } from "trunkline/testing";

/** Waits in virtual time; rejects with the signal's reason when that aborts first. */
export function wait(env: SimEnv, ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return new Promise((resolve) => void env.in(ms, resolve));
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const abort = (): void => {
      event.cancel();
      reject(signal.reason as Error);
    };
    const event = env.in(ms, () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort, { once: true });
  });
}

/** Until the signal aborts. */
export function waitForEver(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
