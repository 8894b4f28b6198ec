import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DERModes } from '#ieee2030_5/events/modes.ts';
import type { Setting, Settings } from '#ieee2030_5/events/schedule.ts';
import { demandResponseStatus } from './demand-response.ts';

const set = <Value>(value: Value): Setting<Value> => ({
  value,
  rampTms: undefined,
  source: { kind: 'event', mRID: '01', program: '02', primacy: 0 },
});
const fixed = (percent: number): Settings<DERModes> => ({ opModFixedW: set(percent * 100) });

test('a demand response mode is told by what opModFixedW asks for (DRD-01, DRG-01, DRL-01)', () => {
  const table: readonly (readonly [percent: number, status: number])[] = [
    [-0.01, 101],
    [-50, 102],
    [-75, 103],
    [-100, 104],
    [0, 105],
    [50, 106],
    [75, 107],
    [100, 108],
    // What lies between two modes is told as the one that it reaches.
    [-49.99, 101],
    [-99.99, 103],
    [49.99, 105],
    [74.99, 106],
  ];
  for (const [percent, status] of table) assert.equal(demandResponseStatus(fixed(percent)), status, `${percent} %`);
});

test('a device that is told to disconnect says so, whatever else is asked for (DRA-02)', () => {
  assert.equal(demandResponseStatus({ ...fixed(75), opModConnect: set(false) }), 100);
  assert.equal(demandResponseStatus({ ...fixed(75), opModConnect: set(true) }), 107);
});

test('without a demand response the status stays what it is', () => {
  assert.equal(demandResponseStatus({}), undefined);
  assert.equal(demandResponseStatus({ opModConnect: set(true), opModEnergize: set(false) }), undefined);
});
