import type { Env } from "../../base/env.ts";

/** Rounds after which a listener closes although new connections still come; each round takes in what is there. */
const roundsMax = 100;

/**
 * Goes on accepting until nobody stands in the queue: closing would reset those that do, with what they have sent. A turn
 * accepts at least one of them, and the first turn may be the rest of one that has looked at the queue already.
 */
export async function acceptQueued(accepted: () => number, env: Env): Promise<void> {
  for (let before = -1, rounds = 0; before < accepted() && rounds < roundsMax; rounds++) {
    before = accepted();
    for (let turns = 0; turns < 2; turns++) await new Promise<void>((done) => env.yield(done));
  }
}
