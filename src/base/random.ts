/** A number in [0, 1), by some rule. */
export type Random = () => number;

/** The generator sfc32 (Doty-Humphrey): small, fast, passes PractRand; the simulator's dice. Not for secrets. */
export function seededRandom(seed: number, purpose: string = ""): Random {
  let a = seed | 0;
  let b = hash(purpose) ^ 0x9e3779b9;
  let c = (seed / 0x1_0000_0000) | 0;
  let d = 1;
  const next = (): number => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 0x1_0000_0000;
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}

/** A whole number from `min` to `max`, both included. */
export function between(random: Random, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

/** An unsigned 32-bit number. */
export function uint32(random: Random): number {
  return (random() * 0x1_0000_0000) >>> 0;
}

/** FNV-1a over the text's UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}
