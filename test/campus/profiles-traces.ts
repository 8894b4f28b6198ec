import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';

const meter = (name: string): string => `AMI_METER_STANFORD_${name}`;

/**
 * One household to a building, scaled so that its highest quarter of an hour stays within the building's rating,
 * and the Berlin plant (at most 750 W) scaled to the building's inverter.
 */
const july = [
  { building: meter('DORM_001'), household: 'chr27', loadScale: 7, pvScale: 76 },
  { building: meter('DORM_002'), household: 'chr33', loadScale: 6, pvScale: 70 },
  { building: meter('DORM_003'), household: 'chr16', loadScale: 6, pvScale: 64 },
  { building: meter('GRAD_001'), household: 'chr44', loadScale: 6, pvScale: 57 },
  { building: meter('FRAT_001'), household: 'chr52', loadScale: 6, pvScale: 44 },
  { building: meter('DINING_001'), household: 'chr31', loadScale: 14, pvScale: 64 },
] as const;

const minuteDay = { building: meter('APART_001'), step: 60, column: 'ActivePower', unit: 'W' } as const;

const quarterHours = { time: 'Time', column: 'power', unit: 'W', step: 900 } as const;

/**
 * Writes `traces.yaml` into `outDirectory` for the measured profiles in `profilesDirectory`: a minute PV day and
 * household, and six households with a PV plant for July. Answers the folder to give to `--traces`.
 */
export async function writeProfileTraces(profilesDirectory: string, outDirectory: string): Promise<string> {
  const file = (name: string): string => resolve(profilesDirectory, name);
  const traces = [
    { ...minuteDay, quantity: 'pv', file: file('openems-h0-summer-weekday-pv-production.csv'), scale: 6 },
    // Negative is consumption in this file: it is below zero all night. The 50 minutes above zero count as 0.
    {
      ...minuteDay,
      quantity: 'load',
      file: file('openems-h0-summer-weekday-non-regulated-consumption.csv'),
      scale: -7,
      clampNegative: true,
    },
    ...july.flatMap(({ building, household, loadScale, pvScale }) => [
      { building, quantity: 'load', file: file(`gsy-household-${household}.csv`), ...quarterHours, scale: loadScale },
      { building, quantity: 'pv', file: file('gsy-berlin-pv.csv'), ...quarterHours, scale: pvScale },
    ]),
  ];
  await mkdir(outDirectory, { recursive: true });
  await writeFile(join(outDirectory, 'traces.yaml'), stringify({ traces }));
  return outDirectory;
}
