import { SimEnv, World } from "../src/testing/sim-env.ts";

/** The longest that anything may take to settle, in virtual milliseconds. */
const patienceMs = 60_000;

/**
 * Surroundings whose time passes only when an input lets it: what the input does depends on its seed alone. What the
 * library throws where nobody catches it rejects what is awaited here, or ends up with the thread.
 */
export class FuzzEnv extends SimEnv {
  constructor(seed: number) {
    super(new World(seed), "fuzz");
  }

  /** Lets happen what can happen now, until all rest. Time stands still. */
  rest(): Promise<void> {
    return this.world.run(this.world.now);
  }

  /** Lets `ms` milliseconds pass, with everything that happens in them. */
  pass(ms: number): Promise<void> {
    return this.world.run(this.world.now + ms);
  }

  /** The result of `promise`, letting pass what time it needs. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => void (settled = true);
    promise.then(settle, settle);
    const inTime = await this.world.runUntil(() => settled, this.world.now + patienceMs);
    if (!inTime) throw new Error(`a promise is not settled after ${patienceMs} ms`);
    return promise;
  }
}
