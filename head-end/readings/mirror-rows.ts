import { GridError } from '#hal/errors.ts';
import type { DateTimeInterval, MirrorMeterReading, Reading } from '#ieee2030_5/types.generated.ts';
import type { ReadingRow } from './reading-sql.ts';

/** A period's length as the database keeps it; 68 years. */
const longestDuration = 0x7fff_ffff;

/**
 * The readings of a posted MirrorMeterReading: its own Reading, and those of its MirrorReadingSets, which take the
 * set's time period where they have none. Throws `GTX-RDG-004` for one without a value or a usable time period.
 */
export function rowsOf(channelId: number, posted: MirrorMeterReading): ReadingRow[] {
  const rows: ReadingRow[] = [];
  if (posted.Reading !== undefined) rows.push(rowOf(channelId, posted.Reading, undefined));
  for (const set of posted.MirrorReadingSet ?? []) {
    for (const reading of set.Reading ?? []) rows.push(rowOf(channelId, reading, set.timePeriod));
  }
  return rows;
}

function rowOf(channelId: number, reading: Reading, period: DateTimeInterval | undefined): ReadingRow {
  const { value, timePeriod = period } = reading;
  if (value === undefined) throw new GridError('GTX-RDG-004', 'A Reading has no value');
  if (timePeriod === undefined) throw new GridError('GTX-RDG-004', 'A Reading has no timePeriod, nor has its set');
  const { duration } = timePeriod;
  const periodStart = Number(timePeriod.start);
  if (
    !Number.isSafeInteger(periodStart) ||
    !Number.isSafeInteger(periodStart + duration) ||
    duration > longestDuration
  ) {
    throw new GridError('GTX-RDG-004', `A Reading's time period is out of range: ${timePeriod.start} + ${duration} s`);
  }
  return { channelId, periodStart, duration, value };
}
