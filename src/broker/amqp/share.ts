/**
 * Who of a group consumes which shards, without anybody who says so. Each member sees how many members there are and how many of
 * them have too few, and by how many each shard is consumed. It lets go of what is above its share and takes what nobody has. That
 * two take the same shard does no harm, as the server gives messages to the first of them only; then one of them lets go again.
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
 * The shards to let go of: the last that came, so that those kept longest stay. Above the largest fair share always; at it, where
 * somebody has too few, now and then, so that not all make room for one.
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

/** Whether to let go of a shard that somebody else consumes too: half of the time, so that one of two does. */
export function yields(random: () => number): boolean {
  return random() < 0.5;
}
