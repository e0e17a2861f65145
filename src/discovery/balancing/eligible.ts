import type { Candidate, PickAsk } from "./balancer.ts";

export function wasTried(candidate: Candidate, { tried }: PickAsk): boolean {
  return tried !== undefined && tried.length > 0 && tried.includes(candidate);
}

/** Whether the request may go there, as long as there is any choice. */
export function isEligible(candidate: Candidate, ask: PickAsk): boolean {
  return !wasTried(candidate, ask) && (ask.panic === true || candidate.available(ask.now));
}

/**
 * Looks at all: the eligible one with the lowest score; where none is, the untried one with the lowest. Begins anywhere, so that equals
 * take turns.
 */
export function best<C extends Candidate>(
  candidates: readonly C[],
  ask: PickAsk,
  score: (candidate: C, now: number) => number,
): C | undefined {
  const many = candidates.length;
  const from = Math.floor(ask.random() * many);
  let found: C | undefined;
  let foundScore = Infinity;
  let foundEligible = false;
  for (let i = 0; i < many; i++) {
    const candidate = candidates[(from + i) % many]!;
    if (wasTried(candidate, ask)) continue;
    const eligible = ask.panic === true || candidate.available(ask.now);
    if (foundEligible && !eligible) continue;
    const scored = score(candidate, ask.now);
    if (found !== undefined && eligible === foundEligible && scored >= foundScore) continue;
    found = candidate;
    foundScore = scored;
    foundEligible = eligible;
  }
  return found;
}
