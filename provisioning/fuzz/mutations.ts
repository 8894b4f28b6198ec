import { seedOf, uniform } from '#hal/random.ts';

/** Octets that have been changed at random, and always in the same way for a seed and a number. */
export function mutated(samples: readonly Uint8Array[], seed: number, number: number): Uint8Array {
  const from = seedOf(seed, `mutation ${number}`);
  let drawn = 0;
  const draw = (below: number): number => Math.floor(uniform(from, drawn++) * below);
  let octets: Buffer = Buffer.from(samples[draw(samples.length)]!);
  for (let left = 1 + draw(4); left > 0; left--) octets = changes[draw(changes.length)]!(octets, draw, samples);
  return Uint8Array.from(octets.subarray(0, longest));
}

/** Splices make octets longer and longer. */
const longest = 100_000;

type Draw = (below: number) => number;

/** Octets that lengths, tags and counts have at their edges. */
const edges = [
  0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xa3, 0xfe, 0xff,
];

const changes: readonly ((octets: Buffer, draw: Draw, samples: readonly Uint8Array[]) => Buffer)[] = [
  // An octet becomes any other, or one of an edge.
  (octets, draw) => withOctet(octets, draw(octets.length), draw(256)),
  (octets, draw) => withOctet(octets, draw(octets.length), edges[draw(edges.length)]!),
  (octets, draw) => {
    const at = draw(octets.length);
    return withOctet(octets, at, (octets[at] ?? 0) ^ (1 << draw(8)));
  },
  // The end or a part is cut off, or stands there twice.
  (octets, draw) => octets.subarray(0, draw(octets.length + 1)),
  (octets, draw) => {
    const [from, length] = [draw(octets.length), draw(40)];
    return Buffer.concat([octets.subarray(0, from), octets.subarray(from + length)]);
  },
  (octets, draw) => {
    const from = draw(octets.length);
    const part = octets.subarray(from, from + draw(200));
    return Buffer.concat([octets.subarray(0, from), part, octets.subarray(from)]);
  },
  // Octets come between.
  (octets, draw) => {
    const at = draw(octets.length);
    const more = Buffer.from(Array.from({ length: draw(8) }, () => edges[draw(edges.length)]!));
    return Buffer.concat([octets.subarray(0, at), more, octets.subarray(at)]);
  },
  // A part of another one stands in its place.
  (octets, draw, samples) => {
    const other = samples[draw(samples.length)]!;
    const [at, from] = [draw(octets.length), draw(other.length)];
    const part = other.subarray(from, from + draw(120));
    return Buffer.concat([octets.subarray(0, at), part, octets.subarray(at + part.length)]);
  },
];

function withOctet(octets: Buffer, at: number, octet: number): Buffer {
  const copy = Buffer.from(octets);
  if (at < copy.length) copy[at] = octet;
  return copy;
}
