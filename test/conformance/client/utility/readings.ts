import type { UtilityMirror } from './state.ts';
import type { Utility } from './utility.ts';
import type { XmlElement } from '../../xml.ts';

/** Readings kept for one MirrorMeterReading; the oldest are forgotten. */
const mostReadings = 20_000;

/** A MirrorUsagePoint is made once: with an mRID that is known it is overwritten (IEEE 2030.5-2018 §10.11.3). */
export function takeMirror(
  utility: Utility,
  lfdi: string,
  node: XmlElement,
): { mirror: UtilityMirror; isNew: boolean } {
  if (node.name !== 'MirrorUsagePoint') throw new Error(`${node.name} posted to a MirrorUsagePointList`);
  const mrid = node.value('mRID');
  const known = utility.mirrors.find((mirror) => mirror.lfdi === lfdi && mirror.node.value('mRID') === mrid);
  const mirror = known ?? { id: utility.mirrors.length + 1, lfdi, node, meterReadings: new Map() };
  if (known === undefined) utility.mirrors.push(mirror);
  mirror.node = node;
  for (const reading of node.all('MirrorMeterReading')) takeMeterReading(utility, mirror, reading);
  return { mirror, isNew: known === undefined };
}

/** A MirrorMeterReading, or a list of them, posted to a MirrorUsagePoint. */
export function takeReadings(utility: Utility, mirror: UtilityMirror, node: XmlElement): void {
  const readings = node.name === 'MirrorMeterReadingList' ? node.all('MirrorMeterReading') : [node];
  for (const reading of readings) takeMeterReading(utility, mirror, reading);
}

function takeMeterReading(utility: Utility, mirror: UtilityMirror, node: XmlElement): void {
  if (node.name !== 'MirrorMeterReading') throw new Error(`${node.name} posted to a MirrorUsagePoint`);
  const mrid = node.value('mRID') ?? '';
  const known = mirror.meterReadings.get(mrid) ?? { type: undefined, readings: new Map() };
  known.type = node.at('ReadingType') ?? known.type;
  mirror.meterReadings.set(mrid, known);
  const sets = [node, ...node.all('MirrorReadingSet')];
  for (const [set, reading] of sets.flatMap((each) => each.all('Reading').map((found) => [each, found] as const))) {
    // A Reading without a period of its own has that of its set.
    const period = reading.at('timePeriod') ?? set.at('timePeriod');
    const start = period?.number('start');
    const duration = period?.number('duration');
    const value = reading.number('value');
    if (start === undefined || duration === undefined || value === undefined) continue;
    known.readings.set(start, { start, duration, value, at: utility.now() });
    if (known.readings.size > mostReadings) known.readings.delete(known.readings.keys().next().value ?? 0);
  }
}
