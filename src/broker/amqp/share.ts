/**
 * Who of a group consumes which shards, without anybody who says so. Each member sees how many members there are, how many of them
 * have too few, and which shards nobody has. It lets go of what is above its share, and takes what nobody has. Two may take the same
 * shard, and the second of them gets nothing of it and cannot see that: but then there is one that nobody has, and nobody has room
 * for it. After a while somebody takes that nevertheless, and lets go of one that has brought nothing.
 */
export interface ShareView {
  readonly shards: number;
  readonly members: number;
  /** Members that have fewer than they must. */
  readonly hungry: number;
  readonly mine: readonly string[];
}

/** The fewest shards that a member must have. */
function least({ shards, members }: ShareView): number {
  return Math.floor(shards / Math.max(1, members));
}

/** The most that it keeps. */
function most({ shards, members }: ShareView): number {
  return Math.ceil(shards / Math.max(1, members));
}

/** True when others should make room. */
export function isHungry(view: ShareView): boolean {
  return view.mine.length < least(view);
}

/**
 * The shards to let go of: the last of those given. Above the largest fair share always; at it, where somebody has too few, now and
 * then, so that not all make room for one.
 */
export function surplus(view: ShareView, random: () => number): readonly string[] {
  const above = view.mine.slice(most(view));
  if (above.length > 0 || view.hungry === 0 || view.mine.length <= least(view)) return above;
  return random() < Math.min(1, (2 * view.hungry) / view.members) ? view.mine.slice(-1) : [];
}

/** The shards to take of those that are nobody's, beginning anywhere, so that two who look at once seldom take the same. */
export function wanted(
  view: ShareView,
  free: readonly string[],
  random: () => number,
): readonly string[] {
  const room = (view.hungry > 0 ? least(view) : most(view)) - view.mine.length;
  if (room <= 0 || free.length === 0) return [];
  const from = Math.floor(random() * free.length);
  return [...free.slice(from), ...free.slice(0, from)].slice(0, room);
}

/** How many looks in a row a shard must be nobody's before it is taken beyond the share. */
const orphanLooks = 3;

/** A shard that has been nobody's for so long that somebody must hold another in vain; now and then, so that not all take it. */
export function orphan(
  view: ShareView,
  freeSince: ReadonlyMap<string, number>,
  random: () => number,
): string | undefined {
  if (view.mine.length < most(view) || random() * view.members >= 1) return undefined;
  for (const [shard, looks] of freeSince) if (looks >= orphanLooks) return shard;
  return undefined;
}
