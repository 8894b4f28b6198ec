import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { derAlarms, derOperations } from '../grid-support.ts';
import { defaultSource } from './generate.ts';
import {
  excitations,
  fromEei,
  legacyVarModes,
  priorities,
  toEei,
  varReferences,
  varsMode,
  wattReferences,
} from './register-codes.ts';

interface Point {
  readonly name: string;
  readonly symbols?: readonly { readonly name: string; readonly value: number }[];
}
interface Group {
  readonly name: string;
  readonly points?: readonly Point[];
  readonly groups?: readonly Group[];
}

function symbols(model: number, group: string, point: string): Readonly<Record<string, number>> {
  const file = readFileSync(join(defaultSource, `model_${model}.json`), 'utf8');
  const all = (of: Group): Group[] => [of, ...(of.groups ?? []).flatMap(all)];
  const found = all((JSON.parse(file) as { group: Group }).group).find(({ name }) => name === group);
  const list = found?.points?.find(({ name }) => name === point)?.symbols ?? [];
  return Object.fromEntries(list.map(({ name, value }) => [name, value]));
}

test("codes are the numbers of the SunSpec Alliance's own files", (t) => {
  if (!existsSync(defaultSource)) {
    t.skip('the SunSpec model files are not here');
    return;
  }
  const numbers = (names: readonly string[], words: Readonly<Record<string, string>>): Record<string, number> =>
    Object.fromEntries(names.map((name, i) => [words[name]!, i]));
  const references = { maxW: 'W_MAX_PCT', maxVar: 'VAR_MAX_PCT', availableVar: 'VAR_AVAL_PCT', maxVA: 'VA_MAX_PCT' };
  assert.deepEqual(symbols(705, 'Crv', 'DeptRef'), numbers(varReferences, references));
  assert.deepEqual(symbols(712, 'Crv', 'DeptRef'), numbers(varReferences, references));
  const varSetMod = numbers(varReferences, { ...references, availableVar: 'VAR_AVAIL_PCT' });
  assert.deepEqual(symbols(704, 'DERCtlAC', 'VarSetMod'), { ...varSetMod, VARS: varsMode });
  const wattWords = { maxW: 'W_MAX_PCT', availableW: 'W_AVAL_PCT' };
  assert.deepEqual(symbols(706, 'Crv', 'DeptRef'), numbers(wattReferences, wattWords));
  const priorityWords = { active: 'ACTIVE', reactive: 'REACTIVE' };
  assert.deepEqual(symbols(712, 'Crv', 'Pri'), numbers(priorities, priorityWords));
  assert.deepEqual(
    { ...symbols(704, 'DERCtlAC', 'VarSetPri'), VENDOR: 2 },
    { ...numbers(priorities, priorityWords), VENDOR: 2 },
  );
  const excitationWords = { over: 'OVER_EXCITED', under: 'UNDER_EXCITED' };
  for (const group of ['PFWInj', 'PFWAbs', 'PFWInjRvrt', 'PFWAbsRvrt']) {
    assert.deepEqual(symbols(704, group, 'Ext'), numbers(excitations, excitationWords));
  }
  const legacy = symbols(123, 'controls', 'VArPct_Mod');
  assert.deepEqual(legacy, { NONE: 0, WMax: 1, VArMax: 2, VArAval: 3 });
  assert.deepEqual(
    legacyVarModes.map(({ of }) => of),
    ['maxW', 'maxVar', 'availableVar'],
  );
  const upper = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  assert.deepEqual(Object.keys(symbols(701, 'DERMeasureAC', 'InvSt')), derOperations.map(upper));
  assert.deepEqual(Object.values(symbols(701, 'DERMeasureAC', 'Alrm')), [...derAlarms.keys()]);
  assert.deepEqual(Object.values(symbols(103, 'inverter_three_phase', 'St')), [1, 2, 3, 4, 5, 6, 7, 8]);
  const alarms = symbols(701, 'DERMeasureAC', 'Alrm');
  const { UNDER_FREQUENCY, AC_OVER_VOLT, GRID_DISCONNECT, MANUAL_SHUTDOWN } = alarms;
  const shown = (['underFrequency', 'acOverVoltage', 'gridDisconnect', 'manualShutdown'] as const).map((alarm) =>
    derAlarms.indexOf(alarm),
  );
  assert.deepEqual(shown, [UNDER_FREQUENCY, AC_OVER_VOLT, GRID_DISCONNECT, MANUAL_SHUTDOWN]);
  const old = symbols(103, 'inverter_three_phase', 'Evt1');
  for (const [name, bit] of Object.entries(old)) assert.equal(alarms[name], bit, name);
});

test("the sign of a power factor is EEI's: negative while reactive power is injected", () => {
  assert.equal(toEei({ cosPhi: 0.9, excitation: 'over' }), -0.9);
  assert.equal(toEei({ cosPhi: 0.9, excitation: 'under' }), 0.9);
  for (const excitation of ['over', 'under'] as const) {
    const factor = { cosPhi: 0.8, excitation };
    assert.deepEqual(fromEei(toEei(factor)), factor);
  }
});
