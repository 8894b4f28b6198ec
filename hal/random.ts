/**
 * Seeded randomness without state: a value is a pure function of its seed and keys, so that a restarted run
 * sees the same weather and the same appliances, whatever the order in which they are asked for.
 */

/** One step of a 32-bit mix (the finaliser of MurmurHash3). */
const mix = (hash: number): number => {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

/** A 32-bit seed from a seed and a name (FNV-1a, mixed). */
export function seedOf(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ mix(seed >>> 0);
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** A uniform value in [0, 1) for a seed and an index. */
export const uniform = (seed: number, index: number): number => {
  const low = mix((seed ^ Math.imul(index | 0, 0x9e3779b1)) >>> 0);
  return mix((low + Math.floor(index / 4294967296) + seed) >>> 0) / 4294967296;
};

/** A value of the standard normal distribution for a seed and an index (Box and Muller). */
export const normal = (seed: number, index: number): number => {
  const u = 1 - uniform(seed, 2 * index);
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * uniform(seed, 2 * index + 1));
};
