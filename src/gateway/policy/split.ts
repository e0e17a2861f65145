/** A part of the traffic. */
export interface Share {
  /** Stays the same when others come and go: by it a key finds its place again. */
  readonly id: string;
  /** Its part beside others. 0: nothing. */
  readonly weight: number;
}

/**
 * Chooses for a key: always the same while the shares are the same, and when weights change only as many keys move as must
 * (weighted rendezvous hashing, Thaler and Ravishankar 1998). Undefined when no share has any weight.
 */
export function shareOf<S extends Share>(shares: readonly S[], key: string): S | undefined {
  let best: S | undefined;
  let highest = -Infinity;
  for (const share of shares) {
    if (share.weight <= 0) continue;
    // -ln of a uniform number is exponential: the one with the lowest of these over its weight wins in proportion to it.
    const score = share.weight / -Math.log(unit(hashOf(`${share.id}\u0000${key}`)));
    if (score <= highest) continue;
    highest = score;
    best = share;
  }
  return best;
}

/** Chooses for one request that has no key, in proportion to the weights; `random` is in [0, 1). */
export function shareAt<S extends Share>(shares: readonly S[], random: number): S | undefined {
  const sum = shares.reduce((total, { weight }) => total + Math.max(0, weight), 0);
  let left = random * sum;
  let last: S | undefined;
  for (const share of shares) {
    if (share.weight <= 0) continue;
    last = share;
    left -= share.weight;
    if (left < 0) return share;
  }
  return last;
}

/** FNV-1a of 32 bits over UTF-16 units, its bits mixed at the end as MurmurHash3 does: the same in every process. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** In (0, 1), neither end included. */
function unit(hash: number): number {
  return (hash + 0.5) / 2 ** 32;
}
