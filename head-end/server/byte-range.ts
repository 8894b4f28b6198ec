export interface ByteRange {
  /** The first byte, from 0. */
  readonly start: number;
  readonly count: number;
}

/**
 * The one range that a header asks of `size` bytes (RFC 9110 §14.2): undefined for all of them, also when several
 * ranges or another unit are asked for, which a server may answer with everything.
 */
export function byteRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const count = Math.min(Number(to), size);
    return count === 0 ? 'unsatisfiable' : { start: size - count, count };
  }
  const start = Number(from);
  const end = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, count: end - start + 1 };
}
