import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import { mridOf, formatMrid } from '#ieee2030_5/identity.ts';
import type { UtilityView } from '../client/utility-view.ts';
import type { Explanation } from './explanation.ts';
import { explainInWords } from './explanation-words.ts';

const at = UnixSeconds(1_782_000_000);
const program = mridOf('program');
const event = {
  kind: 'event',
  mRID: formatMrid(mridOf('event')),
  program: formatMrid(program),
  primacy: 5,
} as const;
const quiet: Explanation = {
  at,
  serverTime: at,
  isServerLost: false,
  limits: {},
  modes: {},
  setpoints: {
    storageW: undefined,
    storageBy: 'selfConsumption',
    pvLimitW: undefined,
    pvBy: undefined,
    isConnected: true,
  },
  shortfallW: 0,
  unseen: [],
};
const sentences = (more: Partial<Explanation>, view?: UtilityView): readonly string[] =>
  explainInWords({ ...quiet, ...more }, view).map(({ sentence }) => sentence);

test('a limit is told with its value, who says so, since when and until when', () => {
  const reason = { source: event, w: 1500, goalW: 1500, since: at, until: UnixSeconds(at + 3_600) };
  const names = { derPrograms: [{ program: { mRID: program, description: 'Feeder 7', primacy: 5 }, controls: [] }] };
  assert.deepEqual(sentences({ limits: { export: reason } }, names as unknown as UtilityView), [
    `Export to the grid is limited to 1.5 kW by the event ${event.mRID.toUpperCase()} of program “Feeder 7” ` +
      '(primacy 5) since 2026-06-21 00:00 UTC until 2026-06-21 01:00 UTC.',
  ]);
});

test('the installer’s limit is told as his, a ramp with where it leads', () => {
  const site = { source: { kind: 'site' }, w: 4_000, goalW: 4_000 } as const;
  const ramp = { source: { kind: 'release' }, w: 700, goalW: 4_000 } as const;
  assert.deepEqual(sentences({ limits: { import: site, export: ramp } }), [
    'Export to the grid is limited to 700 W now, on the way to 4 kW, on the way up after a limit that is over.',
    'Import from the grid is limited to 4 kW by the installer’s setting of this site.',
  ]);
});

test('what is told to battery and inverter is told with its reason', () => {
  const setpoints = {
    storageW: -2_000,
    storageBy: 'export',
    pvLimitW: 500,
    pvBy: 'export',
    isConnected: true,
  } as const;
  assert.deepEqual(sentences({ setpoints }), [
    'The battery is told to charge 2 kW, so that the export limit holds.',
    'The inverter is held to 500 W, so that the export limit holds.',
  ]);
});

test('what a device did not take, a lost server and blind spots are told', () => {
  const volt = { source: event, value: { href: '/derp/1/dc/1' }, state: 'refused', fault: 'no curve' } as const;
  const told = sentences({ modes: { opModVoltVar: volt }, isServerLost: true, unseen: ['meter'], shortfallW: 10 });
  assert.match(
    told[0] ?? '',
    /^opModVoltVar follows the curve \/derp\/1\/dc\/1 by the event .*\. It is refused: no curve\.$/,
  );
  assert.deepEqual(told.slice(1), [
    'A limit is exceeded by 10 W although all that can be is done.',
    'The server has not been reached for so long that the installer’s rules hold.',
    'What does not answer is assumed worst: meter.',
  ]);
});
