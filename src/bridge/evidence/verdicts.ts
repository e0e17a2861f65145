import { tellFrom, witnessFrom } from "./bounds.ts";
import type { Opinion } from "./contract.ts";

/** What others' observations of one endpoint come to, as instants; 0: nothing. */
export interface Verdict {
  /** Until then less evidence of one's own is enough. */
  readonly suspectUntil: number;
  /** Until then it is shut for all, where their word alone opens. */
  readonly shutUntil: number;
}

/**
 * Counts hosts, not processes: what many processes of one host see may be the fault of that host. `quorum` of them make an
 * endpoint suspect from three failures in a row each on, and shut it from five each on. It holds for as long as so many of their
 * observations do.
 */
export function verdicts(
  opinions: readonly Opinion[],
  quorum: number,
  now: number,
): ReadonlyMap<string, Verdict> {
  const byEndpoint = new Map<string, Opinion[]>();
  for (const opinion of opinions) {
    const key = endpointKey(opinion.service, opinion.endpoint);
    const same = byEndpoint.get(key);
    if (same === undefined) byEndpoint.set(key, [opinion]);
    else same.push(opinion);
  }
  const judged = new Map<string, Verdict>();
  for (const [key, same] of byEndpoint) {
    const suspectUntil = heldBy(same, quorum, tellFrom, now);
    if (suspectUntil === 0) continue;
    judged.set(key, { suspectUntil, shutUntil: heldBy(same, quorum, witnessFrom, now) });
  }
  return judged;
}

export function endpointKey(service: string, endpoint: string): string {
  return JSON.stringify([service, endpoint]);
}

/** Until when `quorum` hosts say that there were so many failures; 0: so many do not. */
function heldBy(
  opinions: readonly Opinion[],
  quorum: number,
  failuresMin: number,
  now: number,
): number {
  const leftMs = new Map<string, number>();
  for (const opinion of opinions) {
    if (opinion.failures < failuresMin) continue;
    leftMs.set(opinion.host, Math.max(leftMs.get(opinion.host) ?? 0, opinion.leftMs));
  }
  if (leftMs.size < quorum) return 0;
  return now + [...leftMs.values()].toSorted((a, b) => b - a)[quorum - 1]!;
}
