/**
 * Which places are to be taken from their owners, so that all have the same number of them, give or take one; nobody loses more
 * than that needs. `owners`: whose each place is; undefined: nobody's, or on its way already.
 */
export function surplus<Owner>(
  owners: readonly (Owner | undefined)[],
  all: readonly Owner[],
): number[] {
  const counts = new Map<Owner, number>(all.map((each) => [each, 0]));
  for (const owner of owners)
    if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const share = Math.floor(owners.length / all.length);
  const larger = owners.length % all.length;
  // Those who have the most keep the larger shares.
  const ranked = all.toSorted((a, b) => counts.get(b)! - counts.get(a)!);
  const quotas = new Map(ranked.map((each, rank) => [each, rank < larger ? share + 1 : share]));
  return [...owners.keys()].filter((index) => {
    const owner = owners[index];
    if (owner === undefined) return false;
    const count = counts.get(owner)!;
    if (count <= (quotas.get(owner) ?? 0)) return false;
    counts.set(owner, count - 1);
    return true;
  });
}
