import { titleOf, type Case } from "./case.ts";
import type { Pair, Sample } from "./pair.ts";
import type { BenchOptions } from "./report.ts";

/** A case that is measured with a peer, once in each round. */
export interface Slot {
  readonly of: Case;
  readonly pair: Pair;
}

/** The samples of one peer in one case, one for each round. */
export interface Row {
  readonly of: Case;
  readonly peer: string;
  readonly samples: readonly Sample[];
}

/**
 * Measures group by group, round by round; in a group the peers take turns at being first. Round 0 warms up and is
 * thrown away: a measurement of it takes at least `warmSeconds`.
 */
export async function measureRounds(
  groups: readonly (readonly Slot[])[],
  warmSeconds: number,
  options: BenchOptions,
): Promise<Row[]> {
  const rows = groups.map((slots) => slots.map((slot) => ({ slot, samples: [] as Sample[] })));
  for (let round = options.quick ? 1 : 0; round <= options.rounds; round++) {
    const seconds = round > 0 ? options.seconds : Math.max(options.seconds, warmSeconds);
    for (const group of rows) {
      for (let place = 0; place < group.length; place++) {
        const { slot, samples } = group[(round + place) % group.length]!;
        const { of, pair } = slot;
        options.progress(`round ${round} of ${options.rounds}: ${titleOf(of)}, ${pair.peer.name}`);
        const sample = await pair.measure({ ...of, seconds });
        if (round > 0) samples.push(sample);
      }
    }
  }
  return rows.flat().map(({ slot, samples }) => ({
    of: slot.of,
    peer: slot.pair.peer.name,
    samples,
  }));
}

/** Ends them when all is measured. */
export async function endAll(pairs: readonly Pair[]): Promise<void> {
  for (const pair of pairs) await pair.end();
}
